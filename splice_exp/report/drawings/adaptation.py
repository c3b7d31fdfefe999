"""Fine-tuning of heads in three panels: what vectors write, what has changed, and what singular values follow."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import spearmanr

from splice_exp.core.plotting import PALETTE, PANEL, STYLE
from splice_exp.report.drawings.base import Drawing
from splice_exp.report.records import Row

SHARES = ("reweighted", "mixed", "new")


class AdaptationPanels(Drawing):
    """One line of three panels per row of the table; of several seeds the first.

    Similarity of matched vectors; shares of the change of each head, and of a random change; log(σ' / σ) by relevance.
    """

    def draw(self, records: Sequence[Row], title: str) -> Canvas | None:
        shown = [record for record in records if record.complete]
        if not shown:
            return None
        with mpl.rc_context(STYLE):
            canvas, axes = plt.subplots(
                *(len(shown), 3),
                figsize=(3 * PANEL[0] + 1, PANEL[1] * len(shown) + 0.6),
                squeeze=False,
                layout="constrained",
            )
            for line, record in zip(axes, shown, strict=True):
                run = getattr(record, "records", (record,))[0]
                heads, vectors = run.table("heads"), run.table("vectors")
                _likeness(line[0], vectors, record.label)
                _shares(line[1], heads)
                _gains(line[2], vectors)
            canvas.legend(*axes[0][1].get_legend_handles_labels(), fontsize=8, ncols=3, loc="outside lower center")
            canvas.suptitle(title, fontsize=10)
        return canvas


def _likeness(axis: Axes, vectors: pd.DataFrame, label: str) -> None:
    axis.hist(vectors["likeness"], bins=np.linspace(0, 1, 41).tolist(), color=PALETTE[0])
    axis.set_xlabel("similarity of what matched vectors write")
    axis.set_ylabel(f"vectors, {label}")


def _shares(axis: Axes, heads: pd.DataFrame) -> None:
    places = np.arange(len(heads) + 1)
    below = np.zeros(len(places))
    for number, share in enumerate(SHARES):
        values = np.append(heads[share].to_numpy(), heads[f"{share}_null"].mean())
        axis.bar(places, values, bottom=below, color=PALETTE[number], width=0.8, label=share)
        below += values
    axis.set_xticks(places, [*heads["head"], "random"], rotation=90, fontsize=6)
    axis.set_ylabel("share of the change")


def _gains(axis: Axes, vectors: pd.DataFrame) -> None:
    axis.scatter(vectors["relevance"], vectors["log_gain"], s=6, color=PALETTE[0], alpha=0.5, linewidths=0)
    axis.axhline(0, color="0.35", linestyle="--", linewidth=1)
    rho = spearmanr(vectors["relevance"], vectors["log_gain"]).statistic
    axis.set_xlabel("relevance to the classes")
    axis.set_ylabel(f"log(σ' / σ), Spearman's ρ {rho:+.2f}")
