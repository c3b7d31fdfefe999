"""The index over all reports: a card each, by system, and what the papers claim and publish beside ours."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from PIL import Image

from splice_exp.report.pages import tone, write_template
from splice_exp.report.protocol import changes_of, read_protocol
from splice_exp.report.published import PAPER, cells_of, claims_beside, numbers_beside, read_references
from splice_exp.report.summary import Summary, read_summaries, row_name

DATA = {
    "own images": "your images",
    "synthetic": "synthetic benchmark",
    "embeddings": "stored embeddings",
    "images": "public data set",
}  # kind of the data → its tag
PUBLISHED = "published setting"
OWN = "Your images"
SYSTEMS = {
    "splice": "SpLiCE: images as sparse sums of concepts",
    "cocoa": "COCOA: which pixels",
    "sith": "SITH: attention heads from their weights",
}  # folder of the evaluation → heading
EVALUATIONS = "splice_exp.evaluation."
OTHERS = "Of other packages"
NUMBER = re.compile(r"[-+−]?[\d,]*\.?\d+( ?(±|\[).*)?")  # a cell of a measure, with or without its interval
THUMBNAIL = (480, 200)  # pixels at most


class Card(TypedDict):
    """What the index says of a report.

    Attributes:
        name: File name of the report, without suffix.
        title: Of the report.
        question: That it answers.
        data: A tag: the kind of the data, or that the setting is a published one.
        headline: How many claims hold, or the first number.
        thumbnail: First figure as a data address; None without one.
    """

    name: str
    title: str
    question: str
    data: str
    headline: str
    thumbnail: str | None


def write_index(results: Path) -> Path:
    """Write the index over all reports under `results`, beside what is published.

    Returns:
        The file.
    """
    reports = read_summaries(results)
    entries = read_protocol()
    changed = {report["name"]: changes_of(report, entries) for report in reports}
    papers = [
        {
            "name": published["paper"],
            "claims": claims_beside(published, reports),
            "numbers": numbers_beside(published["numbers"], reports, changed),
            "tables": [
                (table["where"], numbers_beside(cells_of(table), reports, changed)) for table in published["tables"]
            ],
            "notes": published["notes"],
        }
        for published in read_references()
    ]
    path = results / "index.html"
    write_template(path, "index.html.j2", groups=_groups(results, reports), papers=papers)
    return path


def _groups(results: Path, reports: Sequence[Summary]) -> list[tuple[str, list[Card]]]:
    """Sort the reports by system; those of a user's own images come first."""
    groups: dict[str, list[Card]] = {heading: [] for heading in (OWN, *SYSTEMS.values(), OTHERS)}
    for report in reports:
        groups[_group(report)].append(_card(results, report))
    return [(name, members) for name, members in groups.items() if members]


def _group(report: Summary) -> str:
    if report["data"] == "own images":
        return OWN
    target = report["config"].get("evaluation", {}).get("_target_", "")
    return SYSTEMS.get(target.removeprefix(EVALUATIONS).split(".")[0], OTHERS)


def _card(results: Path, report: Summary) -> Card:
    return {
        "name": report["name"],
        "title": report["title"],
        "question": report["question"],
        "data": PUBLISHED if report["experiment"].startswith(PAPER) else DATA[report["data"]],
        "headline": headline(report),
        "thumbnail": next(filter(None, (_thumbnail(results, stem) for stem in report["figures"])), None),
    }


def headline(report: Summary) -> str:
    """Say how many claims hold in all of their rows; of a report without claims, the first number of its first row."""
    if claims := report["claims"]:
        holding = sum(tone(claim["verdict"]) == "holds" for claim in claims)
        return f"{holding} of {len(claims)} claims hold" if len(claims) > 1 else f"The claim {claims[0]['verdict']}"
    if not report["rows"]:
        return ""
    row, labels = report["rows"][0], next(iter(report["labels"]), {})
    first = next((place for place in range(len(labels), len(row)) if NUMBER.fullmatch(row[place])), None)
    if first is None:
        return ""
    name = row_name(labels) if labels else row[0] if first else ""  # a row of an image begins with its name
    return f"{report['headings'][first]} {row[first]}{f' ({name})' if name else ''}"


def _thumbnail(results: Path, stem: str) -> str | None:
    """Return a figure as a small image inside the page."""
    path = results / "figures" / f"{stem}.png"
    if not path.is_file():
        return None
    with Image.open(path) as picture:
        small: Any = picture.convert("RGB")
        small.thumbnail(THUMBNAIL)
    written = io.BytesIO()
    small.save(written, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(written.getvalue()).decode('ascii')}"
