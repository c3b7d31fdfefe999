"""One preset: every row composed and built, some computed by the command itself, and what its report says."""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from scripts.rehearsal.presets import URL, narrowing_of
from splice_exp import cli, sweep
from splice_exp.configuration import CONFIG_DIRECTORY, resolve
from splice_exp.core.errors import SpliceError
from splice_exp.points import Point, expand
from splice_exp.points import label as written
from splice_exp.points import labels as labels_of
from splice_exp.report.page import Report
from splice_exp.report.published import NOT_IN, NOT_RUN, PAPER, cells_of, numbers_beside, read_references
from splice_exp.report.summary import read_summaries
from splice_exp.report.tables import ABSENT
from splice_exp.rows import composed
from splice_exp.run import Components, build

TARGET = re.compile(r'"_target_": "[\w.]*\.(\w+)"')


@dataclass
class Outcome:
    """What became of a preset.

    Attributes:
        swept: Keys and values of its sweep, in words.
        built: Labels of the rows that could be built.
        parts: What was built for them: the distinct classes of components.
        computed: The rows that were computed: the values of all swept keys.
        published: Published numbers beside which the computed rows put ours, of how many.
        errors: What failed.
        seconds: Wall time.
        processor: Processor time, seconds.
        memory: Peak, bytes.
    """

    swept: str = ""
    built: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    computed: list[str] = field(default_factory=list)
    published: tuple[int, int] = (0, 0)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    processor: float = 0.0
    memory: int = 0


def rehearse(preset: str, overrides: Sequence[str], judge: str, folder: Path) -> Outcome:
    """Rehearse a preset in this process; errors are part of the outcome.

    Args:
        preset: Of `conf/experiment/paper`.
        overrides: Of every command here: where stand-ins are.
        judge: Address of the stand-in for a language model.
        folder: For its results, and `output.txt`: what the command prints.
    """
    outcome, start = Outcome(), time.perf_counter()
    narrowing = narrowing_of(preset)
    limits = [limit.replace(URL, judge) for limit in narrowing.limits]
    common = [f"experiment=paper/{preset}", *overrides]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "output.txt").open("w") as output, redirect_stdout(output), redirect_stderr(output):
        points = build_rows(common, outcome)
        chosen = {**first_row(preset, points).swept, **narrowing.rows}
        compute_rows([*common, *limits, *(f"{key}={value}" for key, value in chosen.items())], chosen, folder, outcome)
        check_published(preset, points, chosen, folder, outcome)
    outcome.seconds, outcome.processor = time.perf_counter() - start, time.process_time()
    outcome.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    (folder / "outcome.json").write_text(json.dumps(asdict(outcome)))
    return outcome


def build_rows(overrides: Sequence[str], outcome: Outcome) -> list[Point]:
    """Compose every row and build all its components; those of equal configuration once. Return the rows."""
    built: dict[str, Any] = {}
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        master = compose("config", overrides=list(overrides), return_hydra_config=True)
        points = expand(master)
        values: dict[str, list[str]] = {}
        for point in points:
            for key, value in point.swept.items():
                values.setdefault(key, [])
                values[key] += [value] if value not in values[key] else []
        labels = [_label(point.swept) for point in points]
        rows = composed(points, master)
        for label in labels:
            try:
                row = next(rows)
                config = resolve(OmegaConf.masked_copy(row, [key for key in row if key != "hydra"]))
            except StopIteration:  # the row before could not be composed, and ended it
                break
            except Exception as error:
                outcome.errors.append(f"not composed: {label}: {_words(error)}")
                continue
            try:
                parts = {name: _built(config, name, built) for name in (*Components.__dataclass_fields__, "report")}
                parts["stability"].require(parts["solver"])
                outcome.built.append(label)
            except Exception as error:
                outcome.errors.append(f"not built: {label}: {_words(error)}")
    outcome.swept = " × ".join(f"{key}={','.join(found)}" for key, found in values.items()) or "one row"
    outcome.parts = sorted(
        {
            name
            for key, part in built.items()
            for name in TARGET.findall(key)
            if not isinstance(part, (Exception, Report))
        }
    )
    return points


