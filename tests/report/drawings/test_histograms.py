"""Outlines are those of the table; claims about two measures are paired within a row."""

import numpy as np
import pandas as pd
import pytest
import torch

from splice_exp.evaluation.measures.histograms import BINS, count_cosines, densities
from splice_exp.report.comparisons import Contrast
from splice_exp.report.drawings.histograms import Histograms
from splice_exp.report.tables import difference_heading
from tests.report.declared import MEASURES
from tests.report.test_reports import TOP1, record

HEADINGS, KINDS = {"raw": "as they are", "centred": "centred"}, {"near": "near pairs", "far": "far pairs"}


@pytest.fixture
def row(tmp_path):
    found = record(tmp_path, {"x": "a"}, [1.0, 0.0, 1.0, 1.0])
    near, far = torch.full((3,), 0.9), torch.tensor([-1.0, 0.0, 1.0])
    table = pd.concat(
        densities(count_cosines(values), kind=kind, centring=centring)
        for centring in ("raw", "centred")
        for kind, values in (("near", near), ("far", far))
    )
    table.to_parquet(found.directory / "cosines.parquet")
    samples = pd.read_parquet(found.directory / "samples.parquet")
    samples.assign(**{"zero_shot/top1_null": [0.0, 0.0, 0.5, 0.5]}).to_parquet(found.directory / "samples.parquet")
    return found


def test_a_density_has_area_one_and_its_mass_where_the_values_are():
    table = densities(count_cosines(torch.tensor([0.501, 0.502, -1.0, 1.0])), kind="k")
    assert len(table) == BINS
    assert (table["density"] * (table["to"] - table["from"])).sum() == pytest.approx(1)
    (half,) = table.loc[(table["from"] <= 0.501) & (table["to"] > 0.501), "density"]
    assert half * 2 / BINS == pytest.approx(0.5)
    assert table["density"].iloc[0] == table["density"].iloc[-1] > 0


def test_one_panel_a_value_and_one_outline_a_kind(row):
    canvas = Histograms("cosines", "centring", HEADINGS, KINDS, "cosine").draw([row], "title")
    assert [axis.get_title() for axis in canvas.axes] == ["as they are", "centred"]
    labels = [text.get_text() for text in canvas.legends[0].get_texts()]
    assert labels == ["near pairs", "far pairs"]
    (outline, *_) = [patch for patch in canvas.axes[0].patches if patch.get_label() == "near pairs"]
    heights, edges, _ = outline.get_data()
    assert edges[np.argmax(heights)] <= 0.9 <= edges[np.argmax(heights) + 1]


def test_panels_without_data_are_left_out(row):
    canvas = Histograms("cosines", "centring", {**HEADINGS, "none": "nothing"}, KINDS, "cosine").draw([row], "title")
    assert len(canvas.axes) == 2
    assert Histograms("cosines", "centring", HEADINGS, KINDS, "cosine").draw([], "title") is None


def test_kinds_without_data_are_left_out_and_others_keep_their_name(row):
    kinds = {"star": "stars", "far": "far pairs"}
    canvas = Histograms("cosines", "centring", HEADINGS, kinds, "cosine").draw([row], "title")
    assert [text.get_text() for text in canvas.legends[0].get_texts()] == ["far pairs", "near"]


@pytest.mark.parametrize(("expected", "verdict"), [("higher", "holds"), ("lower", "does not hold")])
def test_two_measures_of_the_same_samples_are_compared_in_each_row(row, expected, verdict):
    claim = Contrast(claim="better than chance", metric=TOP1, baseline="zero_shot/top1_null", expected=expected)
    assert claim.difference(row, [row]).mean == pytest.approx(0.5)
    assert claim.judge(claim.difference(row, [row])) == verdict
    assert difference_heading(claim, MEASURES) == "Δ top-1 (%) (to permuted-label top-1 (%))"
    assert (
        Contrast(claim="nothing", metric=TOP1, baseline="zero_shot/none", expected=expected).difference(row, [row])
        is None
    )
