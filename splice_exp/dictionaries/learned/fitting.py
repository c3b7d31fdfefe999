"""Training of an autoencoder: Adam over shuffled rows, with curves of its error, its sparsity and its dead atoms.

The order of an epoch depends on the seed and its number only, so that a training that was killed goes on from the end
of its last epoch, and ends with the same weights.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader

from splice_exp.core.io import write_text
from splice_exp.core.packages.lightning import callbacks, lightning
from splice_exp.core.text.csv import as_csv
from splice_exp.core.text.progress import DISPLAY
from splice_exp.dictionaries.learned.autoencoder import Autoencoder
from splice_exp.distributed.preemption import leave_if_asked, listen
from splice_exp.training.curves import Curves

DEAD_AFTER = 4096  # rows in which an atom was never active


@dataclass(frozen=True)
class Course:
    """How an autoencoder is trained.

    Attributes:
        epochs: Passes over the rows.
        batch_size: Rows in a step.
        learning_rate: Of Adam; over the last fifth of all steps it falls to zero.
        seed: Of the order of the rows.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    seed: int


class Fit(lightning.LightningModule):
    """An autoencoder and its training.

    Args:
        network: Trained in place.
        targets: Centred unit rows.
        course: How.
    """

    idle: Tensor  # rows seen since each atom was active, (k,)

    def __init__(self, network: Autoencoder, targets: Float[Tensor, "n d"], course: Course) -> None:
        super().__init__()
        self.network, self._targets, self._course = network, targets, course
        self.register_buffer("idle", torch.zeros(len(network.bias), dtype=torch.int64))

    def on_train_start(self) -> None:
        """Listen to requests to stop: Lightning has just set its own handler."""
        listen()

    def on_train_epoch_start(self) -> None:
        """Leave if asked to: the epoch before is written."""
        DISPLAY.step(self.current_epoch, self._course.epochs)
        leave_if_asked()

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Return the batches of an epoch, in its own order."""
        order = np.random.default_rng((self._course.seed, self.current_epoch)).permutation(len(self._targets))
        places = torch.split(torch.from_numpy(order), self._course.batch_size)
        batches = [self._targets[rows] for rows in places]
        return DataLoader(batches, batch_size=None)  # type: ignore[arg-type]

    def training_step(self, batch: Float[Tensor, "b d"], index: int) -> Float[Tensor, ""]:
        """Return the loss of a batch, and log what is watched.

        Args:
            batch: Centred unit rows.
            index: Number of the batch in its epoch; plays no part.
        """
        step = self.network.step(batch, self.idle > DEAD_AFTER)
        active = step.codes > 0
        self.idle += len(batch)
        self.idle[active.any(dim=0)] = 0
        watched = {
            "loss": step.loss.detach(),
            "unexplained": step.error.mean(),  # of rows of norm 1
            "l0": active.sum(dim=1).double().mean().float(),
            "dead": (self.idle > DEAD_AFTER).float().mean(),
        }
        self.log_dict(watched, on_step=False, on_epoch=True, batch_size=len(batch))
        return step.loss

    def on_train_batch_end(self, outputs: object, batch: object, batch_idx: int) -> None:
        """Put parameters back where they are allowed to be; nothing that Lightning hands over plays a part.

        Args:
            outputs: What the step returned.
            batch: The rows.
            batch_idx: Number of the batch in its epoch.
        """
        with torch.no_grad():
            self.network.constrain()

    def configure_optimizers(self) -> Any:
        """Return Adam, and a learning rate that falls to zero at the end."""
        optimizer = torch.optim.Adam(self.network.parameters(), lr=self._course.learning_rate, fused=True)
        steps = self._course.epochs * -(-len(self._targets) // self._course.batch_size)
        falling = max(1, steps // 5)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (steps - step) / falling))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def train(network: Autoencoder, targets: Float[Tensor, "n d"], course: Course, folder: Path) -> None:
    """Train in place, or go on where a killed training of the same content stopped; then settle.

    Writes `curves.csv` into the folder: loss, unexplained variance, L0 and share of dead atoms of each epoch.

    Args:
        network: As it was initialised.
        targets: Centred unit rows.
        course: How.
        folder: Of exactly this training.
    """
    curves, last = Curves(), folder / "last.ckpt"
    checkpoint = callbacks.ModelCheckpoint(
        folder, filename="last", enable_version_counter=False, save_on_train_epoch_end=True
    )
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
        warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")  # of Lightning by itself
        trainer = lightning.Trainer(
            accelerator="auto",
            devices=1,
            max_epochs=course.epochs,
            reload_dataloaders_every_n_epochs=1,
            logger=False,
            callbacks=[curves, checkpoint],
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(Fit(network.train(), targets, course), ckpt_path=last if last.is_file() else None)
    network.cpu().eval().requires_grad_(False)
    write_text(folder / "curves.csv", as_csv(curves.table()))
    last.unlink(missing_ok=True)
