"""COCOA in a notebook: corpora of every kind, and errors that say what to do."""

import pytest
import torch
from PIL import Image

from splice_exp import Cocoa
from splice_exp.attribution.rise import Rise
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.pairs import ScenePairs


@pytest.fixture(scope="module")
def cocoa():
    return Cocoa.load(method=Rise(num_masks=200, grid=8))


@pytest.fixture(scope="module")
def pictures():
    return ScenePairs(3).inputs(0, 3)


def test_corpora_of_texts_pictures_and_representations(cocoa, pictures, tmp_path):
    texts = ["a photo of a red star", "a red star"]
    torch.testing.assert_close(cocoa.corpus(texts).unit_mean, cocoa.backbone.encode_text(texts).mean(dim=0))
    own = cocoa.backbone.represent(cocoa.backbone.preprocess(pictures))
    files = []
    for place, picture in enumerate(pictures):
        files.append(tmp_path / f"{place}.png")
        picture.save(files[-1])
    for members in (pictures, files, own):
        found = cocoa.corpus(members)
        assert found.size == 3
        torch.testing.assert_close(found.raw_mean, own.mean(dim=0), atol=1e-5, rtol=1e-4)
    assert cocoa.corpus(found) is found
    assert cocoa.corpus("a star").name == "a star"


def test_maps_are_those_of_each_picture_alone_and_opposite_when_exchanged(cocoa, pictures):
    first, second = ("a photo of a star", "a photo of a heart")
    together = cocoa.explain(pictures, first, second)
    assert together.maps.shape == (3, 64, 64)
    assert together.target == "a photo of a star, not a photo of a heart"
    assert together.reliability.shape == (3,)
    alone = cocoa.explain(pictures[:1], first, second)
    torch.testing.assert_close(alone.maps[0], together.maps[0], atol=1e-5, rtol=1e-4)
    exchanged = cocoa.explain(pictures, second, first)
    torch.testing.assert_close(exchanged.maps, -together.maps, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(exchanged.similarity, -together.similarity, atol=1e-5, rtol=1e-4)


def test_what_cannot_be_explained_is_refused(cocoa, pictures, tmp_path):
    with pytest.raises(SpliceError, match="put the one you have into brackets"):
        cocoa.explain(str(tmp_path / "one.png"), "a", "b")
    with pytest.raises(SpliceError, match="was given no images"):
        cocoa.explain([], "a", "b")
    with pytest.raises(SpliceError, match="none.png cannot be read"):
        cocoa.explain([tmp_path / "none.png"], "a", "b")
    with pytest.raises(SpliceError, match="needs one representation or more"):
        cocoa.explain([Image.new("RGB", (8, 8))], "a", [])
    pictures[0].save(tmp_path / "dog.png")
    with pytest.raises(SpliceError, match="is a file, but strings are texts"):
        cocoa.corpus([str(tmp_path / "dog.png")])
    with pytest.raises(SpliceError, match="no model is named"):
        Cocoa.load(pretrained="openai")
