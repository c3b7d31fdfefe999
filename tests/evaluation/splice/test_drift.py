"""Mean codes follow a prevalence that was drawn to change, and parts of a data set that were drawn to differ do."""

import numpy as np
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.spurious import SpuriousScenes
from splice_exp.evaluation.splice.distribution_shift import DistributionShift
from splice_exp.evaluation.splice.drift import ConceptDrift, _basic_interval
from tests.evaluation.studies import study_of


@pytest.fixture(scope="module")
def years():
    return study_of("data=scenes_drift", "data.num_samples=300")


def test_codes_follow_the_years(years):
    found = ConceptDrift(["red", "crimson"], bootstrap_resamples=50).evaluate(years)
    metrics = found.metrics
    assert metrics["drift/correlation"] > 0.9
    assert metrics["drift/correlation_ci_low"] <= metrics["drift/correlation"] <= metrics["drift/correlation_ci_high"]
    table = found.tables["drift"]
    labels = years.embeddings.labels.numpy()
    red = np.array([picture.objects[0].colour == "red" for picture in years.data.pictures])
    np.testing.assert_allclose(table["true"], [red[labels == year].mean() for year in range(10)])
    codes = years.decomposition.codes.sum_of(
        [c for c in years.dictionary.concepts if {"red", "crimson"} & {*c.split()}]
    )
    np.testing.assert_allclose(table["code"], [codes.numpy()[labels == year].mean() for year in range(10)])
    assert metrics["drift/correlation"] == pytest.approx(np.corrcoef(table["true"], table["code"])[0, 1])


def test_drift_needs_classes_in_order_and_a_truth(years):
    with pytest.raises(SpliceError, match="three or more ordered classes"):
        ConceptDrift(["red"]).evaluate(study_of("data=scenes_spurious", "data.num_samples=20"))
    with pytest.raises(SpliceError, match="^words has 'reds', which is in no concept"):
        ConceptDrift(["reds"]).evaluate(years)


def test_training_differs_from_validation_and_test():
    study = study_of("data=scenes_spurious", "data.num_samples=300")
    parts = {name: SpuriousScenes(300, split=name) for name in ("train", "val")}
    found = DistributionShift(parts, words=["grass", "water"], bootstrap_resamples=5).evaluate(study)
    metrics = found.metrics
    assert metrics["shift/train_test"] < metrics["shift/val_test"] - 0.02
    assert metrics["shift/train_test"] < metrics["shift/train_halves"]
    assert metrics["shift/val_test"] == pytest.approx(metrics["shift/test_halves"], abs=0.03)
    assert metrics["shift/val_test_null"] < metrics["shift/train_test"]
    assert metrics["shift/train_test_dense"] < metrics["shift/val_test_dense"]
    codes = found.tables["shift"].set_index(["concept", "class", "part"])["code"]
    assert codes["grass", "star", "train"] > 5 * codes["grass", "heart", "train"]
    assert codes["grass", "star", "test"] < 4 * codes["grass", "heart", "test"]
    assert metrics["data/num_samples"] == 900


def test_parts_must_have_the_same_classes_and_other_names():
    study = study_of("data=scenes_spurious", "data.num_samples=20")
    with pytest.raises(SpliceError, match="^parts.train must have the classes of the data"):
        DistributionShift({"train": SpuriousScenes(20, label_values=["moon", "ring"])}).evaluate(study)
    with pytest.raises(SpliceError, match="besides own .'test'."):
        DistributionShift({"test": SpuriousScenes(20)})


def test_draws_of_the_same_samples_are_equally_large_in_all_parts():
    """The test part itself is as like it as two draws of it are, however small a third part is."""
    study = study_of("data=scenes_spurious", "data.num_samples=400")
    found = DistributionShift({"same": SpuriousScenes(400), "small": SpuriousScenes(60)}, bootstrap_resamples=5)
    metrics = found.evaluate(study).metrics
    assert metrics["shift/same_test"] == pytest.approx(metrics["shift/same_halves"], abs=0.07)
    with pytest.raises(SpliceError, match="^parts.one has a class with fewer than two samples"):
        DistributionShift({"one": SpuriousScenes(2)}).evaluate(study)


def test_the_interval_of_a_correlation_is_not_drawn_to_zero_by_the_noise_of_resamples():
    random = np.random.default_rng(0)
    drawn = np.tanh(np.arctanh(0.9) - 0.3 + 0.1 * random.normal(size=4000))  # lower than what was found
    low, high = _basic_interval(0.9, drawn)
    assert np.arctanh([low, high]) == pytest.approx(np.arctanh(0.9) + 0.3 + 0.196 * np.array([-1, 1]), abs=0.02)
