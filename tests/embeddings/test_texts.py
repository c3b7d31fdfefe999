"""Texts are embedded once for all rows of a sweep, and what is kept is what the encoder gives."""

from dataclasses import replace

import pytest
import torch

from splice_exp.backbones.load import load_backbone
from splice_exp.backbones.planted import PlantedBackbone
from splice_exp.core.types import Embeddings
from splice_exp.dictionaries.base import Ingredients
from splice_exp.dictionaries.load import ExplainedModel
from splice_exp.dictionaries.text import TextDictionary
from splice_exp.dictionaries.vocabulary import FileVocabulary
from splice_exp.distributed.batches import Share
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings import texts
from splice_exp.embeddings.geometry import Alignment
from splice_exp.embeddings.texts import embed_classes, embed_texts
from splice_exp.solvers.active_set import ActiveSet

NAMES = ["star", "heart", "red", "blue", "grass"]


@pytest.fixture(scope="module")
def encoder():
    return load_backbone(None, None, "tests")


@pytest.fixture
def unused(encoder, monkeypatch):
    """Return the encoder, and a function after which it refuses to encode."""

    def refuse(batch):
        raise AssertionError(f"{batch} are encoded again")

    return lambda: monkeypatch.setattr(encoder, "encode_text", refuse)


def test_texts_are_embedded_once(encoder, unused, tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "TOGETHER", 2)
    expected = encoder.encode_text(NAMES)
    first = embed_texts(NAMES, encoder, Cache(tmp_path))
    assert len(list((tmp_path / "texts").glob("*/*.safetensors"))) == 3
    torch.testing.assert_close(first, expected, rtol=0, atol=1e-6)
    unused()
    assert torch.equal(embed_texts(NAMES, encoder, Cache(tmp_path)), first)
    with pytest.raises(AssertionError, match="encoded again"):
        embed_texts(NAMES[::-1], encoder, Cache(tmp_path))


def test_jobs_that_share_samples_embed_all_texts(encoder, tmp_path):
    job = replace(Cache(tmp_path), share=Share(1, 2))
    assert embed_texts(NAMES, encoder, job).shape == (5, encoder.dim)


def test_texts_that_are_looked_up_are_not_kept(tmp_path):
    backbone = PlantedBackbone()
    assert torch.equal(embed_texts(NAMES, backbone, Cache(tmp_path)), backbone.encode_text(NAMES))
    assert list(tmp_path.iterdir()) == []


def test_classes_are_the_means_of_their_texts(encoder, unused, tmp_path):
    expected = encoder.encode_classes(NAMES)
    torch.testing.assert_close(embed_classes(NAMES, encoder, Cache(tmp_path)), expected, rtol=0, atol=1e-6)
    unused()
    assert embed_classes(NAMES, encoder, Cache(tmp_path)).shape == (5, encoder.dim)


def test_a_dictionary_is_encoded_once(encoder, unused, tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    nothing = Embeddings(torch.zeros(0, encoder.dim), None, (), (), "image", encoder.backbone_id)
    mean = torch.zeros(encoder.dim)
    vocabulary = FileVocabulary(str(tmp_path / "names.txt"))
    ingredients = Ingredients(encoder, vocabulary, nothing, Alignment(), mean, Cache(tmp_path / "cache"))
    first = TextDictionary().build(ingredients)
    unused()
    plain = replace(ingredients, alignment=Alignment(dictionary=False))  # what follows from the texts is not kept
    again, uncentred = TextDictionary().build(ingredients), TextDictionary().build(plain)
    assert torch.equal(again.atoms, first.atoms)
    assert not torch.equal(uncentred.atoms, first.atoms)


def test_a_loaded_model_keeps_its_vocabulary_where_it_is_told(encoder, tmp_path, monkeypatch):
    class Model(ExplainedModel):
        default_solver = ActiveSet

    first = Model.load(vocabulary=NAMES, cache=tmp_path)
    monkeypatch.setattr(type(encoder), "encode_text", None)
    assert torch.equal(Model.load(vocabulary=NAMES, cache=tmp_path).dictionary.atoms, first.dictionary.atoms)
