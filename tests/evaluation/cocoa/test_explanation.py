"""Your own images, explained by corpora of every kind."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import normalize

from splice_exp.attribution.priors import Random
from splice_exp.attribution.removal import Mean
from splice_exp.attribution.represent import represent_all
from splice_exp.attribution.rise import Rise
from splice_exp.core.errors import SpliceError
from splice_exp.data.embeddings_file import EmbeddingsFile
from splice_exp.data.scenes.pairs import ScenePairs
from splice_exp.data.scenes.plain import Scenes
from splice_exp.evaluation.cocoa.corpora import Concepts, Samples, Texts
from splice_exp.evaluation.cocoa.explanation import Explanation, _warn_of
from tests.evaluation.studies import study_of


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes_pairs", "data.num_samples=4")


@pytest.fixture(scope="module")
def vocabulary(study):
    return study._setup.vocabulary


def test_texts_and_concepts_are_the_means_of_their_embeddings(study, vocabulary):
    backbone = study.backbone
    found = Texts(["a photo of a red star", "a red star"]).load(backbone, study.cache)
    torch.testing.assert_close(
        found.unit_mean, backbone.encode_text(["a photo of a red star", "a red star"]).mean(dim=0)
    )
    assert found.name == "a photo of a red star / a red star"
    words = Concepts(vocabulary, ["star", "heart"]).load(backbone, study.cache)
    torch.testing.assert_close(words.unit_mean, backbone.encode_text(["star", "heart"]).mean(dim=0))
    everything = Concepts(vocabulary).load(backbone, study.cache)
    assert (everything.size, everything.name) == (844, "all concepts")
    atoms = study.dictionary.atoms[[study.dictionary.index("star")]]
    centred = Concepts(vocabulary, ["star"], centred=True).load(backbone, study.cache)
    torch.testing.assert_close(centred.unit_mean, atoms[0], atol=1e-5, rtol=1e-4)
    with pytest.raises(SpliceError, match="^names has 'stax', which the vocabulary lacks .nearest: 'star'"):
        Concepts(vocabulary, ["stax"]).load(backbone, study.cache)
    with pytest.raises(SpliceError, match="^texts is empty"):
        Texts([])


def test_images_and_stored_embeddings_of_them_are_the_same_corpus(study, tmp_path):
    data = Scenes(30, max_objects=1, label="colour", split="train")
    chosen = [data.classes[label] for label in data.labels[:2]]
    images = Samples(data, chosen).load(study.backbone, study.cache)
    assert 2 <= images.size < 30
    embeddings = study.backbone.encode_images(data.inputs(0, 30))
    save_file({"embeddings": embeddings, "labels": data.labels}, tmp_path / "e.safetensors")
    (tmp_path / "e.json").write_text(json.dumps({"classes": list(data.classes)}))
    stored = Samples(EmbeddingsFile(str(tmp_path / "e.safetensors")), chosen).load(study.backbone, study.cache)
    torch.testing.assert_close(stored.unit_mean, images.unit_mean, atol=1e-5, rtol=1e-4)
    assert Samples(data).load(study.backbone, study.cache).size == 30
    with pytest.raises(SpliceError, match="^classes has 'dog', which is no class of"):
        Samples(data, ["dog"])
    save_file({"embeddings": normalize(torch.randn(5, 7), dim=1)}, tmp_path / "other.safetensors")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(SpliceError, match="have 7 dimensions, but the backbone has 512"):
        Samples(EmbeddingsFile(str(tmp_path / "other.safetensors"))).load(study.backbone, study.cache)


def test_the_map_of_a_named_object_lies_on_it(study):
    first, second = ScenePairs(4).regions(0)
    mask = ScenePairs(4).regions(0)[first]
    corpus, foil = (Texts([f"a photo of a {name}"]) for name in (first, second))
    found = Explanation(Rise(num_masks=400, grid=8), Mean(), corpus, foil, shown=2).evaluate(study)
    scores = np.array(found.tables["maps"]["values"].iloc[0]).reshape(84, 84)
    assert mask[np.unravel_index(scores.argmax(), scores.shape)]
    assert len(found.tables["maps"]) == len(found.tables["pictures"]) == 2
    similarities = found.tables["similarities"].set_index(["image", "with"])["similarity"]
    image = study.backbone.encode_images(study.data.inputs(0, 1))[0]
    expected = float(image @ study.backbone.encode_text([f"a photo of a {first}"])[0])
    assert similarities[study.data.sample_ids[0], f"a photo of a {first}"] == pytest.approx(expected, abs=1e-5)
    assert found.metrics["explanation/num_foil"] == 1
    assert "explanation/foil_error" not in found.metrics


def test_a_foil_of_many_draws_has_a_bound_and_one_of_all_words_has_none(study, vocabulary):
    data = Scenes(300, max_objects=1, label="shape", split="train")
    found = Explanation(Random(), Mean(), Samples(data, [data.classes[0]]), Samples(data)).evaluate(study)
    assert 0.1 < found.metrics["explanation/foil_error"] < 0.3
    assert found.metrics["explanation/corpus_spread"] > 0
    found = Explanation(Random(), Mean(), Texts(["a star"]), Concepts(vocabulary)).evaluate(study)
    assert "explanation/foil_error" not in found.metrics
    assert "explanation/reliability" not in found.metrics


def test_a_kernel_compares_pictures_with_all_members(study):
    data = Scenes(30, max_objects=1, label="colour", split="train")
    corpus, foil = (Samples(data, [data.classes[label]]) for label in data.labels[:2])
    found = Explanation(Random(), Mean(), corpus, foil, "gaussian", bandwidth=0.3).evaluate(study)
    backbone, cache = study.backbone, study.cache
    own = represent_all(study.data, backbone, cache)

    def kernel(source):
        distances = torch.cdist(own, source.members(backbone, cache)).square()
        return torch.exp(-distances / (2 * 0.3**2 * backbone.dim)).mean(dim=1)

    expected = (kernel(corpus) / (kernel(corpus) + kernel(foil))).numpy()
    np.testing.assert_allclose(found.samples["explanation/similarity"], expected, rtol=1e-3)
    assert "explanation/foil_error" not in found.metrics
    with pytest.raises(SpliceError, match="with the corpus 'a star', whose members all have length one"):
        Explanation(Random(), Mean(), Texts(["a star"]), foil, "gaussian").evaluate(study)
    with pytest.raises(SpliceError, match="^similarity is 'angle'"):
        Explanation(Random(), Mean(), corpus, foil, "angle")


def test_maps_of_too_few_masks_are_warned_of(caplog):
    _warn_of(np.array([0.85, 0.9]))
    assert not caplog.records
    _warn_of(np.array([0.9, 0.31, 0.7]))
    assert "2 of 3 maps are not reliable" in caplog.text
    assert "down to 0.31, and should be 0.8 or more. Raise method.num_masks" in caplog.text
