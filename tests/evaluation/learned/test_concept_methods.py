"""The table of methods: texts that are the true concepts recover them, and controls do not."""

import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.data.counterfactuals.scenes import CounterfactualScenes
from splice_exp.data.scenes.plain import Scenes
from splice_exp.evaluation.learned.concept_methods import ConceptMethods
from splice_exp.evaluation.learned.counterfactuals import Counterfactuals
from tests.evaluation.learned.test_amortisation import PLANTED
from tests.evaluation.studies import study_of

SOLVER = ("solver=path", "solver.target_l0=null", "solver.mean_l0=3", "data.num_samples=200")


def of(*overrides):
    return ConceptMethods(bootstrap_resamples=50).evaluate(study_of("data=planted", *SOLVER, *overrides))


@pytest.fixture(scope="module")
def texts():
    return of()


def test_what_is_found_by_texts(texts):
    metrics = texts.metrics
    assert metrics["methods/matched_f1"] > metrics["methods/matched_f1_null"] + 0.3
    assert metrics["methods/coalition_f1"] >= metrics["methods/matched_f1"] - 0.02
    assert metrics["methods/coalition_f1_ceiling"] > metrics["methods/coalition_f1_null"] + 0.4
    assert metrics["methods/top1"] > metrics["methods/top1_null"] + 0.3
    assert metrics["l0/mean"] == pytest.approx(3, abs=0.1)
    assert metrics["methods/unexplained"] == pytest.approx(texts.samples["methods/unexplained"].mean())
    assert metrics["methods/named"] > metrics["methods/named_null"] + 0.5
    assert metrics["methods/probe"] > metrics["methods/probe_null"] + 0.15
    assert metrics["methods/probe_dense"] > metrics["methods/probe_null"] + 0.15
    assert metrics["methods/recurrence"] == pytest.approx(1)  # nothing is drawn
    assert metrics["methods/recurrence_null"] < 0.6
    assert 0 < metrics["methods/coherence"] < 1
    table = texts.tables["concepts"]
    assert metrics["methods/num_concepts"] == len(table)
    assert (table["concept"] == table["atom"]).mean() > 0.7
    assert metrics["methods/matched_f1"] == pytest.approx(table["F1"].mean())


def test_directions_without_meaning_recover_less(texts):
    random = of("dictionary=random_like_concepts").metrics
    assert random["methods/matched_f1"] < texts.metrics["methods/matched_f1"] - 0.1
    assert random["methods/unexplained"] > texts.metrics["methods/unexplained"]


def test_learned_atoms_need_no_names_to_be_judged():
    changed = ("dictionary=k_means", "dictionary.size=24", "dictionary.train.num_samples=400", *PLANTED[2:])
    metrics = of(*changed).metrics
    assert metrics["methods/matched_f1"] > metrics["methods/matched_f1_null"]
    assert metrics["methods/num_atoms"] == 24
    assert metrics["methods/named"] > metrics["methods/named_null"]
    assert metrics["methods/recurrence_null"] < metrics["methods/recurrence"] < 0.9999


def test_pairs_say_how_selective_atoms_are():
    """Codes respond to what is changed, rightly and more than to what changes in another pair of the kind."""
    study = study_of("backbone=scenes_clip", "data=scenes", "data.num_samples=600", *SOLVER[:2], "solver.mean_l0=10")
    metrics = ConceptMethods(CounterfactualScenes(560, split="test"), bootstrap_resamples=50).evaluate(study).metrics
    assert metrics["methods/direction"] > metrics["methods/direction_null"] + 0.04
    assert metrics["methods/selectivity"] > metrics["methods/selectivity_null"] + 0.01
    assert (
        metrics["methods/selectivity_ci_low"] < metrics["methods/selectivity"] < metrics["methods/selectivity_ci_high"]
    )


def test_pairs_are_those_of_counterfactuals(texts):
    assert "methods/selectivity" not in texts.metrics  # without pairs
    study = study_of(
        "backbone=scenes_clip", "data=scenes_counterfactuals", "data.num_samples=140", *SOLVER[:2], "solver.mean_l0=10"
    )
    by_codes = ConceptMethods(study.data, bootstrap_resamples=50).evaluate(study).metrics
    alone = Counterfactuals(study.data, None, meaning="matched", bootstrap_resamples=50).evaluate(study).metrics
    for name in ("direction", "selectivity", "direction_null", "selectivity_null"):
        assert by_codes[f"methods/{name}"] == pytest.approx(alone[f"counterfactuals/{name}"], abs=1e-12)


def test_other_images_are_no_pairs():
    with pytest.raises(SpliceError, match="pairs is scenes, but must be pairs of images that differ in one thing"):
        ConceptMethods(Scenes(20))
