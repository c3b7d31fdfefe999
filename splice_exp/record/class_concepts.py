"""What classes are made of, as a figure of one run: the mean codes of each."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure as Canvas

from splice_exp.core.plotting import PALETTE, PANEL, STYLE
from splice_exp.core.types import Embeddings
from splice_exp.decomposition.splice import Decomposition


def class_concepts(decomposition: Decomposition, embeddings: Embeddings, num_classes: int = 6, top: int = 7) -> Canvas:
    """Plot the mean codes of the first classes: what the dictionary says each of them is made of.

    Args:
        decomposition: Of these embeddings.
        embeddings: With labels.
        num_classes: Classes at most.
        top: Concepts of a class at most.

    Raises:
        ValueError: if there are no labels.
    """
    if embeddings.labels is None:
        raise ValueError("without labels there are no classes to plot")
    chosen = sorted(set(embeddings.labels.tolist()))[:num_classes]
    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    with mpl.rc_context(STYLE):
        canvas, axes = plt.subplots(
            rows, columns, figsize=(PANEL[0] * columns, 2.0 * rows), squeeze=False, layout="constrained"
        )
        for axis in axes.flat[len(chosen) :]:
            axis.set_visible(False)
        for axis, label in zip(axes.flat, chosen, strict=False):
            members = (embeddings.labels == label).nonzero().flatten()
            part = decomposition.codes.select(members)
            mean = torch.zeros(part.num_concepts, dtype=torch.float64)
            mean.index_add_(0, part.indices, part.values.double() / len(members))
            order = mean.abs().argsort(descending=True, stable=True)[:top]
            order = order[mean[order] != 0]
            axis.barh(range(len(order)), mean[order].tolist(), color=PALETTE[0], height=0.7)
            axis.set_yticks(range(len(order)), [decomposition.dictionary.concepts[index] for index in order.tolist()])
            axis.set_ylim(top - 0.4, -0.6)
            axis.grid(axis="y", visible=False)
            axis.set_title(f"{embeddings.classes[label]} (n = {len(members)})", fontsize=9)
        canvas.supxlabel("mean code", fontsize=9)
    return canvas
