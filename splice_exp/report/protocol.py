"""What a published setting shares with its paper and with the authors' code, and where it deviates."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from splice_exp.core.yaml_file import read_yaml
from splice_exp.report.published import PAPER, PROTOCOL, REFERENCES
from splice_exp.report.summary import Summary

SHEET = REFERENCES / PROTOCOL
INDIFFERENT = (  # keys that change no number
    *("experiment", "name", "table", "report", "figures", "force", "repair", "keep_embeddings", "shard", "fused"),
    *("paths", "logger", "trainer", "hydra"),
)


class Deviation(TypedDict):
    """One point in which a preset is not what was published.

    Attributes:
        what: In which point.
        why: The reason.
        switch: Overrides that give the authors' way, where there are any.
    """

    what: str
    why: str
    switch: NotRequired[str]  # overrides that give the authors' way


class Protocol(TypedDict):
    """The entry of a preset.

    Attributes:
        preset: Name of the experiment.
        paper: SpLiCE, COCOA or SITH.
        where: Table or figure.
        data: Data sets, as `data` names them.
        backbone: Architecture and weights.
        image_mean: Which one is subtracted.
        vocabulary: As `vocabulary` names it.
        templates: Of the texts of classes.
        estimator: The override that names what computes codes or maps.
        seeds: Of the runs.
        as_paper: What is as the paper has it.
        as_code: What is as the authors' code has it.
        deviations: What is not.
    """

    preset: str
    paper: str
    where: str
    data: list[str]
    backbone: str
    image_mean: NotRequired[str]
    vocabulary: NotRequired[str]
    templates: NotRequired[list[str]]
    estimator: str
    seeds: list[int]
    as_paper: NotRequired[str]
    as_code: NotRequired[str]
    deviations: list[Deviation]


def read_protocol(path: Path = SHEET) -> list[Protocol]:
    """Return the entries of all presets."""
    found: list[Protocol] = read_yaml(path)
    return found


def protocol_of(experiment: str, entries: Sequence[Protocol]) -> Protocol | None:
    """Return the entry of a report's experiment, if it is a published setting.

    Args:
        experiment: Name of the experiment, `paper_zero_shot`.
        entries: Of `read_protocol`.
    """
    preset = f"paper/{experiment.removeprefix(PAPER)}" if experiment.startswith(PAPER) else ""
    return next((entry for entry in entries if entry["preset"] == preset), None)


def changes_of(report: Summary, entries: Sequence[Protocol]) -> list[str]:
    """Return what the command of a report sets otherwise than its preset: nothing, where it is the published setting.

    A narrower sweep changes nothing, and neither do the authors' way, machines, and names of results.

    Args:
        report: Whose name, experiment and command say what it is.
        entries: Of `read_protocol`.
    """
    if report["name"].startswith(PAPER) and report["experiment"] != report["name"]:
        return [f"experiment={report['experiment']}"]
    entry = protocol_of(report["experiment"], entries)
    if entry is None:
        return []
    ours = {f"{key}={value}" for key, value in re.findall(r"(\w+)=([\w,]+)", entry["estimator"])}
    known = {key: values.split(",") for key, _, values in (one.partition("=") for one in ours)}
    known |= {"data": entry["data"], "seed": [str(seed) for seed in entry["seeds"]]}
    switches = {word for one in entry["deviations"] for word in one.get("switch", "").split()}
    words = [word for word in shlex.split(report["command"])[3:] if "=" in word and word not in switches]
    return [word for word in words if not _is_indifferent(word, known)]


def _is_indifferent(word: str, known: Mapping[str, Sequence[str]]) -> bool:
    """Say whether an override leaves the setting of a preset as it is: what it sets, or values that it sweeps."""
    key, _, value = word.partition("=")
    if key.split("/")[0].split(".")[0] in INDIFFERENT:
        return True
    return key in known and set(value.split(",")) <= set(known[key])


def lines_of(entry: Protocol) -> list[tuple[str, str]]:
    """Return an entry as pairs of a heading and what stands under it; deviations are not among them."""
    shown: dict[str, Any] = {
        "in the paper": f"{entry['paper']}, {entry['where']}",
        "data": ", ".join(entry["data"]),
        "backbone": entry["backbone"],
        "vocabulary": entry.get("vocabulary"),
        "image mean": entry.get("image_mean"),
        "class texts": " · ".join(entry.get("templates", [])),
        "estimator": entry["estimator"],
        "seeds": ", ".join(map(str, entry["seeds"])),
        "as in the paper": entry.get("as_paper"),
        "as in the code": entry.get("as_code"),
    }
    return [(heading, value) for heading, value in shown.items() if value]


def as_markdown(entries: Sequence[Protocol]) -> str:
    """Write the whole sheet as a page of the documentation."""
    parts = [
        "# Protocol\n\nWhat each published setting shares with the paper and with the authors' code, and where it "
        "deviates. Written by `python scripts/write_protocol.py` from `results/reference/protocol.yaml`.\n"
        "\nAll of them turn images upright as their EXIF data say. The authors' way: `data.exif=ignore`; also "
        "`evaluation.train.exif=ignore` where an evaluation has data of its own.\n"
    ]
    for entry in entries:
        parts.append(f"\n## experiment={entry['preset']}\n\n")
        parts += [f"- {heading}: {value}\n" for heading, value in lines_of(entry)]
        for deviation in entry["deviations"]:
            switch = f" The authors' way: `{deviation['switch']}`." if "switch" in deviation else ""
            parts.append(f"- **deviates**: {deviation['what']}. Why: {deviation['why']}.{switch}\n")
    return "".join(parts)
