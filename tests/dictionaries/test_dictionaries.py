import pytest
import torch

from splice_exp.backbones.planted import PlantedBackbone
from splice_exp.core.errors import SpliceError
from splice_exp.core.types import ConceptMixture, Embeddings
from splice_exp.dictionaries.base import Ingredients
from splice_exp.dictionaries.controls import (
    ClassNames,
    LearnedAtoms,
    RandomAtoms,
    RandomConcepts,
    RandomLikeConcepts,
    has_names,
)
from splice_exp.dictionaries.text import TextDictionary
from splice_exp.dictionaries.vocabulary import FileVocabulary
from splice_exp.embeddings.geometry import Alignment, center, image_mean
from splice_exp.solvers.admm import ADMM

NAMES = ["car", "cat", "cup", "Polar_Bear", "red", "blue", "snow", "sky", "sand", "grass"]
BACKBONE = PlantedBackbone(dim=32)


@pytest.fixture
def ingredients(tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    mixtures = [ConceptMixture({NAMES[i % 4]: 1.0, NAMES[4 + i % 5]: 0.6}, i) for i in range(60)]
    features = BACKBONE.encode_images(mixtures)
    labels = torch.arange(60) % 2
    embeddings = Embeddings(features, labels, tuple(map(str, range(60))), ("cat", "polar bear"), "image", "planted")
    vocabulary = FileVocabulary(str(tmp_path / "names.txt"))
    return Ingredients(BACKBONE, vocabulary, embeddings, Alignment(), image_mean(embeddings))


def with_alignment(ingredients, **options):
    return Ingredients(**{**vars(ingredients), "alignment": Alignment(**options)})


def test_atoms_are_centred_over_the_selected_names_and_normalised(ingredients):
    dictionary = TextDictionary().build(ingredients)
    texts = BACKBONE.encode_text(NAMES)
    torch.testing.assert_close(dictionary.mean, texts.mean(dim=0))
    expected = torch.nn.functional.normalize(texts - texts.mean(dim=0), dim=1)
    torch.testing.assert_close(dictionary.atoms, expected)
    assert dictionary.concepts == tuple(NAMES)
    assert dictionary.provenance["backbone"] == BACKBONE.backbone_id


def test_without_centring_atoms_are_the_texts(ingredients):
    dictionary = TextDictionary().build(with_alignment(ingredients, dictionary=False))
    torch.testing.assert_close(dictionary.atoms, BACKBONE.encode_text(NAMES))
    assert not dictionary.mean.any()


def test_classes_can_be_left_out_whatever_their_spelling(ingredients):
    concepts = TextDictionary(exclude_classes=True).build(ingredients).concepts
    assert set(NAMES) - set(concepts) == {"cat", "Polar_Bear"}


def test_a_single_concept_cannot_be_centred(ingredients, tmp_path):
    (tmp_path / "names.txt").write_text("car")
    with pytest.raises(SpliceError, match=r"concept car.*alignment\.dictionary=false"):
        TextDictionary().build(ingredients)


@pytest.mark.parametrize(
    "builder", [RandomAtoms, RandomLikeConcepts, RandomConcepts, lambda seed: LearnedAtoms(size=8, seed=seed)]
)
def test_controls_are_seeded_unit_atoms(ingredients, builder):
    first, again, other = (builder(seed=seed).build(ingredients) for seed in (0, 0, 1))
    torch.testing.assert_close(first.atoms.norm(dim=1), torch.ones(len(first)))
    assert torch.equal(first.atoms, again.atoms)
    assert first.concepts != other.concepts or not torch.equal(first.atoms, other.atoms)


def test_sizes_of_the_controls(ingredients):
    assert len(RandomAtoms().build(ingredients)) == len(NAMES)
    assert len(RandomAtoms(size=3).build(ingredients)) == 3
    assert len(RandomConcepts(share=0.5).build(ingredients)) == 5
    assert len(LearnedAtoms(size=8).build(ingredients)) <= 8
    assert ClassNames().build(ingredients).concepts == ("cat", "polar bear")


def test_learned_atoms_fit_better_than_random_ones(ingredients):
    targets, _ = center(ingredients.embeddings.features, ingredients.image_mean)
    errors = []
    for builder in (LearnedAtoms(size=10, l1_penalty=0.1), RandomAtoms(size=10)):
        atoms = builder.build(ingredients).atoms
        solver = ADMM(l1_penalty=0.1)
        codes = solver.solve(solver.prepare(atoms), targets).codes
        errors.append(float((targets - codes @ atoms).square().sum(dim=1).mean()))
    assert errors[0] < 0.6 * errors[1]


@pytest.mark.parametrize("share", [0, -0.1, 1.5])
def test_a_share_lies_between_nothing_and_all(share):
    with pytest.raises(SpliceError, match=r"^share is"):
        RandomConcepts(share=share)


def test_directions_like_concepts_lie_where_concepts_do(ingredients):
    """As many, of unit norm, in their span, and spread over it as they are; none is one of them."""
    atoms = TextDictionary().build(ingredients).atoms.double()
    drawn = [RandomLikeConcepts(seed).build(ingredients) for seed in range(200)]
    assert drawn[0].concepts[0] == "random 0"
    assert not has_names(drawn[0])
    rows = torch.cat([dictionary.atoms.double() for dictionary in drawn])
    assert len(drawn[0]) == len(NAMES)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(rows), dtype=torch.float64), atol=1e-6, rtol=0)
    span = torch.linalg.svd(atoms)[2][: torch.linalg.matrix_rank(atoms)]
    torch.testing.assert_close(rows @ span.T @ span, rows, atol=1e-5, rtol=0)
    covariance, own = rows.T @ rows / len(rows), atoms.T @ atoms / len(atoms)
    assert float((covariance * own).sum() / (covariance.norm() * own.norm())) > 0.95
    assert float((rows @ atoms.T).max()) < 1 - 1e-4
