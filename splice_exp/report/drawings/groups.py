"""Measures that belong together as groups of bars: the same question before and after, of several groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from splice_exp.core.plotting import PALETTE, PANEL, STYLE
from splice_exp.report.drawings.base import Drawing
from splice_exp.report.records import Row


class GroupedBars(Drawing):
    """One panel per row; in it a group of bars for each of `groups`, with a bar for each of `bars`.

    Args:
        groups: Part of a metric's name → what it is called under the group.
        metric: Name of the metric of a bar, with `{group}` and `{bar}` in it.
        bars: Part of a metric's name → what it is called in the legend.
        y: Name of the vertical axis.
        chance: Where to plot a dashed line, in units of that axis; or none.
    """

    def __init__(
        self, groups: Mapping[str, str], metric: str, bars: Mapping[str, str], y: str, chance: float | None = None
    ) -> None:
        self._groups, self._metric, self._bars, self._y, self._chance = dict(groups), metric, dict(bars), y, chance

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        shown = [record for record in records if record.complete]
        if not shown:
            return None
        with mpl.rc_context(STYLE):
            canvas, axes = plt.subplots(
                len(shown),
                1,
                figsize=(max(PANEL[0], 1.5 * len(self._groups)) + 1, (PANEL[1] - 0.6) * len(shown) + 0.7),
                squeeze=False,
                sharey=True,
                layout="constrained",
            )
            for axis, record in zip(axes[:, 0], shown, strict=True):
                self._panel(axis, record)
            handles, labels = axes[0][0].get_legend_handles_labels()
            canvas.legend(handles, labels, fontsize=8, ncols=3, loc="outside lower center")
            canvas.suptitle(title, fontsize=10)
        return canvas

    def _panel(self, axis: Axes, record: Row) -> None:
        width = 0.8 / len(self._bars)
        for number, (bar, label) in enumerate(self._bars.items()):
            names = [self._metric.format(group=group, bar=bar) for group in self._groups]
            there = [place for place, name in enumerate(names) if record.metrics.get(name) is not None]
            if not there:
                continue
            low, mean, high = (
                np.array([_shown(record, names[place], suffix) for place in there])
                for suffix in ("_ci_low", "", "_ci_high")
            )
            places = np.array(there) + (number - (len(self._bars) - 1) / 2) * width
            axis.bar(places, mean, width=0.9 * width, color=PALETTE[number % len(PALETTE)], label=label)
            # Of seeds that agree, mean and ends differ in the last bit.
            ends = np.maximum([mean - low, high - mean], 0)
            axis.errorbar(places, mean, yerr=ends, fmt="none", color="0.15", linewidth=1)
        if self._chance is not None:
            axis.axhline(self._chance, color="0.35", linestyle="--", linewidth=1)
        axis.set_xticks(range(len(self._groups)), list(self._groups.values()), fontsize=8)
        axis.grid(axis="x", visible=False)
        axis.set_ylabel(self._y)
        axis.set_title(record.label, fontsize=9)


def _shown(record: Row, metric: str, suffix: str) -> float:
    value = record.metrics.get(metric + suffix)
    value = record.metrics[metric] if value is None else value
    return record.measures.of(metric).unit.scale * value
