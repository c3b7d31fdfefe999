"""What the rows of a table say of all its claims together: plain, and adjusted for how many comparisons there are.

A comparison is decided if its 95 % interval is, and its level stays below 5 % when it is adjusted by Holm's procedure
for all comparisons of the table. So the chance that any of a table's verdicts is wrong is at most one in twenty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from splice_exp.core.statistics.estimates import CONFIDENCE, holm
from splice_exp.report.comparisons import FAILS, HOLDS, UNDECIDED, Claim
from splice_exp.report.records import Row


@dataclass(frozen=True)
class Verdict:
    """What is said of a claim.

    Attributes:
        plain: Of each comparison by its own interval: `HOLDS`, `FAILS` or `UNDECIDED`.
        adjusted: The same, adjusted for all comparisons of the table.
        family: How many those are.
        models: How many backbones the comparisons are of.
    """

    plain: tuple[str, ...]
    adjusted: tuple[str, ...]
    family: int
    models: int

    def __str__(self) -> str:
        if not self.plain:
            return "cannot be judged: no row has this measure and what it is compared with"
        said = _counted(self.adjusted)
        details = [f"{self.models} model{'s' if self.models > 1 else ''}"]
        if self.plain != self.adjusted:
            details.append(f"{_counted(self.plain)} before Holm's adjustment for {self.family} comparisons")
        return f"{said} ({'; '.join(details)})"


def verdicts(claims: Sequence[Claim], rows: Sequence[Row]) -> list[Verdict]:
    """Judge all claims of a table.

    Args:
        claims: Of the table, all of them: they are the family that levels are adjusted for.
        rows: Of the table.

    Returns:
        One for each claim.
    """
    found = [
        (place, claim.judge(one), claim.level(one), row.models)
        for place, claim in enumerate(claims)
        for row in rows
        if (one := claim.difference(row, rows)) is not None
    ]
    levels = holm([level for _, _, level, _ in found])
    judged: list[Verdict] = []
    for number in range(len(claims)):
        own = [
            (plain, level, models)
            for (place, plain, _, models), level in zip(found, levels, strict=True)
            if place == number
        ]
        adjusted = tuple(plain if level <= 1 - CONFIDENCE else UNDECIDED for plain, level, _ in own)
        models = frozenset[str]().union(*(models for _, _, models in own))
        judged.append(Verdict(tuple(plain for plain, _, _ in own), adjusted, len(found), len(models)))
    return judged


def _counted(decisions: Sequence[str]) -> str:
    """Count decisions in words.

    Example:
        >>> _counted([HOLDS, HOLDS]), _counted([HOLDS, FAILS, UNDECIDED])
        ('holds in all 2 comparisons', 'holds in 1 of 3 comparisons, does not hold in 1, undecided in 1')
    """
    total = len(decisions)
    for what in (HOLDS, FAILS, UNDECIDED):
        if decisions.count(what) == total:
            return what if total == 1 else f"{what} in all {total} comparisons"
    holds, fails, undecided = (decisions.count(what) for what in (HOLDS, FAILS, UNDECIDED))
    return f"holds in {holds} of {total} comparisons, does not hold in {fails}, undecided in {undecided}"
