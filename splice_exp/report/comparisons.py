"""A claim as a paired comparison between rows: on the same samples, with an interval and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.evaluation.intervals import mean_interval
from splice_exp.report.records import Record

RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True)
class Difference:
    """Mean of a measure minus that of the reference row, over the same samples, with its 95 % interval."""

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

    def reference_labels(self, record: Record) -> dict[str, str]:
        """Return the labels of the row that a row is compared with."""
        changed = {key: _written(value) for key, value in self.reference.items() if key in record.labels}
        return {**record.labels, **changed}

    def difference(self, record: Record, records: Sequence[Record]) -> Difference | None:
        """Compare a row with its reference; None for the reference itself and where a measure is not there."""
        wanted = self.reference_labels(record)
        others = [other for other in records if dict(other.labels) == wanted and other is not record]
        if not others or not record.complete or not others[0].complete:
            return None
        if self.metric not in record.samples or self.metric not in others[0].samples:
            return None
        if not np.array_equal(record.samples["sample_id"], others[0].samples["sample_id"]):
            raise SpliceError(
                f"The rows {record.label!r} and {others[0].label!r} are over different samples, and cannot be compared "
                "in pairs: remove the comparison (report.comparisons) or sweep something else."
            )
        change = record.samples[self.metric] - others[0].samples[self.metric]
        low, high = mean_interval(change, RESAMPLES, SEED)
        return Difference(float(change.mean()), low, high)

    def verdict(self, records: Sequence[Record]) -> str:
        """Count the rows where the claim holds, does not, or cannot be decided at 95 %."""
        sign = 1 if self.expected == "higher" else -1
        holds = fails = undecided = 0
        for record in records:
            difference = self.difference(record, records)
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
