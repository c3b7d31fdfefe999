"""What classes are made of: the largest mean codes of each, as bars."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure as Canvas

from splice_exp.core.errors import SpliceError, nearest, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.names import find_name
from splice_exp.core.plotting import PALETTE, PANEL, STYLE
from splice_exp.data.imagenet import older_names
from splice_exp.report.drawings.base import Drawing
from splice_exp.report.records import Row, tables_of

COLUMNS = 4


class ClassBars(Drawing):
    """One panel per class, averaged over all rows.

    Args:
        table: Table of the run with columns `class`, `concept`, `code` and `rank`.
        num_classes: Classes plotted, at most.
        classes: Which, by their names; None: the first ones.
    """

    def __init__(self, table: str, num_classes: int = 12, classes: Sequence[str] | None = None) -> None:
        if classes is not None:
            require_names("classes", classes)
        self._table, self._num_classes, self._classes = table, num_classes, classes

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        shown = [record for record in records if record.complete]
        if not shown:
            return None
        bars = tables_of(shown, self._table)
        runs = int(bars.groupby("class")["rank"].value_counts().max())
        top = int(bars["rank"].max())
        classes = self._chosen(list(dict.fromkeys(bars["class"])))[: self._num_classes]
        columns = min(COLUMNS, len(classes))
        rows = -(-len(classes) // columns)
        with mpl.rc_context(STYLE):
            canvas, axes = plt.subplots(
                rows,
                columns,
                figsize=(0.8 * PANEL[0] * columns, 1.7 * rows + 0.4),
                squeeze=False,
                sharex=True,
                layout="constrained",
            )
            for axis in axes.flat[len(classes) :]:
                axis.set_visible(False)
            for axis, name in zip(axes.flat, classes, strict=False):
                # A concept that is not among the largest of some run counts there as none.
                means = bars[bars["class"] == name].groupby("concept")["code"].sum().sort_values(ascending=False) / runs
                means = means.head(top)
                colours = [PALETTE[2] if f" {name} " in f" {concept} " else PALETTE[0] for concept in means.index]
                axis.barh(range(len(means)), means, color=colours, height=0.7)
                axis.set_yticks(range(len(means)), list(means.index), fontsize=8)
                axis.set_ylim(top - 0.4, -0.6)
                axis.grid(axis="y", visible=False)
                axis.set_title(name, fontsize=9)
            canvas.supxlabel("mean code; in green, concepts with the name of the class", fontsize=9)
            canvas.suptitle(title, fontsize=10)
        return canvas

    def _chosen(self, names: list[str]) -> list[str]:
        """Return the classes to plot, in the order in which they were asked for.

        Raises:
            SpliceError: for an unknown class.
        """
        if self._classes is None:
            return names
        return [self._found(name, names) for name in self._classes]

    def _found(self, name: str, names: Sequence[str]) -> str:
        """Return how a class is called in the table: as it was asked for, or as ImageNet calls it now."""
        found = find_name(name, names, older_names())
        if found is None:
            raise SpliceError(f"{key_of('classes', self)} has {name!r}, which is no class ({nearest(name, names)}).")
        return found
