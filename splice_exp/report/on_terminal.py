"""A report on a terminal: the rows with a few measures, each with half the width of its interval, and the verdicts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from splice_exp.core.measures import INTERVAL
from splice_exp.core.text import terminal
from splice_exp.report.comparisons import Claim
from splice_exp.report.records import Row, declared_by, short_key
from splice_exp.report.tables import ABSENT, Cells

INDEX = "index.html"
MOST = 6  # measures
FEWEST = 4
PLUS_MINUS = "±"
HALF_WIDTH = f"{PLUS_MINUS} half of the 95 % interval. All measures are in the files below."


def chosen(columns: Sequence[str], claims: Sequence[Claim]) -> list[str]:
    """Return the measures that the question is about: those of the claims, or the first columns if those are few.

    Args:
        columns: Metrics of the table, in order.
        claims: About some of them.
    """
    asked = {claim.metric for claim in claims}
    found = [metric for metric in columns if metric in asked][:MOST]
    others = (metric for metric in columns if metric not in asked)
    while len(found) < FEWEST and (another := next(others, None)):
        found.append(another)
    return sorted(found, key=list(columns).index)


def lay_out(rows: Sequence[Row], metrics: Sequence[str]) -> Cells:
    """Return what distinguishes the rows, and measures as value ± half the width of the interval.

    Args:
        rows: Of a table.
        metrics: Names of measures; those that no row has are left out.
    """
    keys = list(dict.fromkeys(key for row in rows for key in row.labels))
    measures = declared_by(rows)
    shown = [metric for metric in metrics if any(row.metrics.get(metric) is not None for row in rows)]
    headings = [*(short_key(key) for key in keys), *(measures.title(metric) for metric in shown)]
    lines = []
    for row in rows:
        named = [row.labels.get(key, ABSENT) for key in keys]
        cells = [_cell(row, metric) for metric in shown] if row.complete else ["failed", *[ABSENT] * (len(shown) - 1)]
        lines.append([*named, *cells][: len(headings)])
    return Cells(headings, lines)


def _cell(row: Row, metric: str) -> str:
    value = row.metrics.get(metric)
    if value is None:
        return ABSENT
    low, high = (row.metrics.get(f"{metric}{end}") for end in INTERVAL)
    return row.measures.of(metric).write_with_half_width(value, low, high)


def write(cells: Cells, num_keys: int, width: int, flexible: Collection[int] = ()) -> str:
    """Write a table in a given width; measures that do not fit are left out, from the right.

    Args:
        cells: Headings and rows.
        num_keys: Columns that are never left out.
        width: Characters.
        flexible: Columns whose cells may break, if there are any; then none is left out.
    """
    count = len(cells.headings)
    if not flexible:
        count = terminal.fitting(cells.headings, cells.rows, num_keys, width)
    return terminal.table(cells.headings[:count], [row[:count] for row in cells.rows], width, flexible)


def verdicts(claims: Sequence[tuple[str, str]], width: int) -> str:
    """Write claims and their verdicts, side by side.

    Args:
        claims: Each with its verdict.
        width: Of the terminal, in characters.
    """
    return terminal.table(["claim", "verdict"], [list(claim) for claim in claims], width, flexible=(0, 1))


def where(files: Sequence[Path]) -> str:
    """Say which files a report has written: the page first, which shows all of it.

    Example:
        >>> print(where([Path("r/tables/curve.md"), Path("r/tables/curve.csv"), Path("r/pages/curve.html")]))
        wrote r/pages/curve.html
        wrote r/tables/curve.md (.csv)
    """
    pages = next((file.parent for file in files if file.name == INDEX), Path()) / "pages"
    within = Counter(file.parent for file in files if pages in file.parent.parents)  # folders of further pages
    listed = sorted(files, key=lambda file: (file.suffix != ".html", file.name == INDEX))
    grouped: dict[Path, list[str]] = {}
    for file in listed:
        if file.parent not in within:
            grouped.setdefault(file.with_suffix(""), []).append(file.suffix)
    lines = []
    for stem, (first, *others) in grouped.items():
        also = f" ({', '.join(others)})" if others else ""
        lines.append(f"wrote {stem}{first}{also}")
    lines += [f"wrote {folder}{os.sep} ({count} pages)" for folder, count in within.items()]
    return "\n".join(lines)
