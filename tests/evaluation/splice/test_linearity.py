"""Sums are found to be sums, and images really lie side by side."""

import numpy as np
import pytest
import torch
from PIL import Image

from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.splice.linearity import Linearity, draw_pairs, fit_pairs, fitted, side_by_side
from tests.conftest import unit_rows
from tests.evaluation.studies import study_of


def test_weights_of_a_sum_are_found():
    first, second = unit_rows(20, 8, 0), unit_rows(20, 8, 1)
    weights, cosine = fit_pairs(0.3 * first + 0.9 * second, first, second)
    torch.testing.assert_close(weights, torch.tensor([[0.3, 0.9]], dtype=torch.float64).expand(20, 2))
    torch.testing.assert_close(cosine, torch.ones(20, dtype=torch.float64))


def test_weights_are_those_of_least_squares():
    together, first, second = (unit_rows(5, 8, seed) for seed in (0, 1, 2))
    weights, cosine = fit_pairs(together, first, second)
    for row in range(5):
        parts = torch.stack([first[row], second[row]], dim=1).double().numpy()
        expected = np.linalg.lstsq(parts, together[row].double().numpy(), rcond=None)[0]
        np.testing.assert_allclose(weights[row], expected, atol=1e-6)
        fit = parts @ expected
        whole = together[row].double().numpy()
        assert cosine[row] == pytest.approx(fit @ whole / np.linalg.norm(fit) / np.linalg.norm(whole), abs=1e-6)


def test_equal_samples_have_the_weight_between_them():
    both = unit_rows(3, 8, 0)
    weights, cosine = fit_pairs(both, both, both)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(cosine, torch.ones(3, dtype=torch.float64))


def test_the_control_is_of_other_samples():
    singles = unit_rows(40, 16, 0)
    first, second, others = draw_pairs(40, 100, seed=0)
    assert all(len({a, b, *two}) == 4 for a, b, two in zip(first, second, others, strict=True))
    assert draw_pairs(40, 100, seed=0) == (first, second, others) != draw_pairs(40, 100, seed=1)
    found = fitted("image", singles, singles[first] + singles[second], first, second, others)
    assert found["linearity/image_cosine"].min() > 0.999
    assert found["linearity/image_cosine_null"].mean() < 0.6
    assert found["linearity/image_cosine_centred_null"].mean() < 0.6


@pytest.mark.parametrize("size", [(10, 6), (11, 6)])
def test_two_images_share_a_square(size):
    left, right = Image.new("RGB", size, (255, 0, 0)), Image.new("RGB", (3, 9), (0, 0, 255))
    both = np.asarray(side_by_side(left, right))
    assert both.shape == (size[0], size[0], 3)
    assert (both[:, : size[0] // 2] == (255, 0, 0)).all()
    assert (both[:, size[0] // 2 :] == (0, 0, 255)).all()


def test_pictures_of_the_world_are_rather_linear():
    found = Linearity(num_pairs=40, bootstrap_resamples=50).evaluate(study_of("data=scenes", "data.num_samples=30"))
    metrics = found.metrics
    assert metrics["linearity/image_cosine_centred"] > metrics["linearity/image_cosine_centred_null"] + 0.1
    assert metrics["linearity/text_cosine_centred"] > metrics["linearity/text_cosine_centred_null"] + 0.1
    assert len(found.sample_ids) == metrics["data/num_samples"] == 40


def test_what_cannot_be_put_side_by_side_is_refused():
    with pytest.raises(SpliceError, match="puts images side by side"):
        Linearity(num_pairs=2).evaluate(study_of("data=planted", "data.num_samples=10"))
    with pytest.raises(SpliceError, match="needs four or more"):
        Linearity(num_pairs=2).evaluate(study_of("data=scenes", "data.num_samples=3"))
