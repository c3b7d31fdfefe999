"""Figures of a table: curves along a swept penalty, and bars for separate rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from splice_exp.core.errors import require_names
from splice_exp.core.plotting import MARKERS, PALETTE, PANEL, STYLE
from splice_exp.report.drawings.base import Drawing, interval_of, scaled, value_of
from splice_exp.report.records import Row, declared_by, short_key

MOST_ROWS = 100  # that are as high as one needs to read their names; a figure cannot have any number of pixels
MOST_ACROSS = 3  # panels side by side, so that a page shows them legibly; more go into two rows
NARROW = 0.5  # where all values exceed this share of the largest, they are plotted as points on a separate scale


class Figure(Drawing):
    """Metrics of a table's rows.

    Args:
        panels: Metrics, one panel each.
        baselines: Metric → the metric to plot dashed beside it: one line, or one per row where it differs between rows.
    """

    def __init__(self, panels: Sequence[str], baselines: Mapping[str, str] | None = None) -> None:
        require_names("panels", panels)
        self._panels, self._baselines = tuple(panels), dict(baselines or {})

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        shown = [record for record in records if record.complete]
        panels = [metric for metric in self._panels if any(value_of(record, metric) is not None for record in shown)]
        if not panels:
            return None
        with mpl.rc_context(STYLE):
            across = len(panels) if len(panels) <= MOST_ACROSS else -(-len(panels) // 2)
            down = -(-len(panels) // across)
            width, height = self._size(across, len(shown))
            canvas, axes = plt.subplots(
                down, across, figsize=(width, height * down), squeeze=False, layout="constrained"
            )
            for place, axis in enumerate(axes.flat):
                if place < len(panels):
                    self._panel(axis, panels[place], shown, first=place % across == 0)
                else:
                    axis.set_visible(False)
            canvas.suptitle(title, fontsize=10)
        return canvas

    def _size(self, num_panels: int, num_rows: int) -> tuple[float, float]:
        return PANEL[0] * num_panels, PANEL[1] + 0.3

    def _baseline(self, metric: str, record: Row) -> float | None:
        value = value_of(record, self._baselines[metric]) if metric in self._baselines else None
        return None if value is None else scaled(record, metric, value)

    def _common_baseline(self, metric: str, records: Sequence[Row]) -> float | None:
        """Return the baseline of all rows if it is the same at the precision of a table, else None."""
        values = [value for record in records if (value := self._baseline(metric, record)) is not None]
        return values[0] if values and max(values) - min(values) <= 1e-3 * max(map(abs, values), default=0) else None

    def _baseline_heading(self, metric: str, records: Sequence[Row]) -> str:
        return declared_by(records).title(self._baselines[metric])

    @abstractmethod
    def _panel(self, axis: Axes, metric: str, records: Sequence[Row], first: bool) -> None:
        """Plot one metric."""


class Curves(Figure):
    """Metrics along x, one line per value of the key `group`, with 95 % bands.

    Args:
        x: Metric on the horizontal axis.
        group: Swept key that tells lines apart; one line if it is not swept.
        panels: Metrics, one panel each.
        baselines: Metric → the metric to plot dashed beside it.
        log_x: Logarithmic horizontal axis.
    """

    def __init__(
        self,
        x: str,
        group: str | None,
        panels: Sequence[str],
        baselines: Mapping[str, str] | None = None,
        log_x: bool = True,
    ) -> None:
        super().__init__(panels, baselines)
        self._x, self._group, self._log_x = x, group, log_x

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        canvas = super().draw(records, title)
        groups = self._groups([record for record in records if record.complete])
        if canvas is not None and len(groups) > 1:  # one legend for all panels
            handles = [Line2D([], [], markersize=4, **_style(number)) for number in range(len(groups))]
            labels = [f"{short_key(self._group or '')} {group}" for group in groups]
            canvas.legend(handles, labels, fontsize=8, frameon=False, ncols=len(groups), loc="outside lower center")
        return canvas

    def _panel(self, axis: Axes, metric: str, records: Sequence[Row], first: bool) -> None:
        common = self._common_baseline(metric, records)
        for number, group in enumerate(self._groups(records)):
            members = [record for record in records if record.labels.get(self._group or "", "") == group]
            points = [
                (at, *(scaled(record, metric, end) for end in interval))
                for record in members
                if (at := value_of(record, self._x)) is not None
                and (interval := interval_of(record, metric)) is not None
            ]
            if not points:
                continue
            x, y, low, high = zip(*sorted(points), strict=True)
            style = _style(number)
            axis.plot(x, y, markersize=4, **style)
            axis.fill_between(x, low, high, color=style["color"], alpha=0.18, linewidth=0)
            if common is None:
                self._baseline_curve(axis, metric, members, style["color"])
        if common is not None:
            axis.axhline(common, color="0.35", linestyle="--", linewidth=1)
        if any(self._baseline(metric, record) is not None for record in records):
            dashed = axis.plot([], [], color="0.35", linestyle="--", linewidth=1)
            axis.legend(dashed, [self._baseline_heading(metric, records)], fontsize=7)
        if self._log_x:
            _logarithmic(axis)
        measures = declared_by(records)
        axis.set_xlabel(measures.title(self._x))
        axis.set_ylabel(measures.title(metric))

    def _groups(self, records: Sequence[Row]) -> list[str]:
        return list(dict.fromkeys(record.labels.get(self._group or "", "") for record in records))

    def _baseline_curve(self, axis: Axes, metric: str, records: Sequence[Row], colour: str) -> None:
        points = [
            (at, value)
            for record in records
            if (at := value_of(record, self._x)) is not None and (value := self._baseline(metric, record)) is not None
        ]
        if points:
            axis.plot(*zip(*sorted(points), strict=True), color=colour, linestyle="--", linewidth=1)


class Bars(Figure):
    """Metrics of each row as a bar with its 95 % interval, its baseline a dashed line across it.

    Of very many rows the bars are thinner, and every second, third … is named.

    Args:
        panels: Metrics, one panel each.
        baselines: Metric → the metric to plot dashed beside it.
    """

    def _size(self, num_panels: int, num_rows: int) -> tuple[float, float]:
        return PANEL[0] * num_panels + 1.2, 0.8 + 0.38 * min(num_rows, MOST_ROWS)

    def _panel(self, axis: Axes, metric: str, records: Sequence[Row], first: bool) -> None:
        baselines = [
            (at, value) for at, row in enumerate(records) if (value := self._baseline(metric, row)) is not None
        ]
        if (common := self._common_baseline(metric, records)) is not None:
            axis.axvline(
                common, color="0.35", linestyle="--", linewidth=1, label=self._baseline_heading(metric, records)
            )
        elif baselines:
            rows, levels = map(np.array, zip(*baselines, strict=True))
            heading = self._baseline_heading(metric, records)
            axis.vlines(levels, rows - 0.45, rows + 0.45, "0.35", linestyles="--", linewidth=1, zorder=3, label=heading)
        measured = [
            (at, *(scaled(row, metric, number) for number in interval))
            for at, row in enumerate(records)
            if (interval := interval_of(row, metric)) is not None
        ]
        places, values, low, high = map(np.array, zip(*measured, strict=True))
        colours = [PALETTE[place % len(PALETTE)] for place in places]
        shown = [*low, *high, *(value for _, value in baselines)]
        if len(measured) > 1 and min(shown) > NARROW * max(shown):  # bars would all look the same
            axis.scatter(values, places, s=28, color=colours, zorder=4)
        else:
            axis.barh(places, values, color=colours, height=0.65, alpha=0.9)
        ends = np.maximum([values - low, high - values], 0)
        axis.errorbar(values, places, xerr=ends, color="0.15", capsize=2, linewidth=1, linestyle="none")
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=7, loc="lower right", bbox_to_anchor=(1.0, 1.0))
        named = range(0, len(records), -(-len(records) // MOST_ROWS))
        axis.set_yticks(named, [records[row].label if first else "" for row in named])
        axis.set_ylim(len(records) - 0.4, -0.6)
        axis.grid(axis="y", visible=False)
        axis.set_xlabel(declared_by(records).title(metric))


def _style(number: int) -> dict[str, Any]:
    """Return how the line of a group is plotted."""
    return {"color": PALETTE[number % len(PALETTE)], "marker": MARKERS[number % len(MARKERS)], "linewidth": 1.4}


def _logarithmic(axis: Axes) -> None:
    """Make the horizontal axis logarithmic, with ticks as plain numbers, and as many as there is room for."""
    axis.set_xscale("log")
    low, high = axis.get_xlim()
    subs = (1, 1.5, 2, 3, 4, 5, 6, 8) if high < 6 * low else (1, 2, 5) if high < 50 * low else (1,)
    axis.xaxis.set_major_locator(LogLocator(subs=subs))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
