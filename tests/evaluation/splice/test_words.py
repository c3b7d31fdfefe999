"""Opposites, relevance to caption words, codes of captions, and codes over parts of a vocabulary."""

import numpy as np
import pytest
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.measures.likeness import likeness
from splice_exp.evaluation.splice.antonyms import Antonyms
from splice_exp.evaluation.splice.decomposition import SpliceEvaluation
from splice_exp.evaluation.splice.semantic_relevance import SemanticRelevance, relevance
from splice_exp.evaluation.splice.text_decomposition import TextDecomposition
from splice_exp.evaluation.splice.vocabulary_draws import VocabularyDraws
from tests.evaluation.studies import study_of


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes", "data.num_samples=60")


def test_cosines_of_opposites_negations_and_random_pairs(study):
    found = Antonyms([["small", "large"], ["red", "red"]], bootstrap_resamples=5).evaluate(study)
    small, large, negated = study.backbone.encode_text(["small", "large", "not small"]).double()
    np.testing.assert_allclose(found.samples["antonyms/antonyms"], [small @ large, 1.0], rtol=1e-6)
    assert found.samples["antonyms/negations"][0] == pytest.approx(float(small @ negated), rel=1e-6)
    around = study.dictionary.mean.double()
    centred = torch.nn.functional.cosine_similarity(small - around, large - around, dim=0)
    assert found.samples["antonyms/antonyms_centred"][0] == pytest.approx(float(centred), rel=1e-5)
    with pytest.raises(SpliceError, match="must be one or more pairs of words"):
        Antonyms([["small"]])
    with pytest.raises(SpliceError, match="^negation is 'not', but must have {} once"):
        Antonyms([["small", "large"]], negation="not")


def test_relevance_of_a_hand_made_case():
    cosines = torch.tensor([[1.0, 0.2, 0.0], [0.5, 0.6, 0.1]])
    found = relevance(cosines, [[0, 1], [0], []], [[0, 1], [1, 2], [0]])
    # First: nearest of the concepts 1, .6, of the words 1, .6. Second: nearest of the concept .2, of the words .2, 0.
    np.testing.assert_allclose(found["max_min"], [0.6, 0.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(found["mean_mean"], [0.8, (0.2 + 0.1) / 2, 0.0], rtol=1e-6)


def test_concepts_are_relevant_to_their_own_captions(study):
    metrics = SemanticRelevance(bootstrap_resamples=5).evaluate(study).metrics
    for variant in ("max_min", "mean_mean"):
        for centring in ("", "_centred"):
            own = metrics[f"relevance/{variant}{centring}"]
            assert own > max(metrics[f"relevance/{variant}{centring}_{kind}"] for kind in ("null", "other"))
    assert 3 < metrics["relevance/num_words"] < 30
    with pytest.raises(SpliceError, match="needs captions, but scenes has none"):
        SemanticRelevance().evaluate(study_of("data=scenes", "data.num_samples=5", captions=False))


def test_relevance_is_measured_alike_whether_or_not_the_dictionary_is_centred():
    """With the same codes, as the codes of two alignments differ only where they should."""
    studies = [
        study_of("data=scenes", "data.num_samples=20", *extra) for extra in ((), ("alignment.dictionary=false",))
    ]
    supports = studies[0].decomposition
    vars(studies[1])["decomposition"] = supports
    first, second = (SemanticRelevance(bootstrap_resamples=5).evaluate(study).metrics for study in studies)
    for name in first:
        if "_dense" in name or "_mean_only" in name:  # nearest atoms are those of the geometry
            continue
        assert first[name] == pytest.approx(second[name], abs=1e-6)


def test_likeness_of_a_hand_made_case():
    first = Codes.from_dense(torch.tensor([[3.0, 4.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), ("a", "b", "c"))
    second = Codes.from_dense(torch.tensor([[0.0, 4.0, 3.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), ("a", "b", "c"))
    found = likeness(first, second)
    np.testing.assert_allclose(found["cosine"], [16 / 25, 1, 0])
    np.testing.assert_allclose(found["shared"], [1 / 3, 1, 0])
    np.testing.assert_allclose(found["kept"], [1 / 2, 1, 0])
    np.testing.assert_allclose(found["top_shared"], [1, 1, 0])
    with pytest.raises(ValueError, match="different concepts"):
        likeness(first, second.named(("a", "b", "d")))


def test_a_caption_shares_concepts_with_its_own_picture(study):
    metrics = TextDecomposition(bootstrap_resamples=5).evaluate(study).metrics
    assert metrics["text/cosine"] > metrics["text/cosine_null"] + 0.15
    assert metrics["text/shared"] > 4 * metrics["text/shared_null"]
    assert metrics["text/f1_of_text"] > metrics["text/f1_of_image"] + 0.05
    assert metrics["text/gap_max"] <= 1e-6
    assert metrics["text/cosine_null"] < metrics["text/cosine_mean_only"] < metrics["text/cosine"]
    assert metrics["text/nearer"] > 0.8
    with pytest.raises(SpliceError, match="needs captions, but scenes has none"):
        TextDecomposition().evaluate(study_of("data=scenes", "data.num_samples=5", captions=False))


def test_more_of_a_support_stays_when_less_of_the_vocabulary_goes(study):
    less, more = (
        VocabularyDraws(share, draws=2, bootstrap_resamples=5).evaluate(study).metrics for share in (0.5, 0.95)
    )
    assert less["draws/kept_null"] < less["draws/kept"] < more["draws/kept"] <= 1
    assert less["draws/reconstruction"] < more["draws/reconstruction"] <= 1
    assert less["draws/size"] == round(0.5 * len(study.dictionary))
    with pytest.raises(SpliceError, match="^share is 1.0, but must lie between 0 and 1"):
        VocabularyDraws(1.0)


def test_ablations_measure_relevance_where_there_are_captions_and_names():
    study = study_of("data=scenes", "data.num_samples=30")
    found = SpliceEvaluation(relevance=True, bootstrap_resamples=5).evaluate(study)
    whole = SemanticRelevance(bootstrap_resamples=5).evaluate(study)
    for name in ("max_min", "max_min_null", "mean_mean_centred", "mean_mean_centred_null"):
        np.testing.assert_allclose(found.samples[f"relevance/{name}"], whole.samples[f"relevance/{name}"], atol=1e-6)
    for nameless in (study_of("data=scenes", "data.num_samples=5", "dictionary=random"), study_of("data=planted")):
        silent = SpliceEvaluation(relevance=True, bootstrap_resamples=5).evaluate(nameless)
        assert not any(name.startswith("relevance/") for name in silent.metrics)
