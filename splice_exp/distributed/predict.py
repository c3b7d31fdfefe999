"""Compute what shards lack: batches are dealt by number to processes, and each writes its own.

Batch b goes to process b mod P of P processes, by its number among all batches and not among those that are missing, so
processes need not agree on what is missing. Nothing is padded, and no row is computed twice.
"""

from __future__ import annotations

import logging
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from torch import Tensor
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException
from torch.utils.data import DataLoader, Dataset, Sampler

from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.text.progress import DISPLAY
from splice_exp.distributed.preemption import EXIT_CODE, Preempted, leave_if_asked, listen
from splice_exp.distributed.shards import Shards
from splice_exp.distributed.trainer import Machine, launched

log = logging.getLogger(__name__)

NOISE = (  # of Lightning, about what is as it should be
    ".*does not have many workers.*",
    ".*Couldn't infer the batch indices.*",
    ".*isinstance.treespec, LeafSpec.*",
    ".*across ranks is zero.*",
)
Rows = Mapping[str, Mapping[str, Tensor]]  # of each store, the tensors of a batch


class RowSource(Dataset[tuple[tuple[int, int], Any]]):
    """Samples of a computation, batch by batch.

    Args:
        batches: Rows of each batch; set by `compute`.
    """

    batches: Sequence[range] = ()

    @abstractmethod
    def load(self, rows: range) -> Any:
        """Return the inputs of some rows, ready for the device; called in the processes that load."""

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> tuple[tuple[int, int], Any]:
        rows = self.batches[number]
        return (rows.start, rows.stop), self.load(rows)


class RowModule(LightningModule):
    """A computation on batches of rows."""

    def __init__(self) -> None:
        super().__init__()
        # There may be fewer batches than processes, or all that are missing may belong to one of them.
        self.allow_zero_length_dataloader_with_multiple_devices = True

    @abstractmethod
    def rows(self, inputs: Any) -> Rows:
        """Return, for each store, the tensors of a batch."""

    def predict_step(self, batch: tuple[tuple[int, int], Any], batch_idx: int) -> Rows:
        return self.rows(batch[1])


@dataclass(frozen=True)
class Share:
    """The part of the batches that is for this job, where several jobs fill the same cache without knowing each other.

    Args:
        index: Which of the jobs this is, from 0 on.
        count: How many there are; 1: this job computes all that is missing.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        require_integer("shard.count", self.count, 1)
        require_integer("shard.index", self.index, 0)
        if self.index >= self.count:
            raise SpliceError(f"shard.index is {self.index}, but must be less than shard.count, which is {self.count}.")


class Dealt(Sampler[int]):
    """The places of those batches that are for this process of this job."""

    def __init__(self, batches: Sequence[range], batch_size: int, share: Share) -> None:
        self._batches, self._batch_size, self._share = batches, batch_size, share

    def __iter__(self) -> Iterator[int]:
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        rank, world = (torch.distributed.get_rank(), torch.distributed.get_world_size()) if distributed else (0, 1)
        numbers = (rows.start // self._batch_size for rows in self._batches)
        mine = self._share.index * world + rank
        return (place for place, number in enumerate(numbers) if number % (self._share.count * world) == mine)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class ShardWriter(BasePredictionWriter):
    """Writes each batch when it is computed, and lets the process go after it if it was asked to."""

    def __init__(self, stores: Mapping[str, Shards]) -> None:
        super().__init__("batch")
        self._stores = stores

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        super().on_predict_start(trainer, pl_module)
        listen()  # Lightning has just set a handler that waits for the other processes

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: Rows,
        batch_indices: Sequence[int] | None,
        batch: tuple[tuple[int, int], Any],
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        for name, tensors in prediction.items():
            self._stores[name].write(range(*batch[0]), tensors)
        DISPLAY.step(batch_idx + 1, int(trainer.num_predict_batches[dataloader_idx]))
        leave_if_asked()


def as_it_is(batch: Any) -> Any:
    """Return a batch as its source gives it."""
    return batch


def compute(
    module: RowModule,
    source: RowSource,
    stores: Mapping[str, Shards],
    machine: Machine,
    batch_size: int,
    share: Share,
) -> None:
    """Compute and write all rows that some store lacks, if they are for this job.

    Args:
        module: The computation.
        source: Its inputs.
        stores: Where its rows go, by the names that `module.rows` uses; all have the same rows.
        machine: Where it runs.
        batch_size: Rows computed together, and in a shard.
        share: The part for this job.

    Raises:
        Preempted: after a SIGTERM, when the batch that was being computed is written.
    """
    lacking = [shards.missing(batch_size) for shards in stores.values()]
    batches = sorted({rows for missing in lacking for rows in missing}, key=lambda rows: (rows.start, rows.stop))
    if batches or launched():  # whoever comes late may find nothing missing, but the others wait for it
        source.batches = batches
        loader = DataLoader(
            source,
            batch_size=None,
            collate_fn=as_it_is,
            sampler=Dealt(batches, batch_size, share),
            num_workers=machine.num_workers,
            prefetch_factor=machine.prefetch if machine.num_workers else None,
            pin_memory=machine.device.type == "cuda",
        )
        with warnings.catch_warnings():
            for message in NOISE:
                warnings.filterwarnings("ignore", message=message)
            _predict(machine.trainer([ShardWriter(stores)]), module, loader)
    for shards in stores.values():
        shards.seal()


def _said(text: str, kind: type[Exception]) -> str:
    """Return the words of an error out of its traceback, as which they reach this process from another."""
    return text.rsplit(f"{kind.__module__}.{kind.__qualname__}: ", 1)[-1].strip()


def _predict(trainer: Trainer, module: RowModule, loader: DataLoader[Any]) -> None:
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
