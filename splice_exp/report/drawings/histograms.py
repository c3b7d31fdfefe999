"""Distributions that a run has binned, as outlines over each other."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, NullFormatter

from splice_exp.core.plotting import PALETTE, PANEL, STYLE
from splice_exp.report.drawings.base import Drawing
from splice_exp.report.records import Row, tables_of


class Histograms(Drawing):
    """Densities in bins, one outline a kind, one panel for each value of a column.

    Args:
        table: Table of the run with columns `kind`, `from`, `to` and a height.
        panel: Column that tells panels apart, or a key of the configuration: with dots.
        headings: Value of that column → title of its panel, in order; other values come after them, under their names.
        kinds: Kind → how the legend calls it, in order; others come after them, under their names.
        x: Name of the horizontal axis.
        height: Column of heights.
        log_y: Logarithmic vertical axis.
    """

    def __init__(
        self,
        table: str,
        panel: str,
        headings: dict[str, str],
        kinds: dict[str, str],
        x: str,
        height: str = "density",
        log_y: bool = False,
    ) -> None:
        self._table, self._panel, self._headings, self._kinds, self._x = table, panel, headings, kinds, x
        self._height, self._log_y = height, log_y

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        shown = [record for record in records if record.complete]
        if not shown:
            return None
        bins = tables_of(shown, self._table, self._panel if "." in self._panel else None)
        headings, kinds = _named(bins[self._panel], self._headings), _named(bins["kind"], self._kinds)
        with mpl.rc_context(STYLE):
            canvas, axes = plt.subplots(
                1,
                len(headings),
                figsize=(PANEL[0] * len(headings), PANEL[1] + 0.5),
                squeeze=False,
                sharey=True,
                layout="constrained",
            )
            for axis, (value, heading) in zip(axes[0], headings.items(), strict=True):
                of_panel = bins[bins[self._panel] == value]
                self._outlines(axis, of_panel, kinds, int(of_panel.groupby(["kind", "from"]).size().max()))
                axis.set_title(heading, fontsize=9)
                axis.set_xlabel(self._x)
            axes[0][0].set_ylabel(self._height)
            if self._log_y:
                axes[0][0].set_yscale("log")
                axes[0][0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))  # not mathematics
                axes[0][0].yaxis.set_minor_formatter(NullFormatter())
            handles, labels = axes[0][0].get_legend_handles_labels()
            canvas.legend(handles, labels, fontsize=8, ncols=len(labels), loc="outside lower center")
            canvas.suptitle(title, fontsize=10)
        return canvas

    def _outlines(self, axis: Axes, bins: pd.DataFrame, kinds: dict[str, str], num_runs: int) -> None:
        """Plot means over runs; a bin that a run does not have is empty there."""
        for number, (kind, label) in enumerate(kinds.items()):
            of_kind = bins[bins["kind"] == kind].groupby(["from", "to"], as_index=False)[self._height].sum()
            of_kind[self._height] /= num_runs
            edges = np.append(of_kind["from"], of_kind["to"].iloc[-1])
            colour = PALETTE[number % len(PALETTE)]
            axis.stairs(of_kind[self._height], edges, color=colour, linewidth=1.4, label=label)
            axis.stairs(of_kind[self._height], edges, color=colour, alpha=0.12, fill=True)
        filled = bins.loc[bins[self._height] > 0]
        axis.set_xlim(filled["from"].min(), filled["to"].max())


def _named(values: pd.Series, names: dict[str, str]) -> dict[str, str]:
    """Return how the values that are there are called, in the order of the names; those without one keep their own."""
    there = list(dict.fromkeys(values))
    named = {value: name for value, name in names.items() if value in there}
    return named | {value: str(value) for value in there if value not in named}
