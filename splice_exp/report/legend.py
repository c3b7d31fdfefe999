"""What the signs of a table mean: its brackets, its Δ and its ≤. Written once, for every report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splice_exp.core.measures import Unit
from splice_exp.report.comparisons import Claim
from splice_exp.report.records import Row, declared_by


def legend(rows: Sequence[Row], columns: Sequence[str], claims: Sequence[Claim]) -> list[str]:
    """Return one sentence for each sign that the table has.

    Args:
        rows: Of the table, all complete.
        columns: The metrics that it shows.
        claims: Those that add a column of differences.
    """
    return list(_sentences(rows, columns, claims))


def _sentences(rows: Sequence[Row], columns: Sequence[str], claims: Sequence[Claim]) -> Iterator[str]:
    yield f"Brackets: {rows[0].brackets}."
    if claims:
        yield "Δ: difference, with the same interval; of two rows or two measures it is paired, sample by sample."
    measures = declared_by(rows)
    shown = (column for column in columns if any(row.metrics.get(column) is not None for row in rows))
    if any(measures.of(column).unit is Unit.BOUND for column in shown):
        yield "≤: bound on the error of every sample, computed in float64."
