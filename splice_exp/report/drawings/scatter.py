"""Rows of a table as points: one measure across, one up, one by colour; a list beside them says which is which."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from splice_exp.core.plotting import STYLE
from splice_exp.report.drawings.base import Drawing, interval_of, scaled, value_of
from splice_exp.report.records import Row, declared_by

SIZE = (5.2, 4.4)  # inches, without the list
PER_NAME = 0.19  # inches of the list
COLOURS = "viridis"
GREY = "#c9c9c9"  # of rows that lack the measure of the colour


class Scatter(Drawing):
    """Three measures of each row at once: where it is good at what.

    An axis along which less is better runs the other way, so that the best is always up and to the right.

    Args:
        x: Metric across.
        y: Metric up.
        colour: Metric that colours the points.
        lines: Metrics in the unit of `y`, the mean of which over rows is a dashed line each.
    """

    def __init__(self, x: str, y: str, colour: str, lines: Sequence[str] = ()) -> None:
        self._x, self._y, self._colour, self._levels = x, y, colour, tuple(lines)

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        shown = [
            row for row in records if row.complete and None not in (value_of(row, self._x), value_of(row, self._y))
        ]
        if not shown:
            return None
        with mpl.rc_context(STYLE):
            size = SIZE[0] + 2.4, max(SIZE[1], PER_NAME * len(shown) + 1)
            canvas, axis = plt.subplots(figsize=size, layout="constrained")
            self._points(axis, shown)
            self._lines(axis, shown)
            measures = declared_by(shown)
            for metric, set_label, invert in (
                (self._x, axis.set_xlabel, axis.invert_xaxis),
                (self._y, axis.set_ylabel, axis.invert_yaxis),
            ):
                better = measures.of(metric).higher_is_better
                set_label(measures.title(metric) + ("" if better is not False else ", less is better"))
                if better is False:
                    invert()
            canvas.suptitle(title, fontsize=10)
        return canvas

    def _points(self, axis: Axes, rows: Sequence[Row]) -> None:
        levels = [value_of(row, self._colour) for row in rows]
        known = [scaled(row, self._colour, level) for row, level in zip(rows, levels, strict=True) if level is not None]
        norm = mpl.colors.Normalize(min(known, default=0), max(known, default=1))
        colours = mpl.colormaps[COLOURS]
        names = []
        for number, (row, level) in enumerate(zip(rows, levels, strict=True), start=1):
            (x, *across), (y, *up) = (
                [scaled(row, metric, end) for end in interval_of(row, metric) or ()] for metric in (self._x, self._y)
            )
            colour = GREY if level is None else colours(norm(scaled(row, self._colour, level)))
            axis.plot(across, [y, y], [x, x], up, color="0.6", linewidth=0.8, zorder=2)
            axis.scatter([x], [y], s=150, color=[colour], edgecolors="white", linewidths=0.8, zorder=3)
            light = sum(weight * part for weight, part in zip((0.3, 0.6, 0.1), mpl.colors.to_rgb(colour), strict=True))
            axis.annotate(
                str(number),
                (x, y),
                ha="center",
                va="center",
                fontsize=6.5,
                color="black" if light > 0.5 else "white",
                zorder=4,
            )
            names.append(f"{number}  {row.label}")
        axis.text(1.04, 1.0, "\n".join(names), transform=axis.transAxes, va="top", fontsize=7.5, linespacing=1.35)
        if known:
            bar = axis.figure.colorbar(
                mpl.cm.ScalarMappable(norm, COLOURS), ax=axis, location="bottom", shrink=0.8, aspect=40
            )
            bar.set_label(declared_by(rows).title(self._colour))

    def _lines(self, axis: Axes, rows: Sequence[Row]) -> None:
        for metric, style in zip(self._levels, ("--", ":", "-."), strict=False):
            values = [scaled(row, metric, value) for row in rows if (value := value_of(row, metric)) is not None]
            if values:
                title = declared_by(rows).title(metric)
                axis.axhline(
                    sum(values) / len(values), color="0.35", linestyle=style, linewidth=1, label=title, zorder=1
                )
        if self._levels:
            axis.legend(fontsize=7, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
