"""A claim as a paired comparison, between rows or between measures: on the same samples, with interval and verdict."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.report.columns import column
from splice_exp.report.records import Row, short_key


@dataclass(frozen=True)
class Difference:
    """Mean of a measure minus that of the reference row, over the same samples or seeds, with its 95 % interval."""

    mean: float
    low: float
    high: float


class Claim(ABC):
    """A sentence about differences, which the rows of a table decide.

    Attributes:
        claim: The sentence that the verdict is about.
        metric: A measure that every sample has.
        expected: `lower` or `higher`: what the claim says of the measure.
    """

    claim: str
    metric: str
    expected: str

    @property
    @abstractmethod
    def against(self) -> str:
        """What the measure is compared with, in words."""

    @abstractmethod
    def difference(self, row: Row, rows: Sequence[Row]) -> Difference | None:
        """Compare a row; None where there is nothing to compare it with."""

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
            return "cannot be judged: no row has this measure and what it is compared with"
        for count, what in ((holds, "holds"), (fails, "does not hold"), (undecided, "is undecided")):
            if count == total:
                return what if total == 1 else f"{what} in all {total} comparisons"
        return f"holds in {holds} of {total} comparisons, does not hold in {fails}, undecided in {undecided}"


@dataclass(frozen=True)
class Comparison(Claim):
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

    @property
    def against(self) -> str:
        return ", ".join(f"{short_key(key)} {str(value).lower()}" for key, value in self.reference.items())

    def reference_labels(self, row: Row) -> dict[str, str]:
        """Return the labels of the row that a row is compared with."""
        changed = {key: _written(value) for key, value in self.reference.items() if key in row.labels}
        return {**row.labels, **changed}

    def difference(self, row: Row, rows: Sequence[Row]) -> Difference | None:
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


@dataclass(frozen=True)
class Contrast(Claim):
    """A claim about two measures of the same samples: the first is lower (or higher), in every row.

    Args:
        claim: The sentence that the verdict is about.
        metric: A measure that every sample has.
        baseline: The measure that it is compared with.
        expected: What the claim says of the first.
    """

    claim: str
    metric: str
    baseline: str
    expected: str

    def __post_init__(self) -> None:
        require_choice("report.comparisons.expected", self.expected, ("lower", "higher"))

    @property
    def against(self) -> str:
        return column(self.baseline).heading

    def difference(self, row: Row, rows: Sequence[Row]) -> Difference | None:
        if not row.complete or not {self.metric, self.baseline} <= row.samples.keys():
            return None
        change = row.samples[self.metric] - row.samples[self.baseline]
        low, high = row.interval(change)
        return Difference(float(change.mean()), low, high)


def _written(value: object) -> str:
    """Write a value as it stands in an override."""
    return str(value).lower() if isinstance(value, bool) else str(value)
