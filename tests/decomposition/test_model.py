"""SpLiCE in a notebook: images, files and embeddings give the same codes, and traps are refused."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from splice_exp import ActiveSet, Sith, Splice
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import write_json
from splice_exp.core.tensors import write_tensors
from splice_exp.data.scenes.plain import Scenes
from splice_exp.dictionaries.load import _require_no_list


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


def test_one_name_is_one_concept(splice, pictures):
    found = splice.decompose(pictures)
    gone = found.top(1)[0][0][0]
    assert found.intervene(remove=gone).top() == found.intervene(remove=[gone]).top()
    assert found.codes.without(gone).top(3) == found.codes.without([gone]).top(3)


def test_one_image_is_embedded_without_brackets(splice, pictures, tmp_path):
    pictures[0].save(tmp_path / "one.png")
    torch.testing.assert_close(splice.embed(str(tmp_path / "one.png")), splice.embed(pictures[:1]))


def test_a_single_embedding_of_numpy_is_refused_as_that_of_torch(splice):
    for one in (torch.ones(splice.backbone.dim), np.ones(splice.backbone.dim, dtype=np.float32)):
        with pytest.raises(SpliceError, match="The array given to Splice.decompose"):
            splice.decompose(one)


def test_what_is_of_no_kind_is_refused_in_a_sentence():
    """In a process where types are not checked, as with a user."""
    program = """
from splice_exp import Splice
from splice_exp.core.errors import SpliceError
splice = Splice.load()
for call in (splice.embed, splice.decompose_text):
    try:
        call(3)
    except SpliceError as error:
        print(error)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    images, texts = result.stdout.splitlines()
    assert images.startswith("Splice.embed was given 3, but takes images: files, folders")
    assert texts == "Splice.decompose_text was given 3, but takes a text, or several."


def test_texts_are_decomposed_around_the_mean_of_the_concepts(splice):
    found = splice.decompose_text(["a red star on the grass", "grass"])
    assert found.top(1)[1][0][0] == "grass"
    torch.testing.assert_close(found.image_mean, splice.dictionary.mean)


def test_one_text_and_one_picture_need_no_brackets(splice, pictures, tmp_path):
    one = splice.decompose_text("a red star on the grass")
    assert one.sample_ids == ("a red star on the grass",)
    assert one.top() == splice.decompose_text(["a red star on the grass"]).top()
    pictures[0].save(tmp_path / "one.png")
    found = splice.decompose(tmp_path / "one.png")
    assert found.sample_ids == (str(tmp_path / "one.png"),)
    assert found.top() == splice.decompose(pictures[0]).top() == splice.decompose(pictures[:1]).top()


def test_embeddings_of_other_libraries_and_types_are_taken(splice, pictures):
    features = splice.embed(pictures)
    expected = splice.decompose(features)
    for given in (features.numpy(), features.double().numpy()[::1], features.numpy()[::-1][::-1], features.half()):
        found = splice.decompose(given)
        assert torch.equal(found.codes.l0(), expected.codes.l0())
    assert splice.decompose(features.requires_grad_()).codes.values.requires_grad is False


def test_a_file_of_embeddings_is_decomposed_under_its_names(splice, pictures, tmp_path):
    features = splice.embed(pictures)
    np.save(tmp_path / "e.npy", features.numpy())
    write_tensors(tmp_path / "E.safetensors", {"embeddings": features})
    write_json(tmp_path / "E.json", {"files": ["a.png", "b.png", "c.png"]})
    expected = splice.decompose(features)
    for given, names in (("e.npy", ("0", "1", "2")), ("E.safetensors", ("a.png", "b.png", "c.png"))):
        for path in (tmp_path / given, str(tmp_path / given)):
            found = splice.decompose(path)
            assert torch.equal(found.codes.values, expected.codes.values)
            assert found.sample_ids == names
    with pytest.raises(SpliceError, match="images is .*missing.npy., but there is no such file"):
        splice.decompose(tmp_path / "missing.npy")


def test_codes_leave_with_the_names_of_their_samples(splice, pictures):
    found = splice.decompose(pictures)
    assert found.to_dataframe()["sample_id"].unique().tolist() == ["image 0", "image 1", "image 2"]
    name = found.top(1)[0][0][0]
    assert found.to_dataframe([name])[name].iloc[0] == found.codes[name][0]
    assert found.to_dataset()["sample_id"][:1] == ["image 0"]
    kept = found.intervene(remove=[name])
    assert name not in kept.to_dataframe()["concept"].unique()
    assert kept.sample_ids == found.sample_ids


