"""Views are what they say, the same whenever one asks, and carry masks and maps along."""

import numpy as np
import pytest
import torch
import torchvision

from splice_exp.backbones.resnet import ResNetBackbone
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.placement import SIDE
from splice_exp.data.scenes.plain import Scenes
from splice_exp.data.views import MOVING, VIEWS, Views
from tests.evaluation.studies import study_of


@pytest.fixture(scope="module")
def pictures():
    return Scenes(4, max_objects=1, label="shape", split="test")


def arrays(data):
    return np.stack([np.asarray(image) for image in data.inputs(0, len(data))]).astype(int)


def test_views_are_what_they_say(pictures):
    original = arrays(Views(pictures, "original", SIDE, 0))
    seen = {view: arrays(Views(pictures, view, SIDE, 0)) for view in VIEWS}
    assert np.array_equal(seen["original"], arrays(pictures))  # images of the benchmark have that size
    assert np.array_equal(seen["flip"], original[:, :, ::-1])
    assert np.array_equal(seen["rotation"], np.rot90(original, axes=(1, 2)))
    assert np.array_equal(seen["flipped_crop"], seen["crop"][:, :, ::-1])
    assert np.ptp(seen["grey"], axis=3).max() == 0
    assert all(image.shape == original.shape for image in seen.values())
    erased = Views(pictures, "erase", SIDE, 0)
    masks = np.stack([erased.erased(row) for row in range(4)])
    assert np.array_equal((seen["erase"] != original).any(axis=3) & ~masks, np.zeros_like(masks))
    assert (np.abs(seen["erase"][masks] - 127.5) <= 0.5).all()
    assert all(0.08 < mask.mean() < 0.27 for mask in masks)
    assert not Views(pictures, "flip", SIDE, 0).erased(0).any()


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_the_same_whatever_is_seen_beside_it(pictures, view):
    data, other = Views(pictures, view, SIDE, 0), Views(pictures, view, SIDE, 1)
    torch.manual_seed(99)
    alone = np.asarray(data.inputs(2, 3)[0])
    assert np.array_equal(alone, arrays(data)[2])
    drawn = view not in ("original", "flip", "rotation", "grey")
    assert np.array_equal(alone, arrays(other)[2]) != drawn
    assert data.fingerprint() != other.fingerprint()
    state = torch.get_rng_state()
    data.inputs(0, 2)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("view", VIEWS)
def test_what_belongs_to_pixels_goes_where_they_go(pictures, view):
    """The red of an image as a map: carried along it is the red of the view, but for the colours of other views."""
    data = Views(pictures, view, SIDE, 0)
    for row in range(len(data)):
        red = torch.from_numpy(arrays(pictures)[row, ..., 0]).float()
        carried = data.carried(row, red[None])[0].numpy()
        if view in MOVING or view == "original":
            there = np.asarray(data.inputs(row, row + 1)[0])[..., 0].astype(float)
            # Crops are enlarged, smoothly or not; elsewhere nothing is alike.
            alike, other = (np.corrcoef(one.ravel(), there.ravel())[0, 1] for one in (carried, carried[:, ::-1]))
            assert alike > max(0.75, other + 0.3)
        else:
            assert np.array_equal(carried, red)
        (mask,) = data.regions(row).values()
        (whole,) = pictures.regions(row).values()
        assert np.array_equal(mask, data.carried(row, torch.from_numpy(whole)[None].float())[0].numpy() > 0.5)
        assert mask.shape == (SIDE, SIDE)


def test_a_backbone_that_cuts_off_a_border_sees_the_view_and_nothing_else(tmp_path, pictures):
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), tmp_path / "weights.pth")
    backbone = ResNetBackbone("resnet18", str(tmp_path / "weights.pth"), resize=SIDE + 16, crop=SIDE)
    assert backbone.border == 8
    for view in ("original", "flip"):
        data = Views(pictures, view, SIDE, 0, backbone.border)
        seen = (backbone.preprocess(data.inputs(0, 2)) * 255).round()
        original = (backbone.preprocess(pictures.inputs(0, 2)) * 255).round()
        expected = original if view == "original" else original.flip(3)
        assert (seen - expected).abs().max() <= 2  # resized once by either of two routines


def test_what_is_no_picture_has_no_view(pictures):
    with pytest.raises(SpliceError, match="^view is 'blur'"):
        Views(pictures, "blur", SIDE, 0)
    with pytest.raises(SpliceError, match="Views are made from images, but planted has none"):
        Views(study_of("data=planted", "data.num_samples=4").data, "flip", SIDE, 0).inputs(0, 1)
