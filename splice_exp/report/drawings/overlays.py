"""Maps over images, as one would print them: red where a pixel speaks for the corpus, blue where against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from splice_exp.core.errors import require_integer
from splice_exp.core.plotting import STYLE
from splice_exp.report.drawings.base import Drawing
from splice_exp.report.records import Row

MAPS, PICTURES = "maps", "pictures"
SIDE = 1.35  # inches of an image
OPACITY = 0.65


class Overlays(Drawing):
    """One line per image: the image, then maps of some rows, each with its own scale, symmetric around zero.

    Args:
        columns: Label of a row of the report → what stands over its maps, before the name of the object. The row of a
            report that has only one has no label, and is shown in any case.
        pictures: How many lines.
    """

    def __init__(self, columns: Mapping[str, str], pictures: int = 6) -> None:
        require_integer("pictures", pictures, 1)
        self._columns, self._pictures = dict(columns), pictures

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        rows = {record.label: record for record in records if record.complete}
        columns = {"": ""} if "" in rows else self._columns
        shown = {name: _first_run(rows[name]) for name in columns if name in rows}
        if not shown:
            return None
        tables = {name: row.table(MAPS) for name, row in shown.items()}
        seen = {name: row.table(PICTURES) for name, row in shown.items()}  # of views, each row has its own
        pictures = next(iter(seen.values())).head(self._pictures)
        panels = [(name, which) for name, table in tables.items() for which in range(_distinct(table))]
        with mpl.rc_context(STYLE):
            canvas, axes = plt.subplots(
                len(pictures),
                1 + len(panels),
                figsize=(SIDE * (1 + len(panels)) * 1.05, (SIDE + 0.22) * len(pictures) + 0.4),
                squeeze=False,
                layout="constrained",
            )
            for place, line in enumerate(axes):
                image = _array(pictures.iloc[place], 3).astype(np.uint8)
                _bare(line[0]).imshow(image)
                for axis, (name, which) in zip(line[1:], panels, strict=True):
                    own = tables[name][tables[name]["picture"] == pictures["picture"].iloc[place]]
                    under = _array(seen[name].iloc[place], 3)
                    self._overlay(_bare(axis), under, own.iloc[which], columns[name], _distinct(own) > 1)
            canvas.suptitle(title, fontsize=10)
        return canvas

    def _overlay(self, axis: Axes, image: np.ndarray, found: pd.Series, heading: str, named: bool) -> None:
        scores = _array(found, 1)[..., 0]
        most = max(float(np.abs(scores).max()), 1e-12)
        axis.imshow(image.mean(axis=2), cmap="gray", vmin=0, vmax=255)
        axis.imshow(scores, cmap="RdBu_r", vmin=-most, vmax=most, alpha=OPACITY)
        words = [heading, found["name"]] if named or not heading else [heading]
        axis.set_title(": ".join(word for word in words if word).replace("_", " "), fontsize=6.5, pad=2)


def _first_run(record: Row) -> Row:
    """Return the run that is shown: of several seeds the first."""
    return getattr(record, "records", (record,))[0]


def _distinct(table: pd.DataFrame) -> int:
    """Count the different maps of an image: label-free ones are the same for both objects."""
    first = table[table["picture"] == table["picture"].iloc[0]]
    return len({tuple(values) for values in first["values"]})


def _array(line: pd.Series, channels: int) -> np.ndarray:
    """Return the values of a line of a table, (h, w, channels)."""
    return np.array(line["values"], dtype=float).reshape(int(line["height"]), int(line["width"]), channels)


def _bare(axis: Axes) -> Axes:
    axis.set_xticks([])
    axis.set_yticks([])
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    return axis
