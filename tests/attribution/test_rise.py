"""Masks are those of the paper at any resolution; maps find a planted rectangle and do not see constants."""

import pytest
import torch
from scipy.stats import spearmanr
from torch.nn.functional import interpolate

from splice_exp.attribution.captum_rise import RISE
from splice_exp.attribution.masks import Masks, MaskSettings, draw_masks
from splice_exp.attribution.rise import maps_of, score_masks
from splice_exp.core.errors import SpliceError
from tests.attribution.encoders import Brightness


@pytest.mark.parametrize(("height", "width", "grid"), [(224, 224, 7), (384, 384, 7), (64, 96, 8), (33, 50, 5)])
def test_a_mask_is_a_crop_of_the_enlarged_grid(height, width, grid):
    masks = draw_masks(MaskSettings(8, grid, 0.5, antithetic=False), height, width, seed=3)
    found = masks.enlarged(0, 8)
    assert found.shape == (8, height, width)
    cells = (-(-height // grid), -(-width // grid))
    for index in range(8):
        canvas = interpolate(
            masks.bits[index][None, None].float(),
            size=((grid + 1) * cells[0], (grid + 1) * cells[1]),
            mode="bilinear",
            align_corners=False,
        )[0, 0]
        row, column = masks.offsets[index].tolist()
        assert 0 <= row < cells[0]
        assert 0 <= column < cells[1]
        torch.testing.assert_close(found[index], canvas[row : row + height, column : column + width])
    torch.testing.assert_close(masks.enlarged(3, 5), found[3:5])


def test_antithetic_masks_are_opposite_and_seeds_differ():
    first, other = (draw_masks(MaskSettings(40), 32, 32, seed) for seed in (1, 2))
    found = first.enlarged(0, 40)
    torch.testing.assert_close(found[0::2] + found[1::2], torch.ones(20, 32, 32))
    assert not torch.equal(first.bits, other.bits)
    many = draw_masks(MaskSettings(4000, 4, 0.3, antithetic=False), 32, 32, 0).enlarged(0, 4000)
    assert many.mean() == pytest.approx(0.3, abs=0.01)
    assert many.min() >= 0
    assert many.max() <= 1


@pytest.mark.parametrize(("side", "grid"), [(64, 8), (224, 7), (384, 7), (50, 7)])
def test_a_planted_rectangle_is_found_at_any_resolution(side, grid):
    """The scorer is the mean brightness of a rectangle: the slope is largest inside, and adds up to what it loses."""
    rows, columns = slice(side // 8, 3 * side // 8), slice(side // 2, 7 * side // 8)
    scorer = Brightness((rows, columns))
    image = torch.ones(1, 3, side, side)
    (found,) = RISE(lambda x: scorer(x)[:, 0]).attribute(image, settings=MaskSettings(2000, grid))
    found = found[0]
    inside = torch.zeros(side, side, dtype=torch.bool)
    inside[rows, columns] = True
    assert inside.flatten()[found.flatten().argmax()]
    assert found[inside].mean() > 4 * found[~inside].abs().mean()


def test_a_constant_is_not_seen():
    rectangle = (slice(4, 12), slice(20, 28))
    maps = [
        RISE(Brightness(rectangle, constant)).attribute(torch.ones(1, 3, 32, 32), target=0, settings=MaskSettings(400))
        for constant in (0.0, 100.0)
    ]
    torch.testing.assert_close(maps[0], maps[1], atol=1e-4, rtol=1e-3)


def test_slopes_are_those_of_least_squares_however_they_are_cut():
    torch.manual_seed(0)
    masks = draw_masks(MaskSettings(64, 4), 8, 8, seed=0)
    scores = torch.randn(64, 3) + 5
    whole = maps_of(scores, masks, chunk=64)
    torch.testing.assert_close(whole.maps, maps_of(scores, masks, chunk=7).maps, atol=1e-5, rtol=1e-4)
    kept = masks.enlarged(0, 64).flatten(1).double()
    around = kept - kept.mean(dim=0)
    slopes = (scores.double() - scores.double().mean(dim=0)).T @ around / around.square().sum(dim=0)
    torch.testing.assert_close(whole.maps.double().flatten(1), slopes, atol=1e-5, rtol=1e-4)
    assert whole.reliability.abs().max() < 0.7  # of noise, the halves do not agree


@pytest.mark.parametrize(("settings", "half"), [(MaskSettings(12, 4), 6), (MaskSettings(11, 4, 0.3, False), 4)])
def test_reliability_is_the_rank_correlation_of_the_maps_of_equal_halves(settings, half):
    """Of whole pairs, where masks come in pairs: half of a pair would let both halves see the same mask."""
    torch.manual_seed(1)
    masks, scores = draw_masks(settings, 16, 16, seed=0), torch.randn(settings.num_masks, 2)
    first, second = (
        maps_of(scores[part], Masks(masks.bits[part], masks.offsets[part], 16, 16), 5).maps.flatten(1)
        for part in (slice(half), slice(half, None))
    )
    expected = [spearmanr(*pair).statistic for pair in zip(first.numpy(), second.numpy(), strict=True)]
    found = maps_of(scores, masks, 5).reliability.tolist()
    assert found == pytest.approx(expected, abs=1e-3)  # pixels under the same cells are ranked by rounding


def test_a_map_that_is_constant_agrees_with_nothing():
    masks = draw_masks(MaskSettings(8, 4), 16, 16, seed=0)
    found = maps_of(torch.full((8, 1), 3.0), masks, 8)
    assert not found.maps.any()
    assert found.reliability.tolist() == [0.0]


def test_a_pixel_that_all_masks_keep_alike_has_no_slope():
    bits = torch.zeros(4, 1, 1, dtype=torch.bool)
    found = maps_of(torch.randn(4, 1), Masks(bits, torch.zeros(4, 2, dtype=torch.long), 8, 8), 4)
    assert not found.maps.any()


def test_reliability_rises_with_the_number_of_masks():
    """Of a scorer that likes pixels the more, the farther to the right they are, and is noisy."""
    noise, ramp = torch.Generator().manual_seed(0), torch.linspace(0, 1, 32)
    found = []
    for number in (100, 1000, 20000):
        masks = draw_masks(MaskSettings(number), 32, 32, seed=0)
        scores = score_masks(lambda kept: (kept * ramp).mean(dim=(1, 2))[:, None], masks, 500, torch.device("cpu"))
        scores = scores + 0.05 * torch.randn(number, 1, generator=noise)
        found.append(float(maps_of(scores, masks, 500).reliability))
    assert found[0] < found[1] < found[2]
    assert found[2] > 0.9


def test_every_input_has_masks_of_its_own_whatever_is_beside_it():
    torch.manual_seed(0)
    images, weights = torch.rand(3, 3, 16, 16), torch.randn(3)

    def forward(x, weight):
        return (x.mean(dim=(1, 2, 3)) * weight).sin()

    settings = MaskSettings(40, 4)
    together = RISE(forward).attribute(images, additional_forward_args=weights, settings=settings, seeds=(5, 6, 7))
    for index, seed in enumerate((5, 6, 7)):
        alone = RISE(forward).attribute(
            images[index : index + 1],
            additional_forward_args=weights[index : index + 1],
            settings=settings,
            seeds=(seed,),
        )
        assert torch.equal(alone[0], together[index])


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(SpliceError, match="^keep_probability is 1.0"):
        MaskSettings(keep_probability=1.0)
    with pytest.raises(SpliceError, match="needs a keep probability of 0.5 and a multiple of 4 masks"):
        MaskSettings(keep_probability=0.3)
    with pytest.raises(SpliceError, match="there are 10 with 0.5"):
        MaskSettings(num_masks=10)
