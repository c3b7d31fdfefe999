"""How concepts change: over ordered classes as lines, between parts of a data set as bars."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure as Canvas

from splice_exp.core.plotting import PALETTE, PANEL, STYLE
from splice_exp.report.drawings.base import Drawing
from splice_exp.report.records import Row, tables_of


class DriftLines(Drawing):
    """One panel per concept: its prevalence solid, its mean code dotted on a separate axis.

    Args:
        table: Table of the run with columns `concept`, `class`, `place`, `true` and `code`.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        shown = [record for record in records if record.complete]
        if not shown:
            return None
        found = tables_of(shown, self._table)
        concepts = list(dict.fromkeys(found["concept"]))
        with mpl.rc_context(STYLE):
            canvas, axes = plt.subplots(
                1,
                len(concepts),
                figsize=(PANEL[0] * 0.85 * len(concepts), PANEL[1]),
                squeeze=False,
                layout="constrained",
            )
            for axis, concept in zip(axes[0], concepts, strict=True):
                means = found[found["concept"] == concept].groupby("place").mean(numeric_only=True)
                names = found[found["concept"] == concept].groupby("place")["class"].first()
                (solid,) = axis.plot(means.index, 100 * means["true"], color=PALETTE[0], linewidth=1.6)
                axis.set_ylim(bottom=0)
                axis.tick_params(axis="y", colors=PALETTE[0])
                other = axis.twinx()
                (dotted,) = other.plot(means.index, means["code"], color=PALETTE[1], linewidth=1.6, linestyle=":")
                other.set_ylim(bottom=0)
                other.tick_params(axis="y", colors=PALETTE[1])
                other.grid(visible=False)
                ends = [0, len(names) - 1]
                axis.set_xticks(ends, [names.iloc[end] for end in ends])
                axis.set_title(concept, fontsize=9)
            canvas.legend(
                [solid, dotted],
                ["prevalence %", "mean code"],
                ncols=2,
                fontsize=8,
                loc="outside lower center",
            )
            canvas.suptitle(title, fontsize=10)
        return canvas


class PartBars(Drawing):
    """One panel per class: the mean codes of some concepts in each part of a data set.

    Args:
        table: Table of the run with columns `concept`, `class`, `part` and `code`.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        shown = [record for record in records if record.complete]
        found = tables_of(shown, self._table) if shown else None
        if found is None or not len(found):
            return None
        classes, parts, concepts = (list(dict.fromkeys(found[name])) for name in ("class", "part", "concept"))
        width = 0.8 / len(parts)
        with mpl.rc_context(STYLE):
            canvas, axes = plt.subplots(
                1,
                len(classes),
                figsize=(PANEL[0] * len(classes), PANEL[1]),
                squeeze=False,
                sharey=True,
                layout="constrained",
            )
            for axis, name in zip(axes[0], classes, strict=True):
                of_class = found[found["class"] == name].groupby(["concept", "part"])["code"].mean()
                for number, part in enumerate(parts):
                    places = np.arange(len(concepts)) + (number - (len(parts) - 1) / 2) * width
                    heights = [of_class[(concept, part)] for concept in concepts]
                    axis.bar(places, heights, width=0.9 * width, color=PALETTE[number % len(PALETTE)], label=part)
                axis.set_xticks(range(len(concepts)), concepts)
                axis.grid(axis="x", visible=False)
                axis.set_title(name, fontsize=9)
            axes[0][0].set_ylabel("mean code")
            handles, labels = axes[0][0].get_legend_handles_labels()
            canvas.legend(handles, labels, ncols=len(parts), fontsize=8, loc="outside lower center")
            canvas.suptitle(title, fontsize=10)
        return canvas
