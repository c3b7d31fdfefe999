"""From a command to the rows of its table: which points it means, and where their runs are.

The rows are composed anew from the overrides, not collected from the jobs, so they are the same under every
launcher, and a job that failed or died is a row all the same. Imported without torch: where all runs are complete, or
none could begin, the answer comes at once.
"""

from __future__ import annotations

import itertools
import logging
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig

from splice_exp.build import build
from splice_exp.configuration import plain
from splice_exp.core.run_directory import UNFINISHED, rank
from splice_exp.record.tracking import NoTracker, Tracker, swept_from_outside
from splice_exp.report.page import Report
from splice_exp.report.records import Record

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What the command came to, for its last words and its exit code."""

    directory: Path | None = None
    failures: list[str] = field(default_factory=list)


OUTCOME = Outcome()


@dataclass(frozen=True)
class Point:
    """One point of a sweep: the overrides that compose it, and those of them that were swept, key → value."""

    overrides: tuple[str, ...]
    swept: dict[str, str]


def expand(config: DictConfig) -> list[Point]:
    """Return every point of a sweep: the product of file and command line.

    A key on the command line replaces that of the file.
    """
    written = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    parsed = OverridesParser.create().parse_overrides([*written, *config.hydra.overrides.task])
    by_key = {override.get_key_element(): override for override in parsed}
    choices = [
        [(key, value) for value in override.sweep_string_iterator()] if override.is_sweep_override() else [(key, None)]
        for key, override in by_key.items()
    ]
    points = []
    for point in itertools.product(*choices):
        overrides = [str(by_key[key].input_line) if value is None else f"{key}={value}" for key, value in point]
        swept = {key: value for (key, value), among in zip(point, choices, strict=True) if value and len(among) > 1}
        points.append(Point(tuple(overrides), swept))
    return points


def shown_command(config: DictConfig) -> str:
    """Write the command without what does not change the numbers, and files by their names, wherever they lie."""
    # An experiment that is a sweep by itself needs no -m.
    alone = config.hydra.mode != RunMode.MULTIRUN or config.hydra.sweeper.get("params")
    words = [] if alone else ["-m"]
    for override in config.hydra.overrides.task:
        key, _, value = override.partition("=")
        if key.split(".")[0] in ("paths", "logger", "force", "repair"):
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


def labels(points: Sequence[Point]) -> list[dict[str, str]]:
    """Label the points by what was swept; values whose short forms are the same stay long."""
    keys = points[0].swept
    short = {key for key in keys if len({label(p.swept[key]) for p in points}) == len({p.swept[key] for p in points})}
    return [
        {key.lstrip("+"): label(value) if key in short else value for key, value in point.swept.items()}
        for point in points
    ]


def rows(config: DictConfig) -> list[Record]:
    """Return the row of every point, whether or not its run ended well."""
    alone = config.hydra.mode != RunMode.MULTIRUN
    points = [Point(tuple(config.hydra.overrides.task), {})] if alone else expand(config)
    records: dict[Path, Record] = {}
    for point, named in zip(points, labels(points), strict=True):
        row = compose(config.hydra.job.config_name, overrides=list(point.overrides), return_hydra_config=True)
        folder = Path(row.hydra.run.dir if alone else f"{row.hydra.sweep.dir}/{row.hydra.sweep.subdir}")
        choices = {group: label(str(choice)) for group, choice in row.hydra.runtime.choices.items()}
        records.setdefault(folder, Record(named, folder, choices))
    return list(records.values())


def failures(records: list[Record], shared: bool) -> list[str]:
    """Word what failed: each reason once, with the rows it concerns unless it concerns all.

    Args:
        records: All rows.
        shared: Whether this job computes a share of each row only; that it is not complete is no failure then.
    """
    reasons: dict[str, list[str]] = {}
    for record in records:
        if not record.complete and not (shared and record.error == UNFINISHED):
            reasons.setdefault(str(record.error), []).append(record.label)
    return [
        reason if len(labels) == len(records) else f"{'; '.join(labels)}: {reason}"
        for reason, labels in reasons.items()
    ]


def report(config: DictConfig, write: bool) -> None:
    """Print the table of a command, and write it if every row is there."""
    if rank() != 0:
        return
    try:
        records = rows(config)
        OUTCOME.failures = failures(records, config.shard.count > 1)
        if any(record.complete for record in records):
            alone = config.hydra.mode != RunMode.MULTIRUN
            OUTCOME.directory = records[0].directory if alone else Path(config.hydra.sweep.dir)
        _show(config, records, write)
    except Exception as error:  # Hydra would turn it into a warning; it must end the command instead
        OUTCOME.failures.append(f"the report cannot be made: {error}")
        log.debug("the report failed", exc_info=True)


def _show(config: DictConfig, records: list[Record], write: bool) -> None:
    if not any(record.complete for record in records):
        return
    report: Report = build(plain(config, "report"), "report")
    if undeclared := report.undeclared(records):
        log.warning("not shown, because no run measures it (report.columns): %s", ", ".join(undeclared))
    print("", report.title, "", report.table(records), "", *report.verdicts(records), sep="\n")
    if not write or not all(record.complete for record in records):
        return
    if not any(os.access(record.directory, os.W_OK) for record in records):  # so nothing was computed just now
        log.warning("%s is read only: tables and figures there stay as they are", config.paths.results)
        return
    command = shown_command(config)
    files = report.write(records, Path(config.paths.results), config.table, command)
    tracker: Tracker = NoTracker() if swept_from_outside() else build(plain(config, "logger"), "logger")
    with tracker.run(config.table, config.name, {"command": command}) as tracked:
        tracked.table("table", pd.read_csv(next(file for file in files if file.suffix == ".csv")))
        tracked.figures(files)
    print("", *(f"wrote {file}" for file in files), sep="\n")
