"""A claim as a paired comparison between rows: on the same samples, with an interval and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.report.records import Row


@dataclass(frozen=True)
class Difference:
    """Mean of a measure minus that of the reference row, over the same samples or seeds, with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """A claim about rows: against the row that differs in nothing but `reference`, the measure is lower (or higher).

    Args:
        claim: The sentence that the verdict is about.
        metric: A measure that every sample has.
        reference: Swept keys and values of the row to compare with; the other keys are held fixed.
        expected: What the claim says of the rows that are not the reference.
    """

    claim: str
    metric: str
    reference: Mapping[str, object]
    expected: str

    def __post_init__(self) -> None:
        require_choice("report.comparisons.expected", self.expected, ("lower", "higher"))

    def reference_labels(self, row: Row) -> dict[str, str]:
        """Return the labels of the row that a row is compared with."""
        changed = {key: _written(value) for key, value in self.reference.items() if key in row.labels}
        return {**row.labels, **changed}

    def difference(self, row: Row, rows: Sequence[Row]) -> Difference | None:
        """Compare a row with its reference; None for the reference itself and where a measure is not there."""
        wanted = self.reference_labels(row)
        others = [other for other in rows if dict(other.labels) == wanted and other is not row]
        if not others or not row.complete or not others[0].complete:
            return None
        if self.metric not in row.samples or self.metric not in others[0].samples:
            return None
        if not np.array_equal(row.samples["sample_id"], others[0].samples["sample_id"]):
            raise SpliceError(
                f"The rows {row.label!r} and {others[0].label!r} are over different samples, and cannot be compared "
                "in pairs: remove the comparison (report.comparisons) or sweep something else."
            )
        change = row.samples[self.metric] - others[0].samples[self.metric]
        low, high = row.interval(change)
        return Difference(float(change.mean()), low, high)

    def verdict(self, rows: Sequence[Row]) -> str:
        """Count the rows where the claim holds, does not, or cannot be decided at 95 %."""
        sign = 1 if self.expected == "higher" else -1
        holds = fails = undecided = 0
        for row in rows:
            difference = self.difference(row, rows)
            if difference is None:
                continue
            ends = sorted((sign * difference.low, sign * difference.high))
            holds, fails = holds + (ends[0] > 0), fails + (ends[1] < 0)
            undecided += not (ends[0] > 0 or ends[1] < 0)
        total = holds + fails + undecided
        if not total:
            return "cannot be judged: no pair of rows has this measure"
        for count, what in ((holds, "holds"), (fails, "does not hold"), (undecided, "is undecided")):
            if count == total:
                return f"{what} in all {total} comparisons"
        return f"holds in {holds} of {total} comparisons, does not hold in {fails}, undecided in {undecided}"


def _written(value: object) -> str:
    """Write a value as it stands in an override."""
    return str(value).lower() if isinstance(value, bool) else str(value)
