"""Three panels per row: all vectors, all heads and a random change, and the correlation that the table has."""

from pathlib import Path

import pandas as pd
from scipy.stats import spearmanr

from splice_exp.report.drawings.adaptation import AdaptationPanels
from splice_exp.report.records import Record


class Run(Record):
    error = None
    label = "tuning full"

    def __init__(self):
        super().__init__({}, Path())

    def table(self, name):
        if name == "heads":
            shares = {"reweighted": [0.1, 0.2], "mixed": [0.3, 0.3], "new": [0.6, 0.5]}
            nulls = {"reweighted_null": [0.0, 0.2], "mixed_null": [0.1, 0.1], "new_null": [0.9, 0.7]}
            return pd.DataFrame({"head": ["L0.H0", "L0.H1"], **shares, **nulls})
        return pd.DataFrame({"likeness": [0.9, 0.5, 0.99], "log_gain": [0.1, -0.2, 0.0], "relevance": [0.3, 0.1, 0.4]})


def test_panels_show_all_vectors_and_heads():
    canvas = AdaptationPanels().draw([Run(), Run()], "title")
    assert len(canvas.axes) == 2 * 3
    likeness, shares, gains = canvas.axes[:3]
    assert sum(bar.get_height() for bar in likeness.patches) == 3
    heights = [bar.get_height() for bar in shares.patches]
    assert len(heights) == 3 * 3
    assert abs(sum(heights) - 3) < 1e-9  # each head, and the random change, is whole
    assert [tick.get_text() for tick in shares.get_xticklabels()] == ["L0.H0", "L0.H1", "random"]
    assert len(gains.collections[0].get_offsets()) == 3
    rho = spearmanr([0.3, 0.1, 0.4], [0.1, -0.2, 0.0]).statistic
    assert f"{rho:+.2f}" in gains.get_ylabel()
    assert AdaptationPanels().draw([], "title") is None
