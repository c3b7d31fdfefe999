"""What was logged in each epoch, kept in the checkpoint: a training that was killed loses none of it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from splice_exp.core.packages.lightning import callbacks, lightning


class Curves(callbacks.Callback):
    """One row per epoch, with everything that was logged in it.

    Loggers write the values of an epoch after its checkpoint, and lose them when the training is killed in between.
    """

    def __init__(self) -> None:
        self._rows: list[dict[str, float]] = []
        self._earlier: dict[str, Any] = {}

    def table(self) -> pd.DataFrame:
        """Return the rows; what was not logged in an epoch is NaN there."""
        return pd.DataFrame(self._rows)

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Note what was logged before the epoch.

        Args:
            trainer: Has the last value of everything that was logged.
            pl_module: The module in training; not used.
        """
        self._earlier = dict(trainer.callback_metrics)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Add a row with what was logged in the epoch.

        Args:
            trainer: Has the last value of everything that was logged.
            pl_module: The module in training; not used.
        """
        # Lightning goes on to show the last value of what is no longer logged: the very same object.
        logged = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if value is not self._earlier.get(name)
        }
        self._rows.append({"epoch": trainer.current_epoch, **logged})

    def state_dict(self) -> dict[str, Any]:
        """Return the rows, for the checkpoint."""
        return {"rows": list(self._rows)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows from a checkpoint.

        Args:
            state_dict: By `state_dict`.
        """
        self._rows = list(state_dict["rows"])
