"""COCOA in a notebook: corpora of every kind, and errors that say what to do."""

import pytest
import torch
from PIL import Image

from splice_exp import Cocoa
from splice_exp.attribution.rise import Rise
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.pairs import ScenePairs
from splice_exp.dictionaries.vocabulary import vocabulary_named


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
    assert together.maps.shape == (3, 84, 84)
    assert together.target == "a photo of a star rather than a photo of a heart"
    assert together.reliability.shape == (3,)
    alone = cocoa.explain(pictures[:1], first, second)
    torch.testing.assert_close(alone.maps[0], together.maps[0], atol=1e-5, rtol=1e-4)
    exchanged = cocoa.explain(pictures, second, first)
    torch.testing.assert_close(exchanged.maps, -together.maps, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(exchanged.similarity, -together.similarity, atol=1e-5, rtol=1e-4)


def test_without_a_foil_the_vocabulary_is_the_foil(cocoa, pictures):
    names = vocabulary_named("scenes").load(cocoa.backbone).concepts
    found = cocoa.explain(pictures[0], "a photo of a star")
    expected = cocoa.explain(pictures[:1], "a photo of a star", list(names))
    assert found.target == "a photo of a star rather than all concepts"
    torch.testing.assert_close(found.similarity, expected.similarity, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.maps, expected.maps, atol=1e-5, rtol=1e-4)


def test_without_a_vocabulary_the_corpus_stands_alone(cocoa, pictures):
    alone = Cocoa(cocoa.backbone, cocoa.method, cocoa.removal)
    found = alone.explain(pictures[0], "a photo of a star")
    assert found.target == "a photo of a star, without a foil"
    text = cocoa.backbone.encode_text(["a photo of a star"])[0]
    assert found.similarity[0] == pytest.approx(float(cocoa.backbone.encode_images(pictures[:1])[0] @ text), abs=1e-5)


def test_representations_of_numpy_are_those_of_torch(cocoa, pictures):
    own = cocoa.backbone.represent(cocoa.backbone.preprocess(pictures)).detach()
    assert torch.equal(cocoa.corpus(own.numpy()).unit_mean, cocoa.corpus(own).unit_mean)


def test_a_figure_shows_the_map_over_the_image(cocoa, pictures):
    found = cocoa.explain(pictures[:2], "a photo of a star", "a photo of a heart")
    figure = found.plot(1)
    image, over, bar = figure.axes
    assert figure.get_suptitle() == "a photo of a star rather than a photo of a heart"
    assert bar.get_ylabel() == "attribution"
    low, high = over.images[1].get_clim()
    assert -low == high == pytest.approx(float(found.maps[1].abs().max()))
    assert image.images[0].get_array().shape[:2] == over.images[0].get_array().shape == (84, 84)
    assert repr(found) == "Explained(2 images: a photo of a star rather than a photo of a heart)"
    assert f"<td>{found.similarity[1]:.3f}</td>" in found._repr_html_()
    with pytest.raises(SpliceError, match="sample is 2, but must be one of 0 to 1"):
        found.plot(2)


def test_what_cannot_be_explained_is_refused(cocoa, pictures, tmp_path):
    with pytest.raises(SpliceError, match="cannot be read"):
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


def test_a_map_depends_on_the_picture_and_not_on_those_beside_it(cocoa, tmp_path):
    images = ScenePairs(2).inputs(0, 2)
    files = []
    for number, image in enumerate(images):
        files.append(tmp_path / f"{number}.png")
        image.save(files[-1])
    for pictures in (images, files):
        both = cocoa.explain(pictures, "a photo of a red star")
        turned = cocoa.explain(pictures[::-1], "a photo of a red star")
        torch.testing.assert_close(both.maps, turned.maps.flip(0), atol=1e-6, rtol=0)
    assert repr(cocoa).startswith("Cocoa(scenes_clip, member 0, Rise, ")
