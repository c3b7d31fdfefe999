"""The map of one image over it: red where a pixel speaks for the corpus, blue where it speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from splice_exp.core.errors import SpliceError
from splice_exp.core.plotting import PANEL, STYLE
from splice_exp.data.pictures import as_picture

if TYPE_CHECKING:
    from splice_exp.attribution.model import Explained

OPACITY = 0.6  # of the map over the grey image


def plot_map(found: Explained, sample: int = 0) -> Figure:
    """Plot an image, and its map over what the model sees of it, with a scale that is the same on both sides of zero.

    Args:
        found: Maps of images.
        sample: Index of the one that is plotted.

    Raises:
        SpliceError: if there is no such image.
    """
    if not 0 <= sample < len(found):
        raise SpliceError(f"sample is {sample}, but must be one of 0 to {len(found) - 1}.")
    picture = as_picture(found.images[sample])
    grey = found.backbone.preprocess([picture])[0].mean(dim=0)  # resized and cut as the map is
    values = found.maps[sample]
    most = max(float(values.abs().max()), 1e-12)
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure, (image, over) = plt.subplots(1, 2, figsize=(2 * PANEL[0], PANEL[1]), layout="constrained")
        image.imshow(picture)
        over.imshow(grey.numpy(), cmap="gray")
        colours = over.imshow(values.numpy(), cmap="RdBu_r", vmin=-most, vmax=most, alpha=OPACITY)
        figure.colorbar(colours, ax=over, label="attribution", shrink=0.8)
        for axis in (image, over):
            axis.set_axis_off()
        figure.suptitle(found.target, fontsize=9, wrap=True)
    plt.close(figure)  # a notebook shows what is returned; it would show it twice
    return figure
