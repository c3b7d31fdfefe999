"""What all learned dictionaries have in common: what they are fitted to, what they refuse, and what is kept."""

from dataclasses import dataclass, replace

import pytest
import torch

from splice_exp.backbones.planted import PlantedBackbone
from splice_exp.core.errors import SpliceError
from splice_exp.data.planted import Planted
from splice_exp.dictionaries.base import Ingredients
from splice_exp.dictionaries.controls import has_names
from splice_exp.dictionaries.learned.base import LearnedDictionary
from splice_exp.dictionaries.learned.rows import share_of, training_targets
from splice_exp.dictionaries.learned.scikit_learn import DictionaryLearning, KMeans
from splice_exp.dictionaries.vocabulary import NamesVocabulary
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.extract import extract
from splice_exp.embeddings.geometry import Alignment, center, image_mean
from tests.dictionaries.learned.cases import autoencoder

BACKBONE = PlantedBackbone(dim=32)
PARTS = (["cat", "dog", "cup", "car"], ["red", "blue", "green"], ["snow", "sand", "sea"])


def planted(seed, count=200):
    return Planted(count, *PARTS, seed=seed)


def ingredients(cache=None, seed=0, **alignment):
    embeddings = extract(planted(seed), BACKBONE)
    vocabulary = NamesVocabulary([name for part in PARTS for name in part])
    return Ingredients(BACKBONE, vocabulary, embeddings, Alignment(**alignment), image_mean(embeddings), cache)


def test_rows_are_those_of_the_training_set_around_their_own_mean():
    train = extract(planted(1), BACKBONE)
    expected, _ = center(train.features, image_mean(train))
    torch.testing.assert_close(training_targets(planted(1), ingredients()), expected)
    uncentred = training_targets(planted(1), ingredients(image=False))
    torch.testing.assert_close(uncentred, train.features)


def test_nothing_of_the_decomposed_samples_plays_a_part():
    builder = KMeans(train=planted(1), size=8)
    first, other = (builder.build(ingredients(seed=seed)) for seed in (0, 2))
    assert torch.equal(first.atoms, other.atoms)


def test_the_decomposed_samples_are_refused():
    builder = KMeans(train=planted(0), size=8)
    with pytest.raises(SpliceError, match=r"^train is planted, which has 100% of the samples that are decomposed"):
        builder.build(ingredients())
    few = extract(planted(0, 3), BACKBONE)
    with pytest.raises(SpliceError, match=r"which has 2% of the samples"):
        training_targets(planted(0, 3), ingredients())
    assert share_of(extract(planted(0), BACKBONE), few) == pytest.approx(3 / 200)
    assert share_of(few, extract(planted(1), BACKBONE)) == 0


def test_what_a_dictionary_says_of_itself():
    dictionary = KMeans(train=planted(1), size=8, seed=5).build(ingredients())
    torch.testing.assert_close(dictionary.atoms.norm(dim=1), torch.ones(8))
    assert dictionary.concepts[0] == "learned 0"
    assert not has_names(dictionary)
    assert dictionary.provenance == {
        "vocabulary": "learned atoms",
        "method": "KMeans",
        "train": "planted",
        "size": 8,
        "seed": 5,
    }
    assert dictionary.encoder.encode(ingredients().embeddings.features).shape == (200, 8)


def test_a_fit_is_kept_by_its_content(tmp_path, monkeypatch):
    builder, fits = autoencoder("top_k", train=planted(1), epochs=1), []
    fit = type(builder).fit
    monkeypatch.setattr(type(builder), "fit", lambda self, *given: fits.append(self) or fit(self, *given))
    with_cache = ingredients(Cache(tmp_path))
    first, again = builder.build(with_cache), builder.build(with_cache)
    assert len(fits) == 1
    assert torch.equal(first.atoms, again.atoms)
    targets = training_targets(planted(1), with_cache)
    torch.testing.assert_close(first.encoder.encode(targets), again.encoder.encode(targets))
    for other in (replace(builder, seed=1), replace(builder, learning_rate=1e-4), replace(builder, train=planted(3))):
        other.build(with_cache)
    assert len(fits) == 4
    torch.testing.assert_close(builder.build(ingredients()).atoms, first.atoms)  # without a cache, all over again
    assert len(fits) == 5


def test_a_damaged_fit_is_named_and_made_again_when_asked(tmp_path):
    builder = KMeans(train=planted(1), size=8)
    whole = builder.build(ingredients(Cache(tmp_path)))
    (file,) = tmp_path.glob("dictionaries/*/fit.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(SpliceError, match=r"fit.safetensors cannot be read .* Set repair=true to fit it again"):
        builder.build(ingredients(Cache(tmp_path)))
    repaired = builder.build(ingredients(Cache(tmp_path, repair=True)))
    assert torch.equal(repaired.atoms, whole.atoms)
    assert torch.equal(builder.build(ingredients(Cache(tmp_path))).atoms, whole.atoms)


def test_atoms_that_no_sample_uses_are_left_out(monkeypatch):
    builder = DictionaryLearning(train=planted(1), size=8)
    atoms = torch.eye(8, 32)
    atoms[3] = 0
    monkeypatch.setattr(DictionaryLearning, "fit", lambda *given: {"atoms": atoms})
    assert len(builder.build(ingredients())) == 7
    monkeypatch.setattr(DictionaryLearning, "fit", lambda *given: {"atoms": torch.zeros(8, 32)})
    with pytest.raises(SpliceError, match="found no atoms in planted"):
        builder.build(ingredients())


def test_an_own_method_needs_fit_alone():
    @dataclass(frozen=True, kw_only=True, eq=False)
    class FirstRows(LearnedDictionary):
        def fit(self, targets, folder):
            return {"atoms": targets[: self.size]}

    dictionary = FirstRows(train=planted(1), size=5).build(ingredients())
    torch.testing.assert_close(dictionary.atoms, training_targets(planted(1), ingredients())[:5])
    assert dictionary.encoder is None
