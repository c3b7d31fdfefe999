"""Predict with Lightning: it starts the processes, has batches loaded, and moves them to the devices."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException
from torch.utils.data import DataLoader

from splice_exp.core.errors import SpliceError
from splice_exp.core.packages.lightning import callbacks, lightning
from splice_exp.core.text.progress import DISPLAY
from splice_exp.distributed.batches import Dealt, RowModule, Rows, RowSource, write
from splice_exp.distributed.preemption import EXIT_CODE, Preempted, leave_if_asked, listen
from splice_exp.distributed.shards import Shards
from splice_exp.distributed.trainer import Machine, launched

NOISE = (  # of Lightning, about what is as it should be
    ".*does not have many workers.*",
    ".*Couldn't infer the batch indices.*",
    ".*isinstance.treespec, LeafSpec.*",
    ".*across ranks is zero.*",
)


class Predicted(lightning.LightningModule):
    """A computation on batches, as Lightning takes it.

    Args:
        module: The computation.
    """

    def __init__(self, module: RowModule) -> None:
        super().__init__()
        self.module = module
        # There may be fewer batches than processes, or all that are missing may belong to one of them.
        self.allow_zero_length_dataloader_with_multiple_devices = True

    def predict_step(self, batch: tuple[tuple[int, int], Any], batch_idx: int) -> Rows:
        """Return what is computed of a batch.

        Args:
            batch: First row and the one after the last, and the inputs.
            batch_idx: Number of the batch; not used.
        """
        return self.module.rows(batch[1])


class ShardWriter(callbacks.BasePredictionWriter):
    """Writes each batch when it is computed, and lets the process go after it if it was asked to.

    Args:
        stores: Where rows go, by the names that `RowModule.rows` uses.
    """

    def __init__(self, stores: Mapping[str, Shards]) -> None:
        super().__init__("batch")
        self._stores = stores

    def on_predict_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Listen for SIGTERM again, which Lightning has just taken over.

        Args:
            trainer: Of Lightning.
            pl_module: The computation.
        """
        super().on_predict_start(trainer, pl_module)
        listen()  # Lightning has just set a handler that waits for the other processes

    def write_on_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        prediction: Rows,
        batch_indices: Sequence[int] | None,
        batch: tuple[tuple[int, int], Any],
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write what was computed of a batch, show progress, and leave if the process was asked to.

        Args:
            trainer: Knows how many batches there are.
            pl_module: The computation; not used.
            prediction: Tensors of the batch, of each store.
            batch_indices: Of its samples; not used, since the batch knows its rows.
            batch: First row and the one after the last, and the inputs.
            batch_idx: Number of the batch, from 0.
            dataloader_idx: Number of its data loader, from 0.
        """
        write(self._stores, range(*batch[0]), prediction)
        DISPLAY.step(batch_idx + 1, int(trainer.num_predict_batches[dataloader_idx]))
        leave_if_asked()


def as_it_is(batch: Any) -> Any:
    """Return a batch as its source gives it."""
    return batch


def predict(module: RowModule, source: RowSource, stores: Mapping[str, Shards], machine: Machine, dealt: Dealt) -> None:
    """Compute batches, and write each as soon as it is there.

    Args:
        module: The computation.
        source: Its inputs, with the batches set.
        stores: Where its rows go, by the names that `module.rows` uses.
        machine: Where it runs.
        dealt: The batches that are for this process.

    Raises:
        Preempted: after a SIGTERM, when the batch that was being computed is written.
    """
    loader = DataLoader(
        source,
        batch_size=None,
        collate_fn=as_it_is,
        sampler=dealt,
        num_workers=machine.num_workers,
        prefetch_factor=machine.prefetch if machine.num_workers else None,
        pin_memory=machine.device.type == "cuda",
    )
    with warnings.catch_warnings():
        for message in NOISE:
            warnings.filterwarnings("ignore", message=message)
        _predict(machine.trainer([ShardWriter(stores)]), Predicted(module), loader)


def _said(text: str, kind: type[Exception]) -> str:
    """Return the words of an error out of its traceback, as which they reach this process from another."""
    return text.rsplit(f"{kind.__module__}.{kind.__qualname__}: ", 1)[-1].strip()


def _predict(trainer: lightning.Trainer, module: Predicted, loader: DataLoader[Any]) -> None:
    try:
        trainer.predict(module, loader, return_predictions=False)
    except ProcessExitedException as error:
        if error.exit_code == EXIT_CODE:
            raise Preempted from error
        raise
    except ProcessRaisedException as error:
        leave_if_asked()
        said = _said(error.msg, SpliceError)
        if said != error.msg:
            raise SpliceError(said) from error
        raise
    except SpliceError as error:
        leave_if_asked()
        raise SpliceError(_said(str(error), type(error))) from error
    except Exception:
        leave_if_asked()  # a process that waits for one that has left can only fail
        raise
    if launched():
        trainer.strategy.barrier()  # what this process reads next, others may still be writing
    leave_if_asked()
