"""What a measure is called, in which unit it is written, which direction is better, and how runs of it are joined.

A measure is declared where it is computed. A run keeps the declarations of its metrics in its record, and tables, pages
and figures read them there: they know no metric by its name, and import no evaluation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any

from splice_exp.core.statistics.estimates import NOT_NEGATIVE, SHARES, UNBOUNDED

INTERVAL = ("_ci_low", "_ci_high")  # ends of a 95 % interval: they belong to the measure before them
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Unit(Enum):
    """What a number is; it decides how the number is written."""

    SHARE = "share"  # in [0, 1], written in per cent
    POINTS = "points"  # difference of two shares, in percentage points
    NUMBER = "number"  # any
    COSINE = "cosine"  # or a correlation: in [−1, 1]
    INDEX = "index"  # in [0, 1], written as a number: an IoU, a Gini index
    AMOUNT = "amount"  # not negative: a distance, a penalty, a standard error
    CODE = "code"  # may be negative where the solver is asked for signed codes
    RATIO = "ratio"  # of two quantities of the same kind, around 1
    COUNT = "count"
    AVERAGE = "average"  # of counts
    BOUND = "bound"  # of an error: the power of ten that it stays below
    MAGNITUDE = "magnitude"

    @property
    def symbol(self) -> str:
        """What stands behind a heading."""
        return {Unit.SHARE: " (%)", Unit.POINTS: " (points)"}.get(self, "")

    @property
    def scale(self) -> float:
        """By what a number is multiplied before it is written or plotted."""
        return 100.0 if self in (Unit.SHARE, Unit.POINTS) else 1.0

    @property
    def digits(self) -> int:
        """Digits behind the point."""
        known = {Unit.SHARE: 1, Unit.POINTS: 1, Unit.RATIO: 2, Unit.COUNT: 0, Unit.AVERAGE: 2}
        return known.get(self, 3)

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest that it can be, and so its means and the ends of their intervals."""
        if self is Unit.COSINE:
            return -1.0, 1.0
        if self in (Unit.SHARE, Unit.INDEX):
            return SHARES
        anywhere = (Unit.NUMBER, Unit.POINTS, Unit.RATIO, Unit.CODE)
        return UNBOUNDED if self in anywhere else NOT_NEGATIVE

    def write(self, value: float) -> str:
        """Write a number; counts that are means over seeds have one digit.

        Example:
            >>> Unit.SHARE.write(0.976), Unit.NUMBER.write(0.976), Unit.COUNT.write(12), Unit.COUNT.write(12.5)
            ('97.6', '0.976', '12', '12.5')
            >>> Unit.BOUND.write(3e-8), Unit.MAGNITUDE.write(3e-8)
            ('≤ 1e-7', '3e-08')
        """
        if self is Unit.BOUND:
            return _bound(value)
        if self is Unit.MAGNITUDE:
            return f"{value:.0e}"
        digits = 1 if self is Unit.COUNT and value != round(value) else self.digits
        return f"{self.scale * value:z.{digits}f}"

    def write_change(self, value: float) -> str:
        """Write a difference of two numbers, with its sign.

        Example:
            >>> Unit.SHARE.write_change(0.012), Unit.NUMBER.write_change(-0.5)
            ('+1.2', '-0.500')
        """
        if self in (Unit.BOUND, Unit.MAGNITUDE):
            return f"{value:+.0e}"
        return f"{self.scale * value:+.{max(1, self.digits)}f}"


class Join(Enum):
    """How the runs of one point under several seeds become one number."""

    MEAN = "mean"  # with its interval
    LARGEST = "largest"  # of errors and p values: the worst case is kept
    TOTAL = "total"  # of samples, where each seed has its own


