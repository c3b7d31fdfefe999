"""What Hydra calls when a command begins and ends; every job has it, so it imports nothing before it is called."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from hydra._internal.core_plugins import basic_sweeper
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException


class _WhereItCanBeWritten:
    """What Hydra keeps its own copy of a sweep with; nobody reads it, and each run has its configuration."""

    @staticmethod
    def save(config: DictConfig, path: Path) -> None:
        with suppress(OSError):
            OmegaConf.save(config, path)


class SweepReport(Callback):
    """Prints the table when a run or a sweep ends, and writes it when every row is there.

    The report is built before the first run, too: what is wrong with it must not cost the work of all of them.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        _require_report(config)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        _require_report(config)
        vars(basic_sweeper)["OmegaConf"] = _WhereItCanBeWritten

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        from splice_exp.sweep import report

        # One point of an experiment that is a sweep must not replace the table of the whole.
        report(config, write=not config.hydra.sweeper.get("params"))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        from splice_exp.sweep import report

        report(config, write=True)


def _require_report(config: DictConfig) -> None:
    """End the command if its report cannot be built; Hydra would turn an error into a warning."""
    from splice_exp.build import build
    from splice_exp.configuration import plain, require_file_names
    from splice_exp.core.errors import SpliceError

    try:
        require_file_names(config)
        if OmegaConf.is_missing(config, "report"):  # the run says so
            return
        build(plain(config, "report"), "report")
    except SpliceError as error:
        _end(str(error))
    except OmegaConfBaseException as error:  # of an interpolation
        _end(f"{error.full_key}: {str(error).splitlines()[0]}")


def _end(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
