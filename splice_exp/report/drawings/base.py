"""What every figure of a report is: made of the rows of its table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

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
