"""Figures and tables of views as files: PNG, SVG and csv, in a folder that the page may serve.

matplotlib is used by one thread at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from typing import TYPE_CHECKING

import pandas as pd

from splice_exp.attribution.model import Explained
from splice_exp.core.plotting import PALETTE, PANEL, STYLE, save
from splice_exp.core.text.csv import as_csv
from splice_exp.explorer.bars import MOST
from splice_exp.explorer.model import Explorer, Seen
from splice_exp.record.pictures import decompositions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from splice_exp.decomposition.splice import Decomposition

_PLOTTING = Lock()
LONGEST = 60  # letters of the name of a file


def write(name: str, table: pd.DataFrame, plot: Callable[[], Figure] | None = None) -> list[Path]:
    """Write a table as csv, and a figure as PNG and SVG, into a new folder.

    Args:
        name: Of the files, without suffix; what no file name should have is left out.
        table: What the figure shows, in numbers.
        plot: Makes the figure; None: there is none.

    Returns:
        The files.
    """
    folder = Path(mkdtemp(prefix="splice_exp_export_"))
    stem = re.sub(r"[^\w-]+", "_", name).strip("_")[:LONGEST] or "view"
    files = [folder / f"{stem}.csv"]
    files[0].write_text(as_csv(table), encoding="utf-8")
    if plot is not None:
        with _PLOTTING:
            files += save(plot(), folder / stem)
    return files


def image_figure(model: Explorer, seen: Seen, found: Decomposition) -> Callable[[], Figure]:
    """Return what plots the bars of an image as the page shows them.

    Args:
        model: Knows the truth, where there is one.
        seen: The image.
        found: Its codes.
    """
    truth = model.study.truth if seen.row is not None else None
    if seen.image is None:
        return lambda: found.plot(n=MOST)
    captions = [seen.name]
    images = [seen.image]
    known = None if truth is None or seen.row is None else truth.select([seen.row])
    return lambda: decompositions(images, found.codes, captions, known, top=MOST)


def map_figure(found: Explained) -> Callable[[], Figure]:
    """Return what plots a map."""
    return found.plot


def bar_figure(
    title: str, names: Sequence[str], groups: Mapping[str, Sequence[float]], label: str
) -> Callable[[], Figure]:
    """Return what plots horizontal bars, several for each name where there are several groups.

    Args:
        title: Above the figure.
        names: One for each place, the first on top.
        groups: What is compared → a value for each name.
        label: Of the axis.
    """

    def plot() -> Figure:
        import matplotlib as mpl  # late, as all figures of the package
        import matplotlib.pyplot as plt

        with mpl.rc_context(STYLE):
            size = (2 * PANEL[0], max(PANEL[1], 0.22 * len(names) * len(groups)))
            figure, axis = plt.subplots(figsize=size, layout="constrained")
            height = 0.8 / max(1, len(groups))
            for number, (group, values) in enumerate(groups.items()):
                places = [place + (number + 0.5) * height - 0.4 for place in range(len(names))]
                axis.barh(places, values, height=height, color=PALETTE[number % len(PALETTE)], label=group)
            axis.set_yticks(range(len(names)), list(names))
            axis.invert_yaxis()
            axis.grid(visible=False, axis="y")
            axis.set_xlabel(label)
            axis.set_title(title, fontsize=9)
            if len(groups) > 1:
                axis.legend()
        return figure

    return plot
