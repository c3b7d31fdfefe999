"""A file of embeddings and a bank of texts, four images per class: learned from one half, judged on the other."""

import pytest
import torch
from torch.nn.functional import normalize

from splice_exp.build import build
from splice_exp.configuration import resolve
from splice_exp.core.io import write_json
from splice_exp.core.tensors import write_tensors
from splice_exp.evaluation.learned.amortisation import Amortisation
from splice_exp.evaluation.learned.concept_methods import ConceptMethods
from tests.conftest import unit_rows
from tests.evaluation.studies import study_of
from tests.test_configuration import composed

NAMES = [f"thing {number}" for number in range(24)]
CLASSES, SHOTS, DIM = 20, 4, 16
FREE_OF_TRUTH = {  # what needs no truth
    *("methods/unexplained", "cosine/centred", "l0/mean", "methods/top1", "methods/top1_dense", "methods/top1_null"),
    *("methods/recurrence", "methods/recurrence_null", "methods/coherence", "methods/dead", "methods/dense"),
}


@pytest.fixture
def halves(tmp_path):
    """The overrides of files laid out as published caches are, class by class."""
    texts, labels = unit_rows(len(NAMES), DIM, 0), torch.arange(CLASSES).repeat_interleave(SHOTS)
    features = normalize(unit_rows(1, DIM, 1) + texts[labels] + 0.5 * unit_rows(len(labels), DIM, 2), dim=1)
    encoder = {"backbone": "Tiny", "pretrained": "tests"}
    write_tensors(tmp_path / "T.safetensors", {"embeddings": texts.half()})
    write_json(tmp_path / "T.json", {**encoder, "texts": NAMES})
    write_tensors(tmp_path / "E.safetensors", {"embeddings": features.half(), "labels": labels})
    write_json(tmp_path / "E.json", {**encoder, "classes": NAMES[:CLASSES]})
    files = (f"backbone.texts={tmp_path / 'T.safetensors'}", f"data.path={tmp_path / 'E.safetensors'}")
    return ("backbone=precomputed", "data=embeddings_file", "vocabulary=bank", "learned_from=other_half", *files)


@pytest.mark.parametrize("variant", ["vocabulary", "random_like_concepts", "sae_top_k"])
def test_rows_of_methods_are_judged_on_the_second_half(halves, variant):
    study = study_of("experiment=concept_methods", f"variant=concepts/{variant}", "solver.mean_l0=3", *halves)
    metrics = ConceptMethods(bootstrap_resamples=20).evaluate(study).metrics
    assert metrics["data/num_samples"] == CLASSES * SHOTS / 2
    assert metrics.keys() >= FREE_OF_TRUTH
    assert not metrics.keys() & {"methods/matched_f1", "methods/named", "methods/probe"}  # two per class: no probe
    assert metrics["methods/top1_dense"] > metrics["methods/top1_null"] + 0.5
    assert ("methods/agreement" in metrics) == (variant != "vocabulary")
    if variant == "sae_top_k":
        assert metrics["methods/agreement"] > metrics["methods/agreement_null"]
        assert study.dictionary.provenance["train"] == "E"


def test_amortisation_is_certified_on_the_second_half(halves):
    study = study_of("experiment=amortisation", "variant=concepts/sae_top_k", *halves)
    findings = Amortisation(bootstrap_resamples=20).evaluate(study)
    assert findings.metrics["data/num_samples"] == CLASSES * SHOTS / 2
    assert (findings.samples["amortisation/gap"] >= -1e-6).all()


def test_halves_are_of_each_class_and_have_nothing_in_common(halves):
    config = resolve(composed("dictionary=pca", *halves, "data.limit=60"))
    judged, learned = build(config["data"], "data"), build(config["dictionary"], "dictionary").train
    assert not set(judged.sample_ids) & set(learned.sample_ids)
    for part in (judged, learned):
        assert torch.bincount(part.labels, minlength=CLASSES).tolist() == [2] * 15 + [0] * 5
