"""The amortisation gap of dictionaries of a run."""

import numpy as np
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.learned.amortisation import Amortisation
from tests.evaluation.studies import study_of

PLANTED = ("data=planted", "data.num_samples=80", "data@dictionary.train=planted", "dictionary.train.seed=7")


def of(dictionary, *changed, **options):
    study = study_of(*PLANTED, f"dictionary={dictionary}", "dictionary.train.num_samples=300", *changed)
    return study, Amortisation(bootstrap_resamples=50, **options).evaluate(study)


def test_what_is_found():
    study, found = of("sae_top_k", "dictionary.size=32", "dictionary.target_l0=3", "dictionary.epochs=5")
    metrics, samples = found.metrics, found.samples
    np.testing.assert_allclose(
        samples["amortisation/gap"], samples["amortisation/values"] + samples["amortisation/selection"], atol=1e-12
    )
    assert (samples["amortisation/gap"] >= -1e-6).all()
    assert metrics["amortisation/gap"] == pytest.approx(samples["amortisation/gap"].mean())
    assert metrics["amortisation/gap_ci_low"] < metrics["amortisation/gap"] < metrics["amortisation/gap_ci_high"]
    assert metrics["amortisation/l0_encoder"] == pytest.approx(3, abs=0.1)
    assert metrics["amortisation/l0_solver"] == pytest.approx(metrics["amortisation/l0_encoder"], abs=0.1)
    assert metrics["amortisation/suboptimal"] > 0.9
    assert metrics["solver/gap_max"] < 1e-6
    assert metrics["data/num_samples"] == len(study.embeddings) == 80
    active = found.tables["atoms"]["share of samples"]
    assert active.sum() == pytest.approx(metrics["amortisation/l0_encoder"])
    assert metrics["amortisation/dead"] == pytest.approx((active == 0).mean())
    assert metrics["amortisation/dense"] == pytest.approx((active > 0.1).mean())


def test_an_untrained_encoder_explains_less():
    changed = ("dictionary.size=32", "dictionary.target_l0=3", "dictionary.epochs=20", "dictionary.batch_size=32")
    trained, untrained = (of("sae_top_k", *changed, f"dictionary.trained={one}")[1].metrics for one in (True, False))
    name = "amortisation/unexplained_encoder"
    assert trained[f"{name}_ci_high"] < untrained[f"{name}_ci_low"]


def test_principal_components_are_near_their_optimum_at_a_small_penalty():
    _, found = of("pca", "dictionary.size=8", l1_penalty=0.001)
    assert found.metrics["amortisation/penalty"] == 0.001
    assert 0 <= found.metrics["amortisation/gap"] < 1e-3


def test_without_an_encoder_there_is_nothing_to_compare():
    with pytest.raises(SpliceError, match="has no encoder of its own"):
        of("dictionary_learning", "dictionary.size=8", "dictionary.max_iter=1")
