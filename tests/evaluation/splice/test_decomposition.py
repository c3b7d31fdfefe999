import logging
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import normalize

from splice_exp.backbones.precomputed import PrecomputedBackbone
from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.core.truth import GroundTruth
from splice_exp.core.types import Dictionary, Embeddings
from splice_exp.data.embeddings_file import EmbeddingsFile
from splice_exp.decomposition.splice import decompose
from splice_exp.embeddings.classes import select_known_classes
from splice_exp.embeddings.geometry import Alignment
from splice_exp.evaluation.splice.decomposition import SpliceEvaluation, concepts_of_classes
from splice_exp.solvers.admm import ADMM
from tests.conftest import unit_rows

ATOMS = unit_rows(6, 32, 0)
CONCEPTS = ("cat", "dog", "Polar Bear", "red", "snow", "sky")
CLASSES = ("cat", "polar_bear")
MEAN = 0.5 * unit_rows(1, 32, 1)[0]
LABELS = torch.arange(60) % 2
FEATURES = normalize(MEAN + ATOMS[[0, 2]][LABELS] + 0.5 * unit_rows(60, 32, 2), dim=1)
IMAGES = Embeddings(FEATURES, LABELS, tuple(map(str, range(60))), CLASSES, "image", "id")


def evaluate(images=IMAGES, concepts=CONCEPTS, mean=MEAN, class_features=ATOMS[[0, 2]], alignment=Alignment()):  # noqa: B008
    dictionary = Dictionary(ATOMS, concepts, torch.zeros(32))
    decomposition = decompose(images, dictionary, ADMM(l1_penalty=0.25), alignment, mean)
    return SpliceEvaluation(bootstrap_resamples=100).judge(decomposition, images, mean, class_features)


def test_a_planted_class_is_found_and_the_null_is_not():
    metrics = evaluate().metrics
    assert metrics["zero_shot/top1"] > 0.95
    assert metrics["concept/class_in_top5"] > 0.95
    assert 0.25 < metrics["zero_shot/top1_null"] < 0.75
    assert metrics["concept/class_in_top5_null"] < 0.9
    assert metrics["cosine/mean_only"] < metrics["cosine/plain"]
    assert metrics["solver/gap_max"] <= 1e-6
    assert metrics["zero_shot/num_classes"] == 2
    assert metrics["zero_shot/num_samples"] == metrics["data/num_samples"] == 60


def test_means_are_means_of_the_samples_and_lie_in_their_intervals():
    evaluation = evaluate()
    for name, values in evaluation.samples.items():
        assert evaluation.metrics[name] == pytest.approx(values.mean())
        assert evaluation.metrics[f"{name}_ci_low"] <= evaluation.metrics[name] <= evaluation.metrics[f"{name}_ci_high"]
        assert len(values) == 60


def test_baselines_do_not_depend_on_centring():
    centred, plain = evaluate(), evaluate(alignment=Alignment(image=False))
    for name in ("cosine/mean_only", "zero_shot/top1_dense"):
        assert centred.metrics[name] == plain.metrics[name]
    assert centred.metrics["cosine/centred"] > plain.metrics["cosine/centred"]


def test_the_centred_cosine_is_that_of_target_and_composition():
    dictionary = Dictionary(ATOMS, CONCEPTS, torch.zeros(32))
    decomposition = decompose(IMAGES, dictionary, ADMM(), Alignment(), MEAN)
    composed = normalize(decomposition.codes @ ATOMS, dim=1)
    expected = (composed * normalize(FEATURES - MEAN, dim=1)).sum(dim=1).mean()
    assert evaluate().metrics["cosine/centred"] == pytest.approx(float(expected), abs=1e-5)


def test_without_labels_only_reconstruction_is_judged():
    unlabelled = Embeddings(FEATURES, None, IMAGES.sample_ids, (), "image", "id")
    metrics = evaluate(unlabelled, class_features=None).metrics
    assert "cosine/plain" in metrics
    named = {name: value for name, value in metrics.items() if name.startswith(("zero_shot/", "concept/"))}
    assert {"zero_shot/top1", "zero_shot/num_classes", "concept/class_in_top5"} <= named.keys()
    assert set(named.values()) == {None}


def test_classes_that_are_no_concepts_are_not_looked_for():
    metrics = evaluate(concepts=("ant", "dog", "bear", *CONCEPTS[3:])).metrics
    assert "zero_shot/top1" in metrics
    assert metrics["concept/class_in_top5"] is None
    assert metrics["concept/num_classes"] == 0


def test_only_the_classes_that_an_atom_is_named_like_are_asked_for():
    """One of two classes has no atom: the measure is that of the samples of the other."""
    found = evaluate(concepts=("ant", *CONCEPTS[1:]))
    bears = evaluate(replace(IMAGES.select(LABELS.nonzero().flatten()), classes=CLASSES), CONCEPTS)
    name = "concept/class_in_top5"
    assert found.metrics["concept/num_classes"] == 1
    assert found.metrics[name] == pytest.approx(bears.metrics[name])
    assert found.samples[name].shape == (60,)
    assert found.samples[name].mean() == pytest.approx(found.metrics[name])
    assert found.metrics[f"{name}_ci_low"] <= found.metrics[name]


