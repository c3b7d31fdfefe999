"""Pages to look at: one self-contained HTML file a report, and an index over all of them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from splice_exp.core.assets import ASSETS
from splice_exp.core.io import write_text
from splice_exp.core.text.visible import visible
from splice_exp.report.protocol import changes_of, lines_of, protocol_of, read_protocol
from splice_exp.report.published import PAPER, cells_of, claims_beside, numbers_beside, places_of, read_references
from splice_exp.report.summary import Summary, named_differences, read_summaries

TEMPLATES = ASSETS / "report"
GROUPS = {
    "own images": "Own images",
    "synthetic": "The synthetic benchmark",
    "embeddings": "Stored embeddings",
    "images": "Public data sets",
}  # kind of the data → heading
PUBLISHED = "The published setting"
VECTOR_LIMIT = 300_000  # bytes of a drawing, from which on its bitmap is shown


def tone(verdict: str) -> str:
    """Return the class of a verdict: what it looks like.

    Example:
        >>> tone("holds in all 3 comparisons"), tone("does not hold"), tone("is undecided")
        ('holds', 'fails', 'open')
    """
    if verdict == "holds" or verdict.startswith("holds in all"):
        return "holds"
    return "fails" if verdict.startswith("does not hold") else "open"


def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,  # not of markup, which is ours
    )
    found.filters["tone"] = tone
    found.filters["differences"] = named_differences
    return found


def _style() -> str:
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


def _picture(figures: Path, stem: str) -> dict[str, str] | None:
    """Return a figure as a data address, as a drawing where that is not too large."""
    vector, bitmap = figures / f"{stem}.svg", figures / f"{stem}.png"
    use_vector = vector.is_file() and vector.stat().st_size <= VECTOR_LIMIT
    file, kind = (vector, "image/svg+xml") if use_vector else (bitmap, "image/png")
    if not file.is_file():
        return None
    content = base64.b64encode(file.read_bytes()).decode("ascii")
    return {"name": stem.replace("_", " "), "source": f"data:{kind};base64,{content}"}


def write_template(path: Path, template: str, **values: Any) -> None:
    """Write a page of its own from a template, with the style inside.

    Args:
        path: Of the file.
        template: One of the package's.
        values: What it shows.
    """
    write_text(path, _environment().get_template(template).render(style=_style(), **values))


def write_page(results: Path, report: Summary) -> Path:
    """Write the page of a report, with its figures inside.

    Args:
        results: `paths.results`; figures are read from it, and the page goes to its folder `pages`.
        report: What to show.
    """
    pictures = [found for stem in report["figures"] if (found := _picture(results / "figures", stem))]
    entries = read_protocol()
    protocol = protocol_of(report["experiment"], entries)
    text = (
        _environment()
        .get_template("experiment.html.j2")
        .render(
            report=report,
            places=places_of(report["experiment"], read_references()),
            protocol=protocol,
            changes=changes_of(report, entries),
            protocol_lines=[] if protocol is None else lines_of(protocol),
            style=_style(),
            pictures=pictures,
            config=yaml.safe_dump(report["config"], sort_keys=False, allow_unicode=True),
            environment=yaml.safe_dump(report["environment"], sort_keys=False),
        )
    )
    path = results / "pages" / f"{report['name']}.html"
    write_text(path, text)
    return path


def write_index(results: Path) -> Path:
    """Write the index over all reports under `results`, beside what is published."""
    reports = read_summaries(results)
    entries = read_protocol()
    changed = {report["name"]: changes_of(report, entries) for report in reports}
    papers = []
    for published in read_references():
        papers.append(
            {
                "name": published["paper"],
                "claims": claims_beside(published, reports),
                "numbers": numbers_beside(published["numbers"], reports, changed),
                "tables": [
                    (table["where"], numbers_beside(cells_of(table), reports, changed)) for table in published["tables"]
                ],
                "notes": published["notes"],
            }
        )
    text = (
        _environment()
        .get_template("index.html.j2")
        .render(
            style=_style(),
            groups=_groups(reports),
            papers=papers,
        )
    )
    path = results / "index.html"
    write_text(path, text)
    return path


def _groups(reports: Sequence[Summary]) -> list[tuple[str, list[Summary]]]:
    """Sort reports by what their data are."""
    groups: dict[str, list[Summary]] = {heading: [] for heading in (*GROUPS.values(), PUBLISHED)}
    for report in reports:
        published = report["experiment"].startswith(PAPER)
        groups[PUBLISHED if published else GROUPS[report["data"]]].append(report)
    return [(name, members) for name, members in groups.items() if members]
