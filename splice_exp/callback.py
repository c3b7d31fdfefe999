"""What Hydra calls when a command ends; launchers hand it to every job, so it imports nothing before it is called."""

from __future__ import annotations

from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig


class SweepReport(Callback):
    """Prints the table when a run or a sweep ends, and writes it when every row is there."""

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        from splice_exp.sweep import report

        # One point of an experiment that is a sweep must not replace the table of the whole.
        report(config, write=not config.hydra.sweeper.get("params"))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        from splice_exp.sweep import report

        report(config, write=True)
