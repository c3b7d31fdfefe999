"""What a data set promises whose images come in pairs that differ in one thing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Change:
    """One pair.

    Attributes:
        kind: What is changed: `colour`, `presence`, …
        before: Index of the first sample.
        after: Index of the second one.
        changed: Which object is, counted from 0 in the sample that has it; None where it is something of the image.
    """

    kind: str
    before: int
    after: int
    changed: int | None


class CounterfactualPairs(ABC):
    """A data set, beside `DataSource`, that knows which of its samples are pairs.

    What is true of both samples of a pair, `truth()` says; what changes is the difference.
    """

    @abstractmethod
    def changes(self) -> tuple[Change, ...]:
        """Return all pairs; no sample is in two of them."""

    def changes_among(self, places: Sequence[int]) -> list[Change]:
        """Return the pairs of which both samples are there, by their rows.

        Args:
            places: Index of the sample in each row.
        """
        row = {place: index for index, place in enumerate(places)}
        there = (one for one in self.changes() if one.before in row and one.after in row)
        return [replace(one, before=row[one.before], after=row[one.after]) for one in there]
