"""Curves go from nothing to everything and back, in steps of the right size, each image once."""

import pytest
import torch

from splice_exp.attribution.curves import all_curves, counts_of, curves, in_squares, ranked
from splice_exp.attribution.removal import ScaledBlur, Zero
from splice_exp.core.errors import SpliceError
from splice_exp.data.selection import Selection
from splice_exp.distributed.cache import Cache
from tests.attribution.encoders import Small
from tests.evaluation.studies import study_of


def test_steps_are_those_of_the_paper():
    counts = torch.tensor(counts_of(224 * 224, 50))
    steps = counts.diff().tolist()
    assert len(counts) == 51
    assert steps == [1004] * 26 + [1003] * 24
    assert torch.tensor(counts_of(32 * 32, 50)).diff().tolist() == [21] * 24 + [20] * 26
    with pytest.raises(SpliceError, match="4 pixels or squares cannot go in 10 steps: set evaluation.steps to 1 … 4"):
        counts_of(4, 10)


def test_ranks_are_a_permutation_and_ties_keep_their_order():
    assert ranked(torch.tensor([[0.5, 2.0], [0.5, -1.0]])).tolist() == [[1, 0], [2, 3]]


def test_ends_are_the_explicand_and_what_is_left_without_it():
    torch.manual_seed(0)
    backbone, removal = Small(), ScaledBlur(20.0)
    image, scores = torch.rand(1, 3, 16, 16), torch.randn(16, 16)
    insertion, deletion = curves(backbone, removal, image, scores, 10)
    assert len(insertion) == len(deletion) == 11
    everything, nothing = backbone.represent(image)[0], backbone.represent(removal.fill(image))[0]
    for path in (insertion, deletion.flip(0)):
        torch.testing.assert_close(path[-1], everything)
        torch.testing.assert_close(path[0], nothing)
    # Every step, done by hand.
    order = scores.flatten().argsort(descending=True)
    for step, count in enumerate(counts_of(256, 10)):
        kept = torch.zeros(256)
        kept[order[:count]] = 1
        for path, mask in ((insertion, kept), (deletion, 1 - kept)):
            mixed = removal.fill(image).lerp(image, mask.view(1, 1, 16, 16))
            torch.testing.assert_close(path[step], backbone.represent(mixed)[0])


def test_squares_go_in_and_out_as_one():
    """A map of four squares is that of its pixels: the highest mean first, every square whole."""
    torch.manual_seed(0)
    backbone, removal, image = Small(), Zero(), torch.rand(1, 3, 16, 16)
    pixels = torch.zeros(1, 16, 16)
    pixels[0, 3, 12], pixels[0, 9, 2], pixels[0, 15, 15] = 3.0, 64.0, -64.0  # means 3/64, 1, −1, of the first 0
    squares = in_squares(pixels, 8)
    assert squares.tolist() == [[[0.0, 3 / 64], [1.0, -1.0]]]
    insertion, deletion = curves(backbone, removal, image, squares[0], 4)
    kept = torch.zeros(16, 16)
    for step, (row, column) in enumerate(((8, 0), (0, 8), (0, 0), (8, 8)), start=1):
        kept[row : row + 8, column : column + 8] = 1
        torch.testing.assert_close(insertion[step], backbone.represent(image * kept)[0])
        torch.testing.assert_close(deletion[step], backbone.represent(image * (1 - kept))[0])
    assert in_squares(pixels, 1) is pixels
    with pytest.raises(SpliceError, match="^superpixel is 5, but must divide the sides of the image, 16 × 16 pixels"):
        in_squares(pixels, 5)
    with pytest.raises(SpliceError, match="^4 pixels or squares cannot go in 5 steps"):
        curves(backbone, removal, image, squares[0], 5)


def test_every_image_is_represented_once():
    seen = []

    class Counting(Small):
        def represent(self, pixels, kept=None):
            seen.append(len(pixels))
            return super().represent(pixels, kept)

    curves(Counting(), Zero(), torch.rand(1, 3, 16, 16), torch.randn(16, 16), 50)
    assert sum(seen) == 100  # the official code represents 714


def test_a_map_of_what_counts_is_better_than_its_negative():
    class Corner(torch.nn.Module):
        def forward(self, pixels):
            return pixels[:, :, :6, :6].mean(dim=(1, 2, 3))[:, None]

    backbone, image = Small(Corner()), torch.ones(1, 3, 16, 16)
    oracle = torch.zeros(16, 16)
    oracle[:6, :6] = 1
    areas = []
    for scores in (oracle, -oracle):
        insertion, deletion = curves(backbone, Zero(), image, scores, 16)
        areas.append((insertion.mean(), deletion.mean()))
    assert areas[0][0] > areas[1][0] + 0.5
    assert areas[0][1] < areas[1][1] - 0.5


def test_curves_of_a_data_set_are_those_of_its_samples(tmp_path):
    study = study_of("data=scenes_single", "data.num_samples=4")
    data = Selection(study.data, [3, 1, 3], ["a", "b", "c"])
    assert data.labels.tolist() == [int(study.data.labels[place]) for place in (3, 1, 3)]
    assert data.fingerprint() != Selection(study.data, [3, 1, 3]).fingerprint()
    torch.manual_seed(0)
    maps = torch.randn(3, 84, 84)
    cache = Cache(tmp_path)
    insertion, deletion = all_curves(data, study.backbone, Zero(), maps, 5, cache)
    again = all_curves(data, study.backbone, Zero(), maps, 5, cache)
    assert torch.equal(insertion, again[0])
    for row, place in enumerate((3, 1, 3)):
        image = study.backbone.preprocess(study.data.inputs(place, place + 1))
        expected = curves(study.backbone, Zero(), image, maps[row], 5)
        torch.testing.assert_close(insertion[row], expected[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(deletion[row], expected[1], atol=1e-5, rtol=1e-4)
