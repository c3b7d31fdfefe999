"""A claim as a paired comparison, between rows or between measures: on the same samples, with its interval.

What all claims of a table say together: `report.verdicts`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measures
from splice_exp.core.statistics.estimates import Estimate
from splice_exp.report.records import Row, short_key, written

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "is undecided"


@dataclass(frozen=True)
class Difference:
    """Mean of a measure minus what it is compared with, over the same samples or seeds, with its 95 % interval.

    Attributes:
        mean: Of the differences.
        low: End of the interval.
        high: The other end.
        estimate: The mean with its standard error, from which levels are computed.
    """

    mean: float
    low: float
    high: float
    estimate: Estimate

    @classmethod
    def of(cls, row: Row, change: np.ndarray) -> Difference:
        """Estimate the mean of a change, one value for each sample of a row.

        Args:
            row: Whose samples they are; it knows which of them depend on each other.
            change: (n,), in units of the measure.
        """
        low, high = row.interval(change)
        return cls(float(change.mean()), low, high, row.estimate(change))


@dataclass(frozen=True, kw_only=True)
class Claim(ABC):
    """A sentence about differences, which the rows of a table decide.

    Args:
        claim: The sentence that the verdict is about.
        metric: A measure that every sample has.
        expected: What the differences are to be: `higher` than −margin, `lower` than margin, or `near`: in between.
        margin: In units of the measure; negative: by more than that.
        rows: Keys of the configuration, swept or not, and their values in the rows that the claim is about; none: all
            rows.
    """

    claim: str
    metric: str
    expected: str
    margin: float = 0.0
    rows: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_choice("expected", self.expected, ("lower", "higher", "near"))
        if self.expected == "near" and self.margin <= 0:
            raise SpliceError(f"{key_of('margin')} is {self.margin}, but must be positive where `near` is expected.")

    @abstractmethod
    def against(self, measures: Measures) -> str:
        """What the measure is compared with, in words.

        Args:
            measures: Declarations of the rows.

        Returns:
            The words, as they stand in a heading.
        """

    @abstractmethod
    def _difference(self, row: Row, rows: Sequence[Row]) -> Difference | None:
        """Compare a row that the claim is about."""

    def difference(self, row: Row, rows: Sequence[Row]) -> Difference | None:
        """Compare a row; None where there is nothing to compare it with, or where the claim is about other rows.

        Args:
            row: That the claim may be about.
            rows: All rows of the table, among which there may be the one that it is compared with.

        Returns:
            The mean of the paired differences, with its interval.
        """
        return self._difference(row, rows) if row.is_about(self.rows) and row.complete else None

    def applies(self, rows: Sequence[Row]) -> bool:
        """Say whether there are rows that the claim is about: a narrowed sweep may have none."""
        return any(row.is_about(self.rows) for row in rows)

    def judge(self, found: Difference) -> str:
        """Say by its 95 % interval whether a difference is as expected: `HOLDS`, `FAILS` or `UNDECIDED`."""
        low, high = self._bounds()
        if low < found.low and found.high < high:
            return HOLDS
        return FAILS if found.high < low or high < found.low else UNDECIDED

    def level(self, found: Difference) -> float:
        """Return the level at which a difference clears the border between `HOLDS` and `FAILS`: its p value."""
        low, high = self._bounds()
        levels = [found.estimate.level(bound) for bound in (low, high) if np.isfinite(bound)]
        inside = low < found.mean < high
        return max(levels) if inside else min(levels)  # both bounds are to be cleared, or one is crossed

    def _bounds(self) -> tuple[float, float]:
        low = -np.inf if self.expected == "lower" else -self.margin
        high = np.inf if self.expected == "higher" else self.margin
        return low, high


@dataclass(frozen=True, kw_only=True)
class Comparison(Claim):
    """A claim about rows: against the row that differs in nothing but `reference`, the measure is lower (or higher).

    Args:
        reference: Swept keys and values of the row to compare with; the other keys are held fixed.
    """

    reference: Mapping[str, object]

    def against(self, measures: Measures) -> str:
        return ", ".join(f"{short_key(key)} {str(value).lower()}" for key, value in self.reference.items())

    def reference_labels(self, row: Row) -> dict[str, str]:
        """Return the labels of the row that a row is compared with."""
        changed = {key: written(value) for key, value in self.reference.items() if key in row.labels}
        return {**row.labels, **changed}

    def applies(self, rows: Sequence[Row]) -> bool:
        """Say whether some row that the claim is about has one to be compared with."""
        return any(row.is_about(self.rows) and self._other(row, rows) is not None for row in rows)

    def _other(self, row: Row, rows: Sequence[Row]) -> Row | None:
        """Return the row that a row is compared with, if the table has it."""
        fixed = {key: value for key, value in self.reference.items() if key not in row.labels}
        if any(row.setting(key) not in (None, written(value)) for key, value in fixed.items()):
            return None  # all rows have another setting
        wanted = self.reference_labels(row)
        return next((other for other in rows if dict(other.labels) == wanted and other is not row), None)

    def _difference(self, row: Row, rows: Sequence[Row]) -> Difference | None:
        other = self._other(row, rows)
        if other is None or not other.complete:
            return None
        if self.metric not in row.samples or self.metric not in other.samples:
            return None
        if not np.array_equal(row.samples["sample_id"], other.samples["sample_id"]):
            raise SpliceError(
                f"The rows {row.label!r} and {other.label!r} are over different samples, and cannot be compared "
                f"in pairs: remove the comparison (report.comparisons) or sweep something else."
            )
        return Difference.of(row, row.samples[self.metric] - other.samples[self.metric])


@dataclass(frozen=True, kw_only=True)
class Contrast(Claim):
    """A claim about two measures of the same samples: the first is lower (or higher), in every row.

    Args:
        baseline: The measure that it is compared with.
    """

    baseline: str

    def against(self, measures: Measures) -> str:
        return measures.title(self.baseline)

    def _difference(self, row: Row, rows: Sequence[Row]) -> Difference | None:
        if not {self.metric, self.baseline} <= row.samples.keys():
            return None
        return Difference.of(row, row.samples[self.metric] - row.samples[self.baseline])


@dataclass(frozen=True, kw_only=True)
class Level(Claim):
    """A claim about a measure and a number that it does not know of: chance, one half, zero.

    Args:
        value: The number.
    """

    value: float

    def against(self, measures: Measures) -> str:
        declared = measures.find(self.metric)
        return f"{self.value:g}" if declared is None else declared.write(self.value)

    def _difference(self, row: Row, rows: Sequence[Row]) -> Difference | None:
        if self.metric not in row.samples:
            return None
        return Difference.of(row, row.samples[self.metric] - self.value)
