"""Probes on planted classes: all find them, the null does not, and train and test are kept apart."""

import numpy as np
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.measures.probes import code_features
from splice_exp.evaluation.splice.probing import Probing
from tests.evaluation.studies import study_of

SMALL = ("data=planted", "data.num_samples=160", "solver.l1_penalty=0.15")


@pytest.fixture(scope="module")
def study():
    return study_of(*SMALL)


def test_classes_are_found_in_embeddings_reconstructions_and_codes(study):
    found = Probing(bootstrap_resamples=50).evaluate(study)
    metrics = found.metrics
    for name in ("dense", "dense_transferred", "reconstruction", "codes"):
        assert metrics[f"probing/{name}"] > metrics["probing/codes_null"] + 0.3
    assert metrics["probing/gradient_max"] < 1e-5
    assert metrics["data/num_samples"] == metrics["probing/num_train_samples"] == len(found.sample_ids) == 80
    for name, values in found.samples.items():
        assert metrics[name] == pytest.approx(values.mean())


def test_halves_are_of_other_samples_and_by_class(study):
    first, again, other = (Probing(bootstrap_resamples=5, seed=seed).evaluate(study) for seed in (0, 0, 1))
    assert first.sample_ids == again.sample_ids != other.sample_ids
    assert first.metrics == again.metrics
    labels = dict(zip(study.embeddings.sample_ids, study.embeddings.labels.tolist(), strict=True))
    tested = np.bincount([labels[sample_id] for sample_id in first.sample_ids])
    everything = np.bincount(list(labels.values()))
    assert np.abs(2 * tested - everything).max() <= 1


def test_a_training_set_of_its_own_leaves_all_samples_for_testing(study):
    train = study_of("data=planted", "data.num_samples=200", "data.seed=7").data
    found = Probing(train, bootstrap_resamples=5).evaluate(study)
    assert found.sample_ids == list(study.embeddings.sample_ids)
    assert found.metrics["probing/num_train_samples"] == 200
    assert found.metrics["probing/dense"] > 0.8


def test_codes_in_the_layout_of_scipy(study):
    codes = study.decomposition.codes
    np.testing.assert_array_equal(code_features(codes).toarray(), codes.dense().numpy())


def test_other_classes_and_missing_labels_are_refused(study):
    with pytest.raises(SpliceError, match="whose classes are not those of planted"):
        Probing(study_of("data=planted", "data.num_samples=20", "data.objects=[car,cat]").data).evaluate(study)
    nameless = study_of(*SMALL)
    nameless.data.labels = None
    with pytest.raises(SpliceError, match="needs samples of two or more classes, but planted has no labels"):
        Probing().evaluate(nameless)
