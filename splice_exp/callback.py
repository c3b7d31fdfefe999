"""What Hydra calls when a command begins and ends; every job has it, so it imports nothing before it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from splice_exp.core.text.progress import DISPLAY


class SweepReport(Callback):
    """Prints the table when a run or a sweep ends, and writes it when every row is there.

    The report is built before the first run, too: what is wrong with it must not cost the work of all of them.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse what cannot be computed or reported, before a single run.

        Args:
            config: Composed, Hydra's own node included.
            kwargs: What Hydra passes besides; not used.

        Raises:
            SystemExit: with code 1, after a sentence that names the key.
        """
        _require_inputs(config, alone=True)
        _require_report(config)
        from splice_exp.sweep import note_repetition  # late: with the report

        note_repetition(config)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse a sweep that cannot be computed or reported, or has no row.

        Args:
            config: Composed, Hydra's own node included.
            kwargs: What Hydra passes besides; not used.

        Raises:
            SystemExit: with code 1, after a sentence that names the key; with 0 where nothing is left to compute.
        """
        from splice_exp.rows import rows_of_hydra

        rows_of_hydra()
        _require_inputs(config, alone=False)
        _require_report(config)
        _require_work(config)

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Show that a row of a sweep begins.

        Args:
            config: Of this row, Hydra's own node included.
            kwargs: What Hydra passes besides; not used.
        """
        if config.hydra.mode == RunMode.MULTIRUN:
            DISPLAY.row(config.hydra.job.num)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Show that a row of a sweep has ended.

        Args:
            config: Of this row, Hydra's own node included.
            job_return: What came of it; not used.
            kwargs: What Hydra passes besides; not used.
        """
        if config.hydra.mode == RunMode.MULTIRUN:
            DISPLAY.row_ends(config.hydra.job.num)

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print the table of a single run, and write it unless the run is one point of a sweep.

        Args:
            config: Composed, Hydra's own node included.
            kwargs: What Hydra passes besides; not used.
        """
        from splice_exp.sweep import report

        # One point of an experiment that is a sweep must not replace the table of the whole.
        report(config, write=not config.hydra.sweeper.get("params"))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print and write the table of a sweep.

        Args:
            config: Composed, Hydra's own node included.
            kwargs: What Hydra passes besides; not used.
        """
        from splice_exp.sweep import report

        report(config, write=True)


def _require_inputs(config: DictConfig, alone: bool) -> None:
    """End the command if no row can begin, because files are missing, and none is complete.

    First of all, because it needs neither torch nor matplotlib: the name of a run is known from its data only, which
    takes seconds, so that whoever has results already learns it later (`sweep.begin`).
    """
    from splice_exp.configuration import inputs_of
    from splice_exp.core.errors import SpliceError
    from splice_exp.core.runs.run_directory import METRICS
    from splice_exp.core.text.visible import end
    from splice_exp.inputs import KEYS, refusal
    from splice_exp.points import changed_by, expand, one_by_files
    from splice_exp.rows import composed

    refused: SpliceError | None = None
    try:
        if any(Path(config.hydra.sweep.dir).glob(f"*/{METRICS}")):
            return
        points = [] if alone else one_by_files(expand(config))
        changing = changed_by(points)
        first = next(composed(points[:1], config), config)  # what `set_by_row` moved to the rows is set there only
        refused = refusal(inputs_of(first), [key for key in KEYS if key not in changing])
        if refused is None:
            for row in composed(points if changing else [], config):
                if (found := refusal(inputs_of(row))) is None:
                    return
                refused = refused or found
    except (HydraException, OmegaConfBaseException, SpliceError):  # said by what comes next, in its words
        return
    if refused is not None:
        end(str(refused))


def _require_report(config: DictConfig) -> None:
    """End the command if its report cannot be built; Hydra would turn an error into a warning."""
    from splice_exp.build import build
    from splice_exp.configuration import plain, require_file_names
    from splice_exp.core.errors import SpliceError
    from splice_exp.core.runs.trusted import KEY as TRUST
    from splice_exp.core.runs.trusted import require_trusted
    from splice_exp.core.text.visible import end

    try:
        require_file_names(config)
        if OmegaConf.is_missing(config, "report"):  # the run says so
            return
        require_trusted(plain(config, TRUST))
        build(plain(config, "report"), "report", trust=plain(config, TRUST))
    except SpliceError as error:
        end(str(error))
    except OmegaConfBaseException as error:  # of an interpolation
        end(f"{error.full_key}: {str(error).splitlines()[0]}")


def _require_work(config: DictConfig) -> None:
    """End the command if none of its rows can begin, and report it if none is left to compute."""
    from splice_exp.core.errors import SpliceError
    from splice_exp.core.text.visible import end
    from splice_exp.sweep import OUTCOME, begin, report

    try:
        begin(config)
    except SpliceError as error:
        end(str(error))
    except (HydraException, OmegaConfBaseException):
        return  # of an option that Hydra refuses itself, in its own words, when it composes the row
    if OUTCOME.complete:
        report(config, write=True)
        sys.exit(0)
