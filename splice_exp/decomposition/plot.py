"""The codes of one sample as bars, beside its image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from splice_exp.core.errors import SpliceError
from splice_exp.core.plotting import PALETTE, PANEL, STYLE
from splice_exp.data.pictures import as_picture

if TYPE_CHECKING:
    from splice_exp.decomposition.splice import Decomposition


def plot_codes(found: Decomposition, sample: int = 0, n: int = 10) -> Figure:
    """Plot the largest codes of a sample, the largest on top; the image that was decomposed stands on the left.

    Args:
        found: Codes of samples.
        sample: Index of the one that is plotted.
        n: How many concepts.

    Raises:
        SpliceError: if there is no such sample.
    """
    if not 0 <= sample < len(found):
        raise SpliceError(f"sample is {sample}, but must be one of 0 to {len(found) - 1}.")
    (named,) = found.codes.select(torch.tensor([sample])).top(n)
    with mpl.rc_context(STYLE):
        panels = 2 if found.images else 1
        size = (panels * PANEL[0], PANEL[1])
        figure, axes = plt.subplots(1, panels, figsize=size, squeeze=False, layout="constrained")
        if found.images:
            axes[0, 0].imshow(as_picture(found.images[sample]))
            axes[0, 0].set_axis_off()
        bars = axes[0, -1]
        colours = [PALETTE[0] if value > 0 else PALETTE[1] for _, value in named]
        bars.barh([name for name, _ in named], [value for _, value in named], color=colours)
        bars.invert_yaxis()
        bars.grid(visible=False, axis="y")
        bars.set_xlabel("code")
        bars.set_title(found.sample_ids[sample] if found.sample_ids else "", fontsize=9)
    plt.close(figure)  # a notebook shows what is returned; it would show it twice
    return figure
