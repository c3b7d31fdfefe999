"""The table of methods: texts that are the true concepts recover them, and controls do not."""

import pytest

from splice_exp.evaluation.learned.concept_methods import ConceptMethods
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
