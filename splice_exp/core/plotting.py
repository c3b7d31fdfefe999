"""How every figure looks, and how it is written: one palette, one style, PNG and SVG."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splice_exp.core.io import atomic
from splice_exp.core.text.visible import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

# Okabe and Ito's palette: told apart in every common form of colour blindness.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLE: dict[Any, Any] = {
    "figure.dpi": 150,
    "savefig.bbox": "tight",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "text.parse_math": False,  # names have dollar signs, and nothing here is mathematics
    "svg.hashsalt": "splice_exp",  # the same figure is the same file
}
PANEL = (3.4, 2.8)  # inches
MOST_PIXELS = 2**15  # on a side: a figure of hundreds of rows is coarser, because matplotlib refuses 2**16


def save(canvas: Canvas, stem: Path) -> list[Path]:
    """Write a figure as PNG and SVG, atomically, without a date in them; it is laid out once for both.

    Args:
        canvas: The figure; closed afterwards.
        stem: Path without suffix.

    Returns:
        The two files.
    """
    import matplotlib as mpl  # late: reports that have no figure, and refusals of others, do without
    import matplotlib.pyplot as plt

    from splice_exp.core.text.fonts import write_as_meant

    paths = [stem.parent / f"{stem.name}{suffix}" for suffix in (".png", ".svg")]
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        write_as_meant(canvas)
        canvas.set_dpi(min(canvas.dpi, MOST_PIXELS / max(canvas.get_size_inches())))
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # which has been said
        canvas.draw_without_rendering()
        canvas.set_layout_engine(None)
        box = canvas.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
        for path in paths:
            metadata = {"Date": None} if path.suffix == ".svg" else None
            with atomic(path) as temporary:
                canvas.savefig(temporary, dpi=canvas.dpi, bbox_inches=box, metadata=metadata)
                if path.suffix == ".svg":  # words stand in its comments, where XML has no control characters
                    temporary.write_text(visible(temporary.read_text(encoding="utf-8")), encoding="utf-8")
    plt.close(canvas)
    return paths
