"""What every figure of a report is: made of the rows of its table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

from splice_exp.core.measures import INTERVAL
from splice_exp.report.records import Row


class Drawing(ABC):
    """A figure that goes with a table."""

    @abstractmethod
    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        """Plot the complete rows; None where there is nothing to plot.

        Args:
            records: All rows of a table.
            title: Above the figure.
        """


def value_of(record: Row, metric: str) -> float | None:
    """Return the value of a metric; None where a row lacks it.

    Args:
        record: A row of a table.
        metric: Its name.
    """
    return record.metrics.get(metric)


def interval_of(record: Row, metric: str) -> tuple[float, float, float] | None:
    """Return value, low and high end; a metric without an interval has its value for ends.

    Args:
        record: A row of a table.
        metric: Its name.
    """
    value = value_of(record, metric)
    if value is None:
        return None
    ends = (record.metrics.get(f"{metric}{end}") for end in INTERVAL)
    low, high = (value if end is None else end for end in ends)
    return value, low, high


def scaled(record: Row, metric: str, value: float) -> float:
    """Return a value in the unit of tables.

    Args:
        record: A row of a table.
        metric: Its name.
        value: In the unit of records.
    """
    return record.measures.of(metric).unit.scale * value