def test_what_a_notebook_shows(splice, pictures):
    found = splice.decompose(pictures)
    assert repr(found).startswith("Decomposition(3 samples over 844 concepts, ")
    assert found.top(1)[0][0][0] in found._repr_html_()
    assert repr(found.solution).startswith("Solution(3 rows, converged, duality gap at most ")
    assert "largest KKT violation" in found.solution._repr_html_()
    assert repr(splice.dictionary).startswith("Dictionary(844 concepts, 512 wide: ")
    assert repr(splice) == "Splice(scenes_clip, member 0, 844 concepts, ActiveSet)"


def test_a_figure_shows_the_image_beside_its_codes(splice, pictures):
    found = splice.decompose(pictures)
    image, bars = found.plot(1, n=3).axes
    assert len(bars.patches) == 3
    assert [label.get_text() for label in bars.get_yticklabels()] == [name for name, _ in found.top(3)[1]]
    assert image.images[0].get_array().shape == (84, 84, 3)
    assert len(splice.decompose_text("a red star").plot().axes) == 1


def test_one_picture_alone_needs_a_mean(splice, pictures):
    without = Splice(splice.backbone, splice.dictionary, None)
    with pytest.raises(SpliceError, match="There are 3 images, of which no image mean can be estimated .32 or more"):
        without.decompose(pictures)
    many = torch.randn(40, splice.backbone.dim, generator=torch.Generator().manual_seed(0))
    assert len(without.decompose(many).codes) == 40


def test_a_penalty_and_a_device_are_given_as_in_the_authors_package():
    found = Splice.load(vocabulary=["star", "grass"], l1_penalty=0.4, device="cpu")
    assert found.solver == ActiveSet(l1_penalty=0.4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda splice, picture: splice.decompose("photo.png"), "photo.png cannot be read .No such file"),
        (lambda splice, picture: splice.decompose([]), "was given no images"),
        (lambda splice, picture: splice.decompose([picture] * 60).top(-1), "n is -1"),
        (lambda splice, picture: splice.decompose(torch.ones(2, 7)), "7 wide, but those of the backbone 512"),
        (lambda splice, picture: splice.decompose(["nothing.png"]), "nothing.png cannot be read .No such file"),
        (lambda splice, picture: Splice.load("ViT-B-32", "openai"), "needs a vocabulary"),
        (lambda splice, picture: Splice.load(vocabulary=["a", "b"], vocabulary_size=0), "^vocabulary_size is 0"),
        (lambda splice, picture: Splice.load("ViT-B-31"), "does not know .nearest: 'ViT-B-32'"),
        (lambda splice, picture: splice.decompose([picture]).plot(1), "sample is 1, but must be one of 0 to 0"),
        (lambda splice, picture: Splice.load(pretrained="openai"), "no model is named"),
        (lambda splice, picture: Splice.load("clip:ViT-L/14", vocabulary=["a"]), "must be one of clip:ViT-B/32"),
        (lambda splice, picture: Splice.load("clip:RN50", "yfcc15m", ["a"]), "leave it out"),
        (lambda splice, picture: Splice.load("ViT-B-32", "openai", "lion"), "must be one of laion"),
        (
            lambda splice, picture: _require_no_list("Splice.load", "open_clip:ViT-B-32", "laion", 10000),
            r"write Splice\.load\('open_clip:ViT-B-32', vocabulary='laion', vocabulary_size=10000\)",
        ),
        (
            lambda splice, picture: Splice.load("clip:ViT-B/32", "mscoco"),
            r"not weights: write Splice\.load\('clip:ViT-B/32', vocabulary='mscoco'\)\.$",
        ),
        (lambda splice, picture: Splice.load(l1_penalty=0.3, solver=ActiveSet()), "^l1_penalty is 0.3 beside a solver"),
        (
            lambda splice, picture: Sith.load(l1_penalty=0.3),
            "^l1_penalty is 0.3, but COMP, the solver of Sith, has none",
        ),
        (
            lambda splice, picture: Splice.load(vocabulary=["a"], device="abacus"),
            "^device is 'abacus', but cannot be us",
        ),
    ],
)
def test_traps_are_refused(splice, pictures, call, message):
    with pytest.raises(SpliceError, match=message):
        call(splice, pictures[0])
