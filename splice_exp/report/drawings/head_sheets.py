"""A sheet of heads: signed directions of their first vectors, as concepts and as the images that drive them most."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure as Canvas

from splice_exp.core.errors import SpliceError, nearest, require_integer, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.plotting import PALETTE, STYLE
from splice_exp.report.drawings.base import Drawing
from splice_exp.report.records import Row
from splice_exp.report.sheets import Sheet, sheets_of

SIDE = 0.72  # inches of an image
WORDS = 2.6  # inches of a list
COLOURS = {"+": PALETTE[0], "−": PALETTE[1]}


class HeadSheets(Drawing):
    """One block per head, side by side; one line per signed direction.

    Args:
        heads: Which, as `L3.H0`; None, or none of a layer that was read: all of them.
        vectors: Of each head.
        pictures: Images of each signed direction.
        columns: Blocks side by side.
    """

    def __init__(
        self, heads: Sequence[str] | None = None, vectors: int = 2, pictures: int = 5, columns: int = 2
    ) -> None:
        for name, value in (("vectors", vectors), ("pictures", pictures), ("columns", columns)):
            require_integer(name, value, 1)
        if heads is not None:
            require_names("heads", heads)
        self._heads, self._vectors, self._pictures, self._columns = heads, vectors, pictures, columns

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        shown = [record for record in records if record.complete]
        if not shown:
            return None
        sheets = {head: sheet for record in shown for head, sheet in sheets_of(record)}
        heads = self._chosen(list(sheets))
        blocks = -(-len(heads) // self._columns)
        lines = 2 * self._vectors
        width = (WORDS + SIDE * self._pictures) * self._columns
        with mpl.rc_context(STYLE):
            canvas = plt.figure(figsize=(width, (SIDE * lines + 0.35) * blocks + 0.3), layout="constrained")
            parts = np.atleast_2d(canvas.subfigures(blocks, self._columns, squeeze=False))
            for part, head in zip(parts.flat, heads, strict=False):
                part.suptitle(head, fontsize=9, x=0.02, ha="left")
                axes = part.subplots(
                    lines, 1 + self._pictures, squeeze=False, width_ratios=[WORDS / SIDE, *[1] * self._pictures]
                )
                names = [f"{head}.{number}{pole}" for number in range(self._vectors) for pole in COLOURS]
                for line, name in zip(axes, names, strict=True):
                    self._line(line, name, sheets[head])
            canvas.suptitle(title, fontsize=10)
        return canvas

    def _line(self, axes: np.ndarray, name: str, sheet: Sheet) -> None:
        for axis in axes:
            axis.set_axis_off()
        words, driving = (table[table["vector"] == name] for table in (sheet.vectors, sheet.driving))
        named = [f"{concept} {code:.2f}" for concept, code in zip(words["concept"], words["code"], strict=True)]
        text = f"{name.rpartition('.')[2]}   " + ",\n      ".join(_pairs(named))
        axes[0].text(0, 0.5, text, fontsize=7, va="center", color=COLOURS[name[-1]], transform=axes[0].transAxes)
        for axis, picture in zip(axes[1:], driving.sort_values("rank")["picture"], strict=False):
            axis.imshow(sheet.images[picture], interpolation="nearest")

    def _chosen(self, heads: list[str]) -> list[str]:
        """Return the heads to plot; those of layers that were not read are left out, unless all are.

        Raises:
            SpliceError: for a head that its layer does not have.
        """
        read = {head.partition(".")[0] for head in heads}
        wanted = [head for head in self._heads or () if head.partition(".")[0] in read]
        for head in wanted:
            if head not in heads:
                raise SpliceError(f"{key_of('heads', self)} has {head!r}, which was not read ({nearest(head, heads)}).")
        return wanted or heads


def _pairs(words: list[str]) -> list[str]:
    """Put two concepts on a line."""
    return [", ".join(words[start : start + 2]) for start in range(0, len(words), 2)]
