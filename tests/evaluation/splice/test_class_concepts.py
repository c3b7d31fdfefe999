"""Classes of the synthetic benchmark are named by their largest mean codes; another class is not."""

import numpy as np
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.splice.class_concepts import ClassConcepts, names_class
from tests.evaluation.studies import study_of


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes_single", "data.num_samples=240")


def test_each_class_is_named_and_its_concepts_are_true_of_it(study):
    found = ClassConcepts(bootstrap_resamples=20).evaluate(study)
    metrics = found.metrics
    assert list(found.sample_ids) == list(study.embeddings.classes)
    assert metrics["class_concepts/named_in_top"] >= 0.9
    assert metrics["class_concepts/named_null"] == 0
    assert metrics["class_concepts/true"] > 10 * metrics["class_concepts/true_null"]
    assert metrics["class_concepts/named_in_top_dense"] >= 0.9  # the nearest atoms are its names
    # The mean is the same for all classes: its seven atoms name some of the twelve at most.
    assert metrics["class_concepts/named_mean_only"] <= 1 / 12
    assert metrics["class_concepts/true_mean_only"] < metrics["class_concepts/true"]


def test_the_table_holds_mean_codes_in_order(study):
    table = ClassConcepts(top_k=3, bootstrap_resamples=5).evaluate(study).tables["concepts"]
    labels, codes = study.embeddings.labels.numpy(), study.decomposition.codes.dense().numpy()
    for name, part in table.groupby("class", sort=False):
        means = codes[labels == study.embeddings.classes.index(name)].mean(axis=0)
        assert part["rank"].tolist() == [1, 2, 3]
        np.testing.assert_allclose(part["code"], np.sort(means)[::-1][:3], rtol=1e-5)
        np.testing.assert_allclose(
            part["code"], [means[study.dictionary.index(concept)] for concept in part["concept"]], rtol=1e-5
        )


def test_a_class_is_named_by_its_words_or_by_synonyms(study):
    assert names_class("small star", "star", None)
    assert not names_class("starfish", "star", None)
    assert not names_class("pentagram", "star", None)
    assert names_class("red pentagram", "star", study.truth)


def test_one_class_is_refused():
    study = study_of("data=planted", "data.num_samples=20", "data.objects=[car]")
    with pytest.raises(SpliceError, match="two or more classes, but planted has one class"):
        ClassConcepts().evaluate(study)