@pytest.mark.parametrize(("top_k", "by_value", "of_either_sign"), [(1, 0.5, 1.0), (2, 0.5, 1.0)])
def test_a_negative_code_of_the_class_counts_by_its_size_only(top_k, by_value, of_either_sign):
    """Cats have their own concept at −0.9, bears theirs at 0.6, and all have "sky" at 0.5."""
    own = torch.tensor([0, 2])[LABELS]
    rows = torch.zeros(60, len(CONCEPTS))
    rows[:, 5] = 0.5
    rows[torch.arange(60), own] = torch.tensor([-0.9, 0.6])[LABELS]
    decomposition = decompose(
        IMAGES, Dictionary(ATOMS, CONCEPTS, torch.zeros(32)), ADMM(l1_penalty=0.25), Alignment(), MEAN
    )
    signed = replace(decomposition, codes=Codes.from_dense(rows, CONCEPTS))
    metrics = SpliceEvaluation(top_k, bootstrap_resamples=5).judge(signed, IMAGES, MEAN, ATOMS[[0, 2]]).metrics
    assert metrics[f"concept/class_in_top{top_k}"] == by_value
    assert metrics[f"concept/class_in_top{top_k}_any_sign"] == of_either_sign


def test_classes_are_matched_to_concepts_by_canonical_name():
    dictionary = Dictionary(ATOMS, CONCEPTS, torch.zeros(32))
    assert concepts_of_classes(("POLAR_BEAR", "unicorn", "sky"), dictionary).tolist() == [2, -1, 5]


def test_classes_without_text_are_dropped_or_refused(embedding_files, caplog):
    data, bank = EmbeddingsFile(str(embedding_files["E"])), PrecomputedBackbone(str(embedding_files["T"]))
    with caplog.at_level(logging.WARNING):
        known = select_known_classes(data.embeddings(), bank, "drop")
    assert "1 of 4 classes have no text in the backbone (unicorn)" in caplog.text
    assert known.missing == ("unicorn",)
    assert known.embeddings.classes == ("cat", "dog", "polar_bear")
    assert len(known.embeddings) == 9
    assert torch.equal(known.class_features, bank.encode_text(["cat", "dog", "polar bear"]))
    with pytest.raises(SpliceError, match=r"unicorn.*set missing_classes=drop"):
        select_known_classes(data.embeddings(), bank, "error")


def test_if_no_sample_is_left_it_is_said(embedding_files):
    data, bank = EmbeddingsFile(str(embedding_files["E"])), PrecomputedBackbone(str(embedding_files["T"]))
    unicorns = data.embeddings().select(torch.tensor([3, 7]))
    with pytest.raises(SpliceError, match="none of the 2 has a class with a text.*unicorn"):
        select_known_classes(unicorns, bank, "drop")


def test_blocks_of_comparisons_do_not_matter(monkeypatch):
    whole = evaluate().metrics
    monkeypatch.setattr("splice_exp.evaluation.splice.decomposition.MAX_COSINES", 7)
    assert evaluate().metrics == whole


def test_if_no_class_has_a_text_all_samples_stay(embedding_files, caplog):
    images = Embeddings(FEATURES, LABELS, IMAGES.sample_ids, ("xylophone", "yak"), "image", "id")
    known = select_known_classes(images, PrecomputedBackbone(str(embedding_files["T"])), "drop")
    assert known.class_features is None
    assert len(known.embeddings) == 60
    assert "nothing is classified" in caplog.text


def test_recovery_is_judged_where_the_truth_is_known():
    """Image i is of a cat or of a polar bear; the truth of the others' animals is another one."""
    names = ("cat", "polar bear")
    of = {"cat": "cat", "polar bear": "polar bear"}
    animals = tuple((frozenset({names[label]}),) for label in LABELS)
    truth = GroundTruth(of, dict.fromkeys(names, "animal"), animals, (frozenset(),) * 60)
    dictionary = Dictionary(ATOMS, CONCEPTS, torch.zeros(32))
    decomposition = decompose(IMAGES, dictionary, ADMM(l1_penalty=0.25), Alignment(), MEAN)
    judge = SpliceEvaluation(bootstrap_resamples=50)
    found = judge.judge(decomposition, IMAGES, MEAN, None, truth).metrics
    wrong = judge.judge(decomposition, IMAGES, MEAN, None, truth.select([1, 0] * 30)).metrics
    assert found["recovery/recall"] > 0.95
    assert wrong["recovery/recall"] < found["recovery/recall"] - 0.3
    nameless = replace(
        decomposition, codes=decomposition.codes, dictionary=replace(dictionary, concepts=tuple("abcdef"))
    )
    assert "recovery/recall" not in judge.judge(nameless, IMAGES, MEAN, None, truth).metrics
