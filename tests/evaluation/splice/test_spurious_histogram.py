"""A scene that comes with a class is seen in the codes; one that does not is not."""

import numpy as np
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.splice.spurious_histogram import SpuriousHistogram
from tests.evaluation.studies import study_of

WORDS = ["grass", "meadow", "lawn"]


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes_spurious", "data.split=train", "data.num_samples=200")


def test_the_scene_of_the_training_data_tells_the_classes_apart(study):
    found = SpuriousHistogram(WORDS, ["star", "heart"], bootstrap_resamples=50).evaluate(study)
    metrics = found.metrics
    assert metrics["spurious/auc"] > 0.75 > 0.65 > metrics["spurious/auc_null"]
    assert metrics["spurious/auc_ci_low"] < metrics["spurious/auc"] < metrics["spurious/auc_ci_high"]
    assert metrics["spurious/p_value"] < 1e-6
    on_grass = study.attributes["scene"].labels.numpy() == 0
    stars = study.embeddings.labels.numpy() == 0
    assert metrics["spurious/true_first"] == pytest.approx(on_grass[stars].mean())
    assert metrics["spurious/true_second"] == pytest.approx(on_grass[~stars].mean())
    assert metrics["spurious/code_first"] > 5 * metrics["spurious/code_second"]


def test_classes_the_other_way_round_turn_the_measure_round(study):
    one = SpuriousHistogram(WORDS, ["star", "heart"], bootstrap_resamples=5).evaluate(study).metrics
    other = SpuriousHistogram(WORDS, ["heart", "star"], bootstrap_resamples=5).evaluate(study).metrics
    assert one["spurious/auc"] + other["spurious/auc"] == pytest.approx(1)
    assert one["spurious/p_value"] == pytest.approx(other["spurious/p_value"])


def test_the_histogram_holds_all_samples(study):
    bins = SpuriousHistogram(WORDS, bin_width=0.05, bootstrap_resamples=5).evaluate(study).tables["codes"]
    np.testing.assert_allclose(bins["from"] / 0.05, np.round(bins["from"] / 0.05))
    assert bins["to"].max() > study.decomposition.codes.sum_of(["grass"]).max()
    np.testing.assert_allclose(bins.groupby("kind")["share"].sum(), 1)


def test_classes_and_words_that_are_not_there_are_refused(study):
    with pytest.raises(
        SpliceError,
        match="^classes has 'moon', which is no class of",
    ):
        SpuriousHistogram(WORDS, ["star", "moon"]).evaluate(study)
    with pytest.raises(SpliceError, match="^words has 'gras', which is in no concept .nearest: 'grass'"):
        SpuriousHistogram(["gras"]).evaluate(study)
    with pytest.raises(SpliceError, match="must name two different classes"):
        SpuriousHistogram(WORDS, ["star", "star"])