@dataclass(frozen=True)
class Measure:
    """The declaration of a measure.

    Args:
        name: As in `metrics.json`. Names that depend on the data have placeholders, `recovery/recall_{kind}`.
        heading: Of its column, without the unit; placeholders stand for what the name has there.
        unit: Decides how it is written.
        higher_is_better: None where neither is better, as for a baseline.
        join: Over seeds.
        optional: Whether not all data allow it.
        floor: Smallest bound that is written, for `Unit.BOUND`: what is certified, below which is rounding.
    """

    name: str
    heading: str
    unit: Unit
    higher_is_better: bool | None = None
    join: Join = Join.MEAN
    optional: bool = False
    floor: float = 0.0

    @property
    def title(self) -> str:
        """Heading with its unit.

        Example:
            >>> Measure("zero_shot/top1", "top-1", Unit.SHARE).title
            'top-1 (%)'
        """
        return f"{self.heading}{self.unit.symbol}"

    def write(self, value: float) -> str:
        """Write a value.

        Example:
            >>> Measure("solver/gap_max", "duality gap", Unit.BOUND, floor=1e-6).write(2e-9)
            '≤ 1e-6'
        """
        return self.unit.write(max(value, self.floor) if self.unit is Unit.BOUND else value)

    def write_with_interval(self, value: float, low: float | None, high: float | None) -> str:
        """Write a value with its 95 % interval where it has one; a bound has none.

        Args:
            value: In units of the measure.
            low: Lower end of the interval, or None.
            high: Upper end, or None.

        Example:
            >>> Measure("l0/mean", "L0", Unit.AVERAGE).write_with_interval(6.5, 6.25, 6.75)
            '6.50 [6.25, 6.75]'
        """
        ends = self._ends(low, high)
        return self.write(value) + (f" [{self.write(ends[0])}, {self.write(ends[1])}]" if ends else "")

    def write_with_half_width(self, value: float, low: float | None, high: float | None) -> str:
        """Write a value with half the width of its 95 % interval where it has one; a bound has none.

        A lopsided interval is written by its ends: half of its width would lead out of the bounds of the unit.

        Args:
            value: In units of the measure.
            low: Lower end of the interval, or None.
            high: Upper end, or None.

        Example:
            >>> Measure("l0/mean", "L0", Unit.AVERAGE).write_with_half_width(6.5, 6.25, 6.75)
            '6.50 ± 0.25'
            >>> Measure("zero_shot/top1", "top-1", Unit.SHARE).write_with_half_width(0.235, 0.05, 0.643)
            '23.5 [5.0, 64.3]'
        """
        ends = self._ends(low, high)
        if ends is None:
            return self.write(value)
        half, (least, most) = (ends[1] - ends[0]) / 2, self.unit.bounds
        if not least <= value - half <= value + half <= most:
            return self.write_with_interval(value, low, high)
        return f"{self.write(value)} ± {self.write(half)}"

    def _ends(self, low: float | None, high: float | None) -> tuple[float, float] | None:
        """Return the ends of an interval; None where there is nothing to write."""
        if low is None or high is None or low == high or self.unit is Unit.BOUND:
            return None
        return low, high

    def named(self, name: str) -> Measure | None:
        """Return the declaration of a metric that this one declares, with placeholders filled; None of any other.

        Example:
            >>> Measure("recovery/recall_{kind}", "{kind} recall", Unit.SHARE).named("recovery/recall_colour").heading
            'colour recall'
        """
        if name == self.name:
            return self
        if (found := self._pattern.fullmatch(name)) is None:
            return None
        words = {key: value.replace("_", " ") for key, value in found.groupdict().items()}
        return replace(self, name=name, heading=self.heading.format(**words))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = PLACEHOLDER.split(self.name)  # text, placeholder, text, …
        return re.compile(
            "".join(f"(?P<{part}>[^/]+)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts))
        )


def beside(measure: Measure, **headings: str) -> tuple[Measure, ...]:
    """Return a measure and what stands beside it for comparison: nulls and baselines, of which none is better.

    Args:
        measure: The one that the question is about.
        headings: End of a name → heading of the measure `name_end`.

    Example:
        >>> [one.name for one in beside(Measure("zero_shot/top1", "top-1", Unit.SHARE, True), dense="dense top-1")]
        ['zero_shot/top1', 'zero_shot/top1_dense']
    """
    others = (
        replace(measure, name=f"{measure.name}_{end}", heading=heading, higher_is_better=None)
        for end, heading in headings.items()
    )
    return measure, *others


@dataclass(frozen=True)
class Measures:
    """All measures that an evaluation, or a record, declares.

    Attributes:
        declared: Names are unique; the same declaration may be there twice.

    Raises:
        ValueError: if one name has two declarations.
    """

    declared: tuple[Measure, ...] = ()

    def __post_init__(self) -> None:
        names: dict[str, Measure] = {}
        for measure in self.declared:
            if names.setdefault(measure.name, measure) != measure:
                raise ValueError(f"the measure {measure.name!r} is declared twice, and differently")

    def find(self, metric: str) -> Measure | None:
        """Return the declaration of a metric, by its own name before one with placeholders; None where there is none.

        The ends of an interval have the declaration of their measure.
        """
        name = measure_of(metric)
        if name in self._exact:
            return self._exact[name]
        return next((found for one in self._families if (found := one.named(name)) is not None), None)

    def of(self, metric: str) -> Measure:
        """Return the declaration of a metric.

        Raises:
            ValueError: if it has none.
        """
        if (found := self.find(metric)) is None:
            raise ValueError(
                f"the metric {metric!r} is not declared: add it to `measures` of the evaluation that returns it; if "
                "that is none of yours, this is a bug in splice_exp, please report it"
            )
        return found

    def title(self, metric: str) -> str:
        """Return the heading of a metric with its unit; of one without a declaration its name."""
        found = self.find(metric)
        return metric if found is None else found.title

    def resolved(self, metrics: Iterable[str]) -> Measures:
        """Return the declarations of some metrics, each by its own name."""
        return Measures(tuple(dict.fromkeys(self.of(metric) for metric in metrics)))

    def require(self, metrics: Iterable[str]) -> None:
        """Refuse metrics without a declaration, as `of` does."""
        for metric in metrics:
            self.of(metric)

    @cached_property
    def _exact(self) -> dict[str, Measure]:
        return {measure.name: measure for measure in self.declared}

    @cached_property
    def _families(self) -> tuple[Measure, ...]:
        return tuple(measure for measure in self.declared if PLACEHOLDER.search(measure.name))

    def __or__(self, other: Measures) -> Measures:
        """Return the declarations of both, each once."""
        return Measures(tuple(dict.fromkeys((*self.declared, *other.declared))))


def measure_of(metric: str) -> str:
    """Return the name of the measure that a metric belongs to.

    Example:
        >>> measure_of("l0/mean_ci_low")
        'l0/mean'
    """
    for end in INTERVAL:
        metric = metric.removesuffix(end)
    return metric


def to_json(measures: Measures) -> dict[str, dict[str, Any]]:
    """Return declarations as plain values, by their names."""
    return {
        one.name: {
            "heading": one.heading,
            "unit": one.unit.value,
            "higher_is_better": one.higher_is_better,
            "join": one.join.value,
            "optional": one.optional,
            "floor": one.floor,
        }
        for one in measures.declared
    }


def from_json(content: Mapping[str, Mapping[str, Any]]) -> Measures:
    """Return declarations that `to_json` has written."""
    return Measures(
        tuple(
            Measure(name, **{**one, "unit": Unit(one["unit"]), "join": Join(one["join"])})
            for name, one in content.items()
        )
    )


def _bound(value: float) -> str:
    """Write the smallest power of ten that is not below a value; what is no positive number stays as it is."""
    return f"≤ 1e{math.ceil(math.log10(value))}" if 0 < value < math.inf else f"{value:g}"
