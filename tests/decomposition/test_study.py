"""A study computes what is asked for, once, and says so."""

from contextlib import contextmanager

import pytest
import torch

from splice_exp.decomposition.study import Study
from tests.evaluation.studies import study_of

SMALL = ("data=planted", "data.num_samples=30")


@pytest.fixture
def stages():
    return []


@pytest.fixture
def study(stages):
    found = study_of(*SMALL)

    @contextmanager
    def stage(name):
        stages.append(name)
        yield

    found._stage = stage
    return found


def test_nothing_is_computed_before_it_is_asked_for_and_nothing_twice(study, stages):
    assert stages == []
    assert not study.is_decomposed
    assert len(study.extracted) == 30
    assert stages == ["embeddings"]
    assert study.decomposition.codes.concepts == study.dictionary.concepts
    assert study.decomposition is study.decomposition
    assert study.is_decomposed
    assert stages == ["embeddings", "dictionary", "decomposition"]


def test_another_part_of_the_data_is_seen_through_the_same_mean_and_dictionary(study, stages):
    other = study.with_data(study_of("data=planted", "data.num_samples=10", "data.seed=5").data)
    assert isinstance(other, Study)
    assert other.image_mean is study.image_mean
    assert other.dictionary is study.dictionary
    assert len(other.decomposition.codes) == 10
    assert not study.is_decomposed
    assert other.with_data(study.data).dictionary is study.dictionary
    assert not torch.equal(other.extracted.features, study.extracted.features[:10])


def test_the_truth_follows_the_samples_that_are_kept(study, monkeypatch):
    unknown = study.data.classes[0]
    monkeypatch.setattr(study.data, "missing_classes", "drop")
    monkeypatch.setattr(type(study.backbone), "knows_class", lambda self, name: name != unknown)
    kept = [place for place, label in enumerate(study.data.labels.tolist()) if label != 0]
    assert 0 < len(kept) < 30
    assert study.known.missing == (unknown,)
    assert study.embeddings.sample_ids == tuple(study.data.sample_ids[place] for place in kept)
    everything = study.data.truth()
    assert [study.truth.concepts(row) for row in range(len(kept))] == [everything.concepts(place) for place in kept]
