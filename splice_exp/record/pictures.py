"""Images and what they are made of: each image, its largest codes as bars, and its caption."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch
from PIL import Image

from splice_exp.core.codes import Codes
from splice_exp.core.plotting import PALETTE, STYLE
from splice_exp.core.truth import GroundTruth

TRUE, MISBOUND, FALSE, UNKNOWN = PALETTE[2], PALETTE[5], PALETTE[1], PALETTE[0]
LABELS = {TRUE: "in the image", MISBOUND: "in it, but of different objects", FALSE: "not in the image"}
COLUMNS = 2  # samples side by side
CELL = (5.2, 2.1)  # inches of a sample


def decompositions(
    images: Sequence[Image.Image],
    codes: Codes,
    captions: Sequence[str] | None = None,
    truth: GroundTruth | None = None,
    top: int = 8,
) -> Canvas:
    """Plot samples with their largest codes; concepts that are in the image, and that are not, in their colours.

    Args:
        images: The samples.
        codes: Of the same samples, named.
        captions: One per sample.
        truth: Of the same samples, where it is known.
        top: Bars per sample, at most.
    """
    rows = -(-len(images) // COLUMNS)
    with mpl.rc_context(STYLE):
        canvas = plt.figure(figsize=(CELL[0] * COLUMNS, CELL[1] * rows + 0.3), layout="constrained")
        grid = canvas.add_gridspec(rows, 2 * COLUMNS, width_ratios=[1, 1.3] * COLUMNS)
        for sample, image in enumerate(images):
            row, column = divmod(sample, COLUMNS)
            shown = canvas.add_subplot(grid[row, 2 * column])
            _show(shown, image, captions[sample] if captions else "")
            _bars(canvas.add_subplot(grid[row, 2 * column + 1]), codes, sample, truth, top)
        if truth is not None:
            handles = [Patch(color=colour, label=label) for colour, label in LABELS.items()]
            canvas.legend(handles=handles, loc="outside upper center", ncols=len(LABELS), fontsize=8)
    return canvas


def _show(axis: Axes, image: Image.Image, caption: str) -> None:
    axis.imshow(image, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("\n".join(textwrap.wrap(caption, 30)), fontsize=7)


def _bars(axis: Axes, codes: Codes, sample: int, truth: GroundTruth | None, top: int) -> None:
    named = codes.top(top)[sample]
    for place, (concept, value) in enumerate(named):
        axis.barh(place, value, color=colour_of(concept, sample, truth), height=0.7)
    axis.set_yticks(range(len(named)), [concept for concept, _ in named], fontsize=8)
    axis.set_ylim(top - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="x", labelsize=7)


def colour_of(concept: str, sample: int, truth: GroundTruth | None) -> str:
    """Return the colour that says whether a concept is true of a sample.

    Args:
        concept: Its name.
        sample: Index of the sample.
        truth: Of the samples; None: it is not known.
    """
    if truth is None:
        return UNKNOWN
    named = truth.named(concept)
    if truth.holds(named, sample):
        return TRUE
    return MISBOUND if named <= truth.concepts(sample) else FALSE
