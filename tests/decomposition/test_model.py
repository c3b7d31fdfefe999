"""SpLiCE in a notebook: pictures, files and embeddings give the same codes, and traps are refused."""

import pytest
import torch

from splice_exp import Splice
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.plain import Scenes


@pytest.fixture(scope="module")
def splice():
    return Splice.load()


@pytest.fixture(scope="module")
def pictures():
    return Scenes(3).inputs(0, 3)


def test_pictures_files_and_embeddings_give_the_same_codes(splice, pictures, tmp_path):
    files = []
    for number, picture in enumerate(pictures):
        files.append(tmp_path / f"{number}.png")
        picture.save(files[-1])
    features = splice.embed(pictures)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(3))
    codes = [splice.decompose(given).codes for given in (pictures, files, [str(file) for file in files], 2 * features)]
    for other in codes[1:]:
        assert torch.equal(other.indices, codes[0].indices)
        torch.testing.assert_close(other.values, codes[0].values)


def test_what_is_in_a_picture_is_named(splice, pictures):
    found = splice.decompose(pictures)
    truth = Scenes(3).truth()
    for row, named in enumerate(found.top(3)):
        assert any(truth.named(concept) <= truth.concepts(row) for concept, _ in named)
    assert found.solution.duality_gap.max() <= 1e-6
    assert found.reconstruct().shape == (3, splice.backbone.dim)


def test_an_intervention_by_name_leaves_the_rest(splice, pictures):
    found = splice.decompose(pictures)
    (gone, _), (stays, value) = found.top(2)[0]
    edited = found.intervene(remove=[gone], set={"mushroom": 0.5})
    named = dict(edited.top(100)[0])
    assert gone not in named
    assert named[stays] == value
    assert named["mushroom"] == 0.5


def test_texts_are_decomposed_around_the_mean_of_the_concepts(splice):
    found = splice.decompose_text(["a red star on the grass", "grass"])
    assert found.top(1)[1][0][0] == "grass"
    torch.testing.assert_close(found.image_mean, splice.dictionary.mean)


def test_one_picture_alone_needs_a_mean(splice, pictures):
    without = Splice(splice.backbone, splice.dictionary, None)
    with pytest.raises(SpliceError, match="There are 3 pictures, of which no image mean can be estimated .32 or more"):
        without.decompose(pictures)
    many = torch.randn(40, splice.backbone.dim, generator=torch.Generator().manual_seed(0))
    assert len(without.decompose(many).codes) == 40


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda splice, picture: splice.decompose("photo.png"), "takes a list of images"),
        (lambda splice, picture: splice.decompose([]), "was given no images"),
        (lambda splice, picture: splice.decompose([picture] * 60).top(-1), "n is -1"),
        (lambda splice, picture: splice.decompose(torch.ones(2, 7)), "7 wide, but those of the backbone 128"),
        (lambda splice, picture: splice.decompose(["nothing.png"]), "nothing.png cannot be read .No such file"),
        (lambda splice, picture: Splice.load("ViT-B-32", "openai"), "needs a vocabulary"),
        (lambda splice, picture: Splice.load(pretrained="openai"), "no model is named"),
        (lambda splice, picture: Splice.load("clip:ViT-L/14", vocabulary=["a"]), "must be one of clip:ViT-B/32"),
        (lambda splice, picture: Splice.load("clip:RN50", "yfcc15m", ["a"]), "leave it out"),
        (lambda splice, picture: Splice.load("ViT-B-32", "openai", "lion"), "must be one of laion"),
    ],
)
def test_traps_are_refused(splice, pictures, call, message):
    with pytest.raises(SpliceError, match=message):
        call(splice, pictures[0])
