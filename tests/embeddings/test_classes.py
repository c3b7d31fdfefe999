"""Classes of the same name are one class, for every measure."""

import logging

import pytest
import torch

from splice_exp.core.io import write_json
from splice_exp.core.tensors import read_tensors, write_tensors
from splice_exp.embeddings.classes import with_distinct_classes
from splice_exp.evaluation.splice.class_concepts import ClassConcepts
from splice_exp.evaluation.splice.decomposition import SpliceEvaluation
from splice_exp.evaluation.splice.probing import Probing
from tests.evaluation.studies import study_of

NUM_DUPLICATES = "zero_shot/num_duplicate_classes"


@pytest.fixture
def studies(embedding_files, tmp_path):
    """The same rows twice: with a name that occurs twice, and with one class for it."""
    rows = read_tensors(embedding_files["E"])["embeddings"].repeat(2, 1)
    twice = torch.arange(24) % 3
    twice[12::3] = 3  # half of the cats
    found = []
    for name, classes, labels in (
        ("twice", ["cat", "dog", "polar_bear", "Cat"], twice),
        ("once", ["cat", "dog", "polar_bear"], torch.arange(24) % 3),
    ):
        file = tmp_path / f"{name}.safetensors"
        write_tensors(file, {"embeddings": rows, "labels": labels})
        write_json(file.with_suffix(".json"), {"classes": classes})
        found.append(
            study_of(
                *("backbone=precomputed", f"backbone.texts={embedding_files['T']}", "vocabulary=bank"),
                *("data=embeddings_file", f"data.path={file}", "alignment.image_mean=zero"),
            )
        )
    return found


@pytest.mark.parametrize(
    "evaluation", [SpliceEvaluation(), Probing(), ClassConcepts()], ids=["codes", "probes", "means"]
)
def test_every_measure_takes_equal_names_for_one_class(studies, evaluation, caplog):
    with caplog.at_level(logging.WARNING):
        twice, once = (evaluation.evaluate(study) for study in studies)
    assert caplog.text.count("classes of the same name cannot be distinguished, and count as one: cat") == 1
    assert set(twice.samples) == set(once.samples)
    for name, values in once.samples.items():
        assert twice.samples[name] == pytest.approx(values, nan_ok=True), name
    for name, value in once.metrics.items():
        if name != NUM_DUPLICATES:
            assert twice.metrics[name] == pytest.approx(value, nan_ok=True), name


def test_the_number_of_names_that_occur_again_is_recorded(studies):
    twice, once = (SpliceEvaluation().evaluate(study).metrics for study in studies)
    assert (twice[NUM_DUPLICATES], twice["zero_shot/num_classes"]) == (1, 3)
    assert (once[NUM_DUPLICATES], once["zero_shot/num_classes"]) == (0, 3)


def test_rows_and_their_identity_stay(studies):
    given = studies[0].extracted
    found = with_distinct_classes(given)
    assert found.features is given.features
    assert found.sample_ids == given.sample_ids
    assert found.classes == ("cat", "dog", "polar_bear")
    assert found.labels.tolist() == (torch.arange(24) % 3).tolist()
    assert with_distinct_classes(found) is found
