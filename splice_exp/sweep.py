"""From a command to the rows of its table: which points it means, and where their runs are.

The rows are composed anew from the overrides, not collected from the jobs, so they are the same under every
launcher, and a job that failed or died is a row all the same.
"""

from __future__ import annotations

import itertools
import logging
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from splice_exp.configuration import plain
from splice_exp.report.page import Report
from splice_exp.report.records import Record
from splice_exp.report.tracking import Tracker
from splice_exp.run import build, refuse_foreign_targets

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What the command came to, for its last words and its exit code."""

    directory: Path | None = None
    failures: list[str] = field(default_factory=list)


OUTCOME = Outcome()


def expand(config: DictConfig) -> list[dict[str, str]]:
    """Return every point of a sweep as override key → value: the product of file and command line.

    A key on the command line replaces that of the file.
    """
    written = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    values: dict[str, list[str]] = {}
    for override in OverridesParser.create().parse_overrides([*written, *config.hydra.overrides.task]):
        key = override.get_key_element()
        choices = (
            override.sweep_string_iterator() if override.is_sweep_override() else [override.get_value_element_as_str()]
        )
        values[key] = list(choices)
    return [dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())]


def shown_command(overrides: list[str]) -> str:
    """Write the command with files by their names: where they lie is nobody's business but the reader's."""
    words = []
    for override in overrides:
        key, _, value = override.partition("=")
        if key == "paths.results":
            continue
        words.append(f"{key}={Path(value).name}" if "/" in value and Path(value).is_file() else override)
    return shlex.join(["python", "-m", "splice_exp", *words])


def label(value: str) -> str:
    """Write a swept value as a table shows it: a file or a variant by its last part, truth in lower case.

    Example:
        >>> label("True"), label("dictionary/random")
        ('true', 'random')
    """
    last = value.rsplit("/", 1)[-1]
    return last.lower() if last in ("True", "False") else last


def rows(config: DictConfig) -> list[Record]:
    """Return the row of every point, whether or not its run ended well."""
    alone = config.hydra.mode != RunMode.MULTIRUN
    points = [_as_given(config)] if alone else expand(config)
    swept = [key for key in points[0] if len({point[key] for point in points}) > 1]
    records: dict[Path, Record] = {}
    for point in points:
        overrides = [f"{key}={value}" for key, value in point.items()]
        row = compose(config.hydra.job.config_name, overrides=overrides, return_hydra_config=True)
        folder = Path(row.hydra.run.dir if alone else f"{row.hydra.sweep.dir}/{row.hydra.sweep.subdir}")
        records.setdefault(folder, Record({key.lstrip("+"): label(point[key]) for key in swept}, folder))
    return list(records.values())


def _as_given(config: DictConfig) -> dict[str, str]:
    return dict(override.split("=", 1) for override in config.hydra.overrides.task)


class SweepReport(Callback):
    """Prints the table when a run or a sweep ends, and writes it when every row is there."""

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        # One point of an experiment that is a sweep must not replace the table of the whole.
        self._report(config, write=not config.hydra.sweeper.get("params"))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        self._report(config, write=True)

    def _report(self, config: DictConfig, write: bool) -> None:
        try:
            records = rows(config)
            failed = [record for record in records if not record.complete]
            OUTCOME.failures = [": ".join(filter(None, [record.label, record.error])) for record in failed]
            alone = config.hydra.mode != RunMode.MULTIRUN
            OUTCOME.directory = records[0].directory if alone else Path(config.hydra.sweep.dir)
            self._show(config, records, write)
        except Exception as error:  # Hydra turns what a callback raises into a warning; it must end the command instead
            OUTCOME.failures.append(f"the report cannot be made: {error}")
            log.debug("the report failed", exc_info=True)

    def _show(self, config: DictConfig, records: list[Record], write: bool) -> None:
        if not any(record.complete for record in records):
            return
        node = plain(config, "report")
        refuse_foreign_targets(node, "report")
        report: Report = build(node)
        print("", report.title, "", report.table(records), "", *report.verdicts(records), sep="\n")
        if not write or OUTCOME.failures:
            return
        command = shown_command(list(config.hydra.overrides.task))
        results = Path(config.paths.results)
        files = report.write(records, results, config.table, command)
        tracker: Tracker = build(plain(config, "logger"))
        with tracker.run(config.table, config.name, {"command": command}) as tracked:
            tracked.table("table", pd.read_csv(next(file for file in files if file.suffix == ".csv")))
            tracked.figures(files)
        print("", *(f"wrote {file}" for file in files), sep="\n")
