"""Pages to look at: one self-contained HTML file per report."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from splice_exp.core.assets import ASSETS
from splice_exp.core.io import write_text
from splice_exp.core.text.visible import visible
from splice_exp.report.protocol import changes_of, lines_of, protocol_of, read_protocol
from splice_exp.report.published import places_of, read_references
from splice_exp.report.summary import Summary, named_differences

TEMPLATES = ASSETS / "report"
INTERVAL = re.compile(r"[^\[]+ \[[^\[\]]+, [^\[\]]+\]")  # a number, then its ends
VECTOR_LIMIT = 300_000  # bytes of a vector graphic, from which on its bitmap is shown


def tone(verdict: str) -> str:
    """Return the class of a verdict: what it looks like.

    Example:
        >>> tone("holds in all 3 comparisons (1 model)"), tone("does not hold"), tone("is undecided (3 models)")
        ('holds', 'fails', 'open')
    """
    said = verdict.partition(" (")[0]
    if said == "holds" or said.startswith("holds in all"):
        return "holds"
    return "fails" if said.startswith("does not hold") else "open"


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
    found.filters["intervals"] = intervals
    return found


def _inline(name: str) -> Markup:
    """Return a file of the package that stands inside every page; it is ours, and needs no escaping."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def intervals(cell: str) -> Markup:
    """Mark the interval of a cell, so that a page can hide it.

    Returns:
        The cell, escaped.

    Example:
        >>> intervals("6.50 [6.25, 6.75]"), intervals("<b>")
        (Markup('6.50<span class="ci"> [6.25, 6.75]</span>'), Markup('&lt;b&gt;'))
    """
    value, interval, end = cell.partition(" [")
    if not INTERVAL.fullmatch(cell):
        return escape(visible(cell))
    return Markup('{}<span class="ci">{}</span>').format(value, interval + end)


def _picture(figures: Path, stem: str) -> dict[str, str] | None:
    """Return a figure as a data URL, as a vector graphic where that is not too large."""
    vector, bitmap = figures / f"{stem}.svg", figures / f"{stem}.png"
    use_vector = vector.is_file() and vector.stat().st_size <= VECTOR_LIMIT
    file, kind = (vector, "image/svg+xml") if use_vector else (bitmap, "image/png")
    if not file.is_file():
        return None
    content = base64.b64encode(file.read_bytes()).decode("ascii")
    return {"name": stem.replace("_", " "), "source": f"data:{kind};base64,{content}"}


def write_template(path: Path, template: str, **values: Any) -> None:
    """Write a page from a template, with style and script inside.

    Args:
        path: Of the file.
        template: One of the package's.
        values: What it shows.
    """
    inside = {"style": _inline("style.css"), "script": _inline("page.js")}
    write_text(path, _environment().get_template(template).render(**inside, **values))


def write_page(results: Path, report: Summary) -> Path:
    """Write the page of a report, with its figures inside.

    Args:
        results: `paths.results`; figures are read from it, and the page goes to its folder `pages`.
        report: What to show.

    Returns:
        The file.
    """
    pictures = [found for stem in report["figures"] if (found := _picture(results / "figures", stem))]
    entries = read_protocol()
    protocol = protocol_of(report["experiment"], entries)
    path = results / "pages" / f"{report['name']}.html"
    write_template(
        path,
        "experiment.html.j2",
        report=report,
        places=places_of(report["experiment"], read_references()),
        protocol=protocol,
        changes=changes_of(report, entries),
        protocol_lines=[] if protocol is None else lines_of(protocol),
        pictures=pictures,
        config=yaml.safe_dump(report["config"], sort_keys=False, allow_unicode=True),
        environment=yaml.safe_dump(report["environment"], sort_keys=False),
    )
    return path
