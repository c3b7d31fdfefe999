"""Tables: one row a record, every mean with its interval, every difference paired, every claim with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from splice_exp.core.io import write_text
from splice_exp.core.measures import INTERVAL, Measures
from splice_exp.core.text import markdown
from splice_exp.core.text.csv import as_csv
from splice_exp.report.comparisons import Claim
from splice_exp.report.records import Row, declared_by, short_key

ABSENT = "–"


class Cells(NamedTuple):
    """A table as it is read: everything in words.

    Attributes:
        headings: One for each column.
        rows: With as many cells.
    """

    headings: list[str]
    rows: list[list[str]]


def cell(record: Row, metric: str) -> str:
    """Write a metric, with its 95 % interval where it has one.

    Args:
        record: A row.
        metric: Name of the measure; a dash stands where the row has none.
    """
    value = record.metrics.get(metric)
    if value is None:
        return ABSENT
    ends = (record.metrics.get(f"{metric}{end}") for end in INTERVAL)
    return record.measures.of(metric).write_with_interval(value, *ends)


def difference_cell(record: Row, records: Sequence[Row], claim: Claim) -> str:
    """Write a paired difference with its 95 % interval, signed.

    Args:
        record: A row.
        records: All rows of the table.
        claim: Says what is compared with what; a dash stands where it is about other rows.
    """
    difference = claim.difference(record, records)
    if difference is None:
        return ABSENT
    unit = record.measures.of(claim.metric).unit
    mean, low, high = (unit.write_change(number) for number in (difference.mean, difference.low, difference.high))
    return f"{mean} [{low}, {high}]"


def difference_heading(claim: Claim, measures: Measures) -> str:
    """Head a column of differences: what, against what.

    Args:
        claim: Says what is compared with what.
        measures: Declarations of the rows.

    Returns:
        The heading.
    """
    return f"Δ {measures.title(claim.metric)} (to {claim.against(measures)})"


def lay_out(records: Sequence[Row], metrics: Sequence[str], claims: Sequence[Claim]) -> Cells:
    """Return headings and cells; a row that failed says so, and a metric that no row has is left out.

    Args:
        records: Rows of the table.
        metrics: Names of measures, in the order of their columns.
        claims: Whose differences follow them.
    """
    metrics = [metric for metric in metrics if any(row.metrics.get(metric) is not None for row in records)]
    keys = list(dict.fromkeys(key for record in records for key in record.labels))
    headings = [short_key(key) for key in keys]
    measures = declared_by(records)
    headings += [measures.of(metric).title for metric in metrics]
    differences = _differences(records, claims, measures)
    headings += [heading for heading, _ in differences]
    rows = []
    for number, record in enumerate(records):
        row = [record.labels.get(key, ABSENT) for key in keys]
        if record.complete:
            row += [cell(record, metric) for metric in metrics]
            row += [cells[number] for _, cells in differences]
        else:
            row += ["failed", *[ABSENT] * (len(headings) - len(row) - 1)]
        rows.append(row)
    return Cells(headings, rows)


def _differences(records: Sequence[Row], claims: Sequence[Claim], measures: Measures) -> list[tuple[str, list[str]]]:
    """Return headings and cells of differences; claims about the same ones, or about other rows, share a column."""
    columns: list[tuple[str, list[str]]] = []
    for claim in claims:
        heading = difference_heading(claim, measures)
        cells = [difference_cell(record, records, claim) if record.complete else ABSENT for record in records]
        for known, there in columns:
            pairs = list(zip(cells, there, strict=True))
            if known == heading and all(one == other or ABSENT in (one, other) for one, other in pairs):
                there[:] = [other if one == ABSENT else one for one, other in pairs]
                break
        else:
            columns.append((heading, cells))
    return columns


def markdown_table(cells: Cells) -> str:
    """Write a table as Markdown."""
    return markdown.table(cells.headings, cells.rows)


def write_csv(path: Path, records: Sequence[Row]) -> None:
    """Write all metrics of all rows, unrounded, for machines.

    Args:
        path: Replaced where it is there.
        records: Rows; those that failed are left out.
    """
    frame = pd.DataFrame([{**record.labels, **record.metrics} for record in records if record.complete])
    write_text(path, as_csv(frame))
