"""Small tables under the main one: what the runs list beside their measures, such as the concepts they chose.

A cell is the mean over the runs of a row, with Student's interval over seeds and models, or the number of runs that
have the line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from splice_exp.core.errors import require_choice, require_names
from splice_exp.core.measures import Unit
from splice_exp.core.statistics.estimates import of_values
from splice_exp.report.records import Row
from splice_exp.report.tables import ABSENT, Cells

ROW, RUN = "row", "run"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a table of the runs says, line by line.

    Args:
        title: What is listed.
        table: Of the runs.
        lines: Its columns that name a line.
        across: Its column whose values are the columns of the listing; None: the rows of the report are.
        value: Its column whose mean is shown; None: in how many runs the line is there.
        unit: Of that value, one of `core.measures.Unit`: within its bounds the interval stays.
        most: Lines that are shown, of several `lines` for each value of the first; None: all.
    """

    title: str
    table: str
    lines: Sequence[str]
    across: str | None = None
    value: str | None = None
    unit: str = Unit.NUMBER.value
    most: int | None = None

    def __post_init__(self) -> None:
        require_names("lines", self.lines)
        require_choice("unit", self.unit, [unit.value for unit in Unit])

    def applies(self, rows: Sequence[Row]) -> bool:
        """Say whether some run has the table: some tables need data that know more."""
        return bool(self._shown(rows))

    def _shown(self, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if row.complete and row.has_table(self.table)]

    def lay_out(self, rows: Sequence[Row]) -> Cells:
        """Return headings and cells, in the order in which lines come first; of counts the highest first."""
        shown = self._shown(rows)
        found = pd.concat([_runs(row, self.table) for row in shown], ignore_index=True)
        across = self.across or ROW
        lines = [*([ROW] if self.across and len(shown) > 1 else []), *self.lines]
        columns = list(dict.fromkeys(found[across]))
        runs = {row.label: len(_records(row)) for row in shown}
        bounds = shown[0].bounds(Unit(self.unit))
        laid: list[tuple[int, list[str]]] = []
        for key, of_line in found.groupby(lines, sort=False):
            by_column = dict(tuple(of_line.groupby(across, sort=False)))
            cells = [self._cell(by_column[name], runs, bounds) if name in by_column else ABSENT for name in columns]
            laid.append((len(of_line), [*(str(part) for part in key), *cells]))
        if self.value is None:
            laid.sort(key=lambda pair: -pair[0])
        headings = [name or self.value or "runs" for name in columns]
        kept, shown_of = [], Counter[str]()
        for _, cells in laid:
            kind = cells[0] if len(self.lines) > 1 else ""
            shown_of[kind] += 1
            if self.most is None or shown_of[kind] <= self.most:
                kept.append(cells)
        return Cells([*lines, *map(str, headings)], kept)

    def _cell(self, found: pd.DataFrame, runs: dict[str, int], bounds: tuple[float, float]) -> str:
        if self.value is None:
            return f"{found[RUN].nunique()} of {runs[str(found[ROW].iloc[0])]}"
        values = found.groupby(RUN)[self.value].mean().to_numpy(dtype=float)
        low, high = of_values(values).interval(bounds)
        return f"{values.mean():.3f}" + (f" [{low:.3f}, {high:.3f}]" if low < high else "")


def _runs(row: Row, table: str) -> pd.DataFrame:
    """Return a table of all runs of a row, with the row's label and the number of the run."""
    parts = []
    for run, record in enumerate(_records(row)):
        found = record.table(table)
        found[ROW], found[RUN] = row.label, run
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def _records(row: Row) -> Sequence[Row]:
    """Return the runs behind a row."""
    found: Sequence[Row] = getattr(row, "records", (row,))
    return found