def _built(config: dict[str, Any], name: str, built: dict[str, Any]) -> Any:
    key = json.dumps([name, config[name]], sort_keys=True, default=str)
    if key not in built:
        try:
            built[key] = build(config[name], name, config)
        except Exception as error:
            built[key] = error
    if isinstance(built[key], Exception):
        raise built[key]
    return built[key]


def first_row(preset: str, points: Sequence[Point]) -> Point:
    """Return the first row beside which a published number stands; where there is none, the first."""
    wanted = [number["same"].get("row", {}).items() for number in published_beside(preset)]
    for point, labels in zip(points, labels_of(points), strict=True):
        if any(row <= labels.items() for row in wanted):
            return point
    return points[0]


def compute_rows(words: Sequence[str], chosen: Mapping[str, str], folder: Path, outcome: Outcome) -> None:
    """Run the command, and read its report.

    Args:
        words: Of the command.
        chosen: Values of swept keys; a report labels its rows by those of which several were computed.
        folder: For its results.
        outcome: Where it is noted.
    """
    GlobalHydra.instance().clear()
    sweep.OUTCOME = sweep.Outcome()
    sys.argv = ["splice_exp", *words, f"paths.results={folder}"]
    try:
        cli.main()
    except SystemExit as stop:
        if stop.code:
            outcome.errors += [f"not computed: {failure}" for failure in sweep.OUTCOME.failures] or ["not computed"]
    except Exception as error:
        outcome.errors.append(f"not computed: {_words(error)}")
    reports = read_summaries(folder)
    if not reports:
        outcome.errors.append("there is no table")
        return
    for report in reports:
        outcome.computed += [_label({**_fixed(chosen), **labels}) for labels in report["labels"]]


def check_published(
    preset: str, points: Sequence[Point], chosen: Mapping[str, str], folder: Path, outcome: Outcome
) -> None:
    """Note how many published numbers stand beside ours. It is an error if one has no row in the sweep, or no measure.

    Args:
        preset: Whose report they are compared with.
        points: All rows of the sweep.
        chosen: Values of swept keys that were computed.
        folder: Of the report.
        outcome: Where it is noted.
    """
    # As the report of the whole sweep labels rows: with keys of which one value was computed.
    reports = [
        {**report, "labels": [{**_fixed(chosen), **labels} for labels in report["labels"]]}
        for report in read_summaries(folder)
    ]
    computed = [labels for report in reports for labels in report["labels"]]
    swept = labels_of(points)
    for number in published_beside(preset):
        row = number["same"].get("row", {})
        name = f"{number['where']}, {number['what']}"
        if not any(row.items() <= labels.items() for labels in swept):
            outcome.errors.append(f"no row for a published number: {name}: {_label(row)}")
        (line,) = numbers_beside([number], reports)
        filled = line["same"] not in (NOT_IN, NOT_RUN, ABSENT)
        if not filled and any(row.items() <= labels.items() for labels in computed):
            outcome.errors.append(f"no measure for a published number: {name}: {number['same']['metric']}")
        outcome.published = (outcome.published[0] + filled, outcome.published[1] + 1)


def published_beside(preset: str) -> list[dict[str, Any]]:
    """Return the published numbers that stand beside those of a preset."""
    numbers = []
    for reference in read_references():
        numbers += [*reference["numbers"], *(cell for table in reference["tables"] for cell in cells_of(table))]
    return [number for number in numbers if number.get("same", {}).get("report") == f"{PAPER}{preset}"]


def _fixed(chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the swept keys of which one value was computed, as a report labels values."""
    return {key.lstrip("+"): written(value) for key, value in chosen.items() if "," not in value}


def _label(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items()) or "the only row"


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, SpliceError) else f"{type(error).__name__}: {error}"
