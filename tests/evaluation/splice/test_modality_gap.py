"""Cosines against a loop over all pairs, and what centring does to a gap that was put in."""

import numpy as np
import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.splice.modality_gap import ModalityGap, around_own_mean, cosines_with_others
from tests.conftest import unit_rows
from tests.evaluation.studies import study_of


def test_every_pair_counts_once_and_none_with_itself():
    images, texts = unit_rows(9, 6, 0), unit_rows(9, 6, 1)
    for left, right in ((images, images), (images, texts)):
        means, counts = cosines_with_others(left, right)
        cosines = (left.double() @ right.double().T).numpy()
        others = [[cosines[i, j] for j in range(9) if j != i] for i in range(9)]
        np.testing.assert_allclose(means, np.mean(others, axis=1), atol=1e-6)
        expected, _ = np.histogram(np.ravel(others), bins=len(counts), range=(-1, 1))
        assert counts.sum() == 72
        assert np.abs(counts.numpy() - expected).sum() <= 2  # float32 at the edge of a bin


def test_large_sets_are_compared_in_parts(monkeypatch):
    left = unit_rows(50, 6, 0)
    whole = cosines_with_others(left, left)
    monkeypatch.setattr("splice_exp.evaluation.splice.modality_gap.TOGETHER", 100)
    parts = cosines_with_others(left, left)
    np.testing.assert_allclose(parts[0], whole[0], atol=1e-6)
    assert torch.equal(parts[1], whole[1])


def test_a_cone_has_no_direction_left_when_it_is_centred():
    cone = torch.nn.functional.normalize(unit_rows(500, 64, 0) + 3 * unit_rows(1, 64, 1), dim=1)
    assert cosines_with_others(cone, cone)[0].mean() > 0.8
    centred = around_own_mean(cone)
    torch.testing.assert_close(centred.norm(dim=1), torch.ones(500))
    assert abs(cosines_with_others(centred, centred)[0].mean()) < 0.01


def test_what_is_found_on_pictures_of_the_world():
    found = ModalityGap(bootstrap_resamples=50).evaluate(study_of("data=scenes", "data.num_samples=100"))
    metrics = found.metrics
    for kind in ("image_image", "text_text", "image_text"):
        assert abs(metrics[f"modality_gap/{kind}_centred"]) < 0.02
    assert metrics["modality_gap/true_pairs_centred"] > metrics["modality_gap/true_pairs_centred_null"] + 0.3
    assert metrics["modality_gap/true_pairs"] > metrics["modality_gap/true_pairs_null"]
    assert metrics["modality_gap/true_pairs_null"] == pytest.approx(metrics["modality_gap/image_text"], abs=0.05)
    assert metrics["modality_gap/distance"] > 0
    for name, values in found.samples.items():
        assert metrics[name] == pytest.approx(values.mean())
        assert metrics[f"{name}_ci_low"] <= metrics[name] <= metrics[f"{name}_ci_high"]
    table = found.tables["cosines"]
    width = table["to"] - table["from"]
    area = (table["density"] * width).groupby([table["kind"], table["centring"]]).sum()
    assert len(area) == 8
    np.testing.assert_allclose(area, 1)


def test_data_without_captions_are_refused():
    with pytest.raises(SpliceError, match="evaluation=modality_gap needs captions, but .* has none"):
        ModalityGap().evaluate(study_of("data=scenes", "data.num_samples=5", captions=False))
