"""From a command to the rows of its table: which points it means, and where their runs are.

The rows are composed again from the overrides, not collected from the jobs, so they are the same under every
launcher, and a job that failed or died is a row all the same. Imported without torch: where all runs are complete, or
none could begin, the answer comes at once.
"""

from __future__ import annotations

import logging
import os
import shlex
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.types import RunMode
from omegaconf import DictConfig

from splice_exp.build import build
from splice_exp.configuration import CONFIG_DIRECTORY, ROOT, inputs_of, plain
from splice_exp.core.errors import SpliceError
from splice_exp.core.runs.run_directory import METRICS, UNFINISHED, damage, rank
from splice_exp.core.text import terminal
from splice_exp.core.text.places import without_places
from splice_exp.core.text.progress import DISPLAY
from splice_exp.core.text.visible import say
from splice_exp.inputs import refusal
from splice_exp.points import Point, as_given, expand, files_of, label, labels
from splice_exp.record.tracking import NoTracker, Tracker, swept_from_outside
from splice_exp.report import on_terminal
from splice_exp.report.page import Report
from splice_exp.report.records import Record
from splice_exp.rows import composed

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What the command came to, for its last words and its exit code.

    Attributes:
        directory: Where the records lie.
        failures: What failed, in sentences.
        complete: All rows, if they were complete before anything was computed.
        repeated: Whether everything was there before: then it has been mirrored, too.
    """

    directory: Path | None = None
    failures: list[str] = field(default_factory=list)
    complete: list[Record] | None = None
    repeated: bool = False


OUTCOME = Outcome()


# Of the configuration: what says where results go, and how they come about, but not what they are.
UNSHOWN = ("paths", "logger", "force", "repair", "shard")


def shown_command(config: DictConfig) -> str:
    """Write the command for a shell, without what does not change the numbers, and files elsewhere by their names."""
    # An experiment that is a sweep by itself needs no -m.
    alone = config.hydra.mode != RunMode.MULTIRUN or config.hydra.sweeper.get("params")
    words = [] if alone else ["-m"]
    for source in config.hydra.runtime.config_sources:
        if source.provider == "command-line":
            words.append(f"--config-dir={without_places(os.path.relpath(source.path))}")
        elif source.provider == "main" and Path(source.path) != CONFIG_DIRECTORY:
            words.append(f"--config-path={without_places(os.path.relpath(source.path))}")
    if (root := config.hydra.job.config_name) != ROOT:
        words.append(f"--config-name={root}")
    words += [word for word in config.hydra.overrides.hydra if word.lstrip("+~").startswith("hydra.sweeper.params")]
    for override in map(as_given, config.hydra.overrides.task):
        key, _, value = override.partition("=")
        if key.lstrip("+~").split(".")[0] not in UNSHOWN:
            words.append(f"{key}={Path(value).name}" if _is_elsewhere(value) else without_places(override))
    return shlex.join(["python", "-m", "splice_exp", *words])


def _is_elsewhere(value: str) -> bool:
    """Say whether a value is the bare path of a file that does not lie below the working folder."""
    return value.startswith(("/", "~", "..")) and Path(value).expanduser().is_file()


def rows(config: DictConfig) -> list[Record]:
    """Return the row of every point, whether or not its run ended well."""
    return [row.record for row in planned(config)]


@dataclass(frozen=True)
class Planned:
    """A row, and what must be there for it.

    Attributes:
        record: Of its run.
        files: Rows that agree in this need the same files; None where nothing is left to compute.
        inputs: Of these rows, the configuration that names the files; of the first of them only.
    """

    record: Record
    files: tuple[tuple[str, str], ...] | None
    inputs: dict[str, Any] | None


def planned(config: DictConfig) -> list[Planned]:
    """Return the row of every point, and what those need that are still to be computed."""
    alone = config.hydra.mode != RunMode.MULTIRUN
    points = [Point(tuple(config.hydra.overrides.task), {})] if alone else expand(config)
    configurations = [config] if alone else composed(points, config)
    found: dict[Path, Planned] = {}
    known: set[tuple[tuple[str, str], ...]] = set()
    for point, named, row in zip(points, labels(points), configurations, strict=True):
        folder = Path(row.hydra.run.dir if alone else f"{row.hydra.sweep.dir}/{row.hydra.sweep.subdir}")
        choices = {group: label(str(choice)) for group, choice in row.hydra.runtime.choices.items()}
        record = Record(named, folder, choices)
        if folder in found:
            continue
        files = None if record.complete and not row.force else files_of(point)
        found[folder] = Planned(record, files, None if files is None or files in known else inputs_of(row))
        known |= {files} if files is not None else set()
    return list(found.values())


def begin(config: DictConfig) -> None:
    """Look at all rows of a sweep before the first begins: there may be nothing to compute, or nothing that can be.

    Raises:
        SpliceError: if no row can begin, because files are missing.
    """
    found = planned(config)
    waiting = [row for row in found if row.files is not None]
    if not waiting:
        said = f"all {len(found)} rows are complete already (force=true computes them again)"
        say(terminal.wrapped(said, terminal.known_width()))
        OUTCOME.complete, OUTCOME.repeated = [row.record for row in found], True
        return
    DISPLAY.sweep([row.record.label for row in found], len(waiting))
    if len(waiting) < len(found):
        say(f"{len(found) - len(waiting)} of {len(found)} rows are complete already")
    refused = {row.files: refusal(row.inputs) for row in waiting if row.inputs is not None}
    reasons = Counter(str(refused[row.files]) for row in waiting if refused[row.files] is not None)
    if reasons.total() == len(waiting):
        raise SpliceError(next(iter(reasons)))
    for reason, count in reasons.items():  # the other rows go on without these
        say(terminal.wrapped(f"{count} of {len(waiting)} rows cannot begin: {reason}", terminal.known_width()))


def note_repetition(config: DictConfig) -> None:
    """Remember whether a single run is there already."""
    directory = Path(config.hydra.run.dir)
    recorded = (directory / METRICS).is_file() and not config.force
    OUTCOME.repeated = recorded and damage(directory) is None


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
    """Print the table of a command, and write it if every row is there.

    Args:
        config: Composed, Hydra's own node included.
        write: Whether table, figure and page are written, where all rows are there.
    """
    if rank() != 0:
        return
    DISPLAY.close()
    try:
        records = OUTCOME.complete or rows(config)
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
    report: Report = build(plain(config, "report"), "report", trust=config.trust)
    if undeclared := report.undeclared(records):
        log.warning("not shown, because no run measures it (report.columns): %s", ", ".join(undeclared))
    known = terminal.known_width()
    width = known or terminal.TABLE_WIDTH
    shown = report.brief(records, width)
    legend = [terminal.wrapped(on_terminal.HALF_WIDTH, known)] if on_terminal.PLUS_MINUS in shown else []
    say("", terminal.wrapped(report.title, known), "", shown, *legend, "")
    if verdicts := report.verdicts(records):
        say(on_terminal.verdicts(verdicts, width), "")
    if not write or not all(record.complete for record in records):
        return
    if not any(os.access(record.directory, os.W_OK) for record in records):  # so nothing was computed just now
        log.warning("%s is read only: tables and figures there stay as they are", config.paths.results)
        return
    command = shown_command(config)
    files = report.write(records, Path(config.paths.results), config.table, command)
    unmirrored = swept_from_outside() or OUTCOME.repeated
    tracker: Tracker = NoTracker() if unmirrored else build(plain(config, "logger"), "logger", trust=config.trust)
    table = next(file for file in files if file.suffix == ".csv")
    with tracker.run(config.table, config.name, {"command": command}) as tracked:
        tracked.table("table", pd.read_csv(table, keep_default_na=False, na_values=[""]))
        tracked.figures(files)
    say(on_terminal.where(files))
    if send := tracker.to_send():
        say("to W&B:", terminal.command_lines(f"{terminal.INDENT}{send}", known))
    if report.next is not None:
        say("next:", terminal.command_lines(f"{terminal.INDENT}{report.next}", known))
