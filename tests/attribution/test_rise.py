"""Masks are those of the paper at any resolution; maps find a planted rectangle and do not see constants."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch.nn.functional import interpolate

from splice_exp.attribution.captum_rise import RISE
from splice_exp.attribution.corpus import Corpus
from splice_exp.attribution.mask_maps import maps_of, score_masks
from splice_exp.attribution.masks import Masks, MaskSettings, draw_masks
from splice_exp.attribution.methods import Explicands
from splice_exp.attribution.removal import Blur, Zero
from splice_exp.attribution.rise import PublishedRise, Rise
from splice_exp.attribution.targets import target_of
from splice_exp.core.errors import SpliceError
from tests.attribution.encoders import Brightness, Small


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


def enlarged_by_hand(bits, height, width, row, column):
    """Return a grid of bits, enlarged bilinearly by whole cells and cropped, pixel by pixel."""
    grid = len(bits)
    found = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            at = []
            for place, cell in ((y + row, height // grid), (x + column, width // grid)):
                # The canvas has one cell more than the grid: pixel centres are taken back to coordinates of the grid.
                source = max((place + 0.5) * grid / ((grid + 1) * cell) - 0.5, 0.0)
                low = min(int(source), grid - 1)
                at.append((low, min(low + 1, grid - 1), source - low))
            (top, bottom, down), (left, right, across) = at
            upper = (1 - across) * bits[top, left] + across * bits[top, right]
            lower = (1 - across) * bits[bottom, left] + across * bits[bottom, right]
            found[y, x] = (1 - down) * upper + down * lower
    return found


@pytest.mark.parametrize(("grid", "keep_probability"), [(4, 0.5), (2, 0.3)])
def test_published_rise_is_its_formula_mask_by_mask(grid, keep_probability):
    """1 / (N p) Σ γ(x M + b (1 − M)) M, in loops; of everything above, only the bits and shifts are taken."""
    torch.manual_seed(3)
    backbone, removal, images = Small(), Blur(), torch.rand(2, 3, 16, 16)
    corpus, foil = (Corpus.of(name, [backbone.represent(torch.rand(5, 3, 16, 16))]) for name in ("corpus", "foil"))
    target = target_of("contrastive_corpus", corpus=corpus, foil=foil)
    method = PublishedRise(24, grid, keep_probability, chunk=7)
    found = method.attribute(Explicands(backbone, removal, images, (8, 9)), target).maps
    direction = (corpus.unit_mean - foil.unit_mean).double().numpy()
    for image, seed, scores in zip(images, (8, 9), found, strict=True):
        masks = draw_masks(method.settings, 16, 16, seed)
        fill = removal.fill(image[None])[0].double().numpy()
        total = np.zeros((16, 16))
        for bits, (row, column) in zip(masks.bits.double().numpy(), masks.offsets.tolist(), strict=True):
            mask = enlarged_by_hand(bits, 16, 16, row, column)
            mixed = image.double().numpy() * mask + fill * (1 - mask)
            seen = backbone.represent(torch.from_numpy(mixed).float()[None])[0].double().numpy()
            total += float(seen @ direction) / float(np.sqrt(seen @ seen)) * mask
        np.testing.assert_allclose(scores[0].numpy(), total / (24 * keep_probability), atol=2e-6)


def test_published_rise_of_any_function_is_that_of_a_backbone():
    backbone, image = Small(), torch.rand(1, 3, 16, 16)
    target = target_of("corpus", corpus=Corpus.of("corpus", [backbone.represent(torch.rand(5, 3, 16, 16))]))
    method = PublishedRise(24, 4, 0.4)

    def scores(pixels):
        return target.scores(backbone.represent(pixels), torch.zeros(len(pixels), dtype=torch.int64))

    found = RISE(scores).attribute(image, target=0, settings=method.settings, seeds=(3,), estimate=method.estimate)
    expected = method.attribute(Explicands(backbone, Zero(), image, (3,)), target).maps
    torch.testing.assert_close(found, expected)


def test_published_masks_are_independent_and_kept_with_their_probability():
    masks = draw_masks(PublishedRise(4000, 4, 0.3).settings, 32, 32, seed=0)
    assert masks.bits.double().mean() == pytest.approx(0.3, abs=0.01)
    together = (masks.bits[0::2] & masks.bits[1::2]).double().mean()
    assert together == pytest.approx(0.09, abs=0.01)  # of antithetic pairs: 0
    for axis in (0, 1):
        shifts = masks.offsets[:, axis].bincount(minlength=8) / 4000
        assert len(shifts) == 8
        assert (shifts - 1 / 8).abs().max() < 0.02


def test_published_rise_has_the_noise_of_a_constant_that_slopes_do_not_have():
    """Its maps of a constant score are those of the masks alone, and other masks give others."""

    class Constant(torch.nn.Module):
        def forward(self, pixels):
            return torch.ones(len(pixels), 1)

    explicands = Explicands(Small(Constant()), Zero(), torch.rand(1, 3, 16, 16), (1,))
    target = target_of("corpus", "dot", corpus=Corpus.of("c", [torch.full((1, 1), 3.0)]))
    published = PublishedRise(400, 4).attribute(explicands, target).maps
    masks = draw_masks(PublishedRise(400, 4).settings, 16, 16, 1).enlarged(0, 400)
    torch.testing.assert_close(published[0, 0], 3 * masks.mean(dim=0) / 0.5, atol=1e-5, rtol=1e-5)
    assert published.std() > 0.01
    assert not Rise(400, 4).attribute(explicands, target).maps.any()
