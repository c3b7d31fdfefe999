"""What a published setting shares with its paper and with the authors' code, and where it deviates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from splice_exp.core.yaml_file import read_yaml
from splice_exp.report.published import PAPER, PROTOCOL, REFERENCES

SHEET = REFERENCES / PROTOCOL


class Deviation(TypedDict):
    """One point in which a preset is not what was published."""

    what: str
    why: str
    switch: NotRequired[str]  # overrides that give the authors' way


class Protocol(TypedDict):
    """The entry of a preset."""

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
