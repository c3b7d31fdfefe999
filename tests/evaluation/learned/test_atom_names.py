"""Names of atoms of a run, judged by the truth and by each other."""

import numpy as np
import pytest

from splice_exp.core.truth import GroundTruth
from splice_exp.dictionaries.learned.naming import WAYS
from splice_exp.evaluation.learned.atom_names import PAIRS, AtomNames, precision
from tests.evaluation.learned.test_amortisation import PLANTED
from tests.evaluation.studies import study_of


def test_names_of_learned_atoms_are_better_than_shuffled_ones():
    learned = ("dictionary=k_means", "dictionary.size=24", "dictionary.train.num_samples=400")
    found = AtomNames(bootstrap_resamples=50).evaluate(study_of(*PLANTED, *learned))
    metrics = found.metrics
    for way in WAYS:
        name = f"naming/precision_{way}"
        assert metrics[f"{name}_ci_low"] > metrics[f"{name}_null_ci_high"]
        assert 0 < metrics[f"naming/distinct_{way}"] <= 1
    for first, second in PAIRS:
        assert metrics[f"naming/agreement_{first}_{second}"] > metrics[f"naming/agreement_{first}_{second}_null"]
        assert metrics[f"naming/agreement_{first}_{second}"] >= metrics["naming/agreement_all"] > 0
    assert metrics["naming/gap_max"] < 1e-6
    table = found.tables["atoms"]
    assert metrics["naming/num_atoms"] == (table["samples"] > 0).sum()
    assert (np.diff(table["samples"]) <= 0).all()
    named = table["as a sum"].str.contains(" ")
    assert (table["by decomposition"][named] != "").all()
    assert metrics["naming/unexplained"] == pytest.approx(table["unexplained"][table["samples"] > 0].mean())


def test_atoms_that_are_texts_carry_their_names():
    found = AtomNames(bootstrap_resamples=50).evaluate(study_of("data=planted", "data.num_samples=80"))
    table = found.tables["atoms"]
    assert (table["by text"] == table["atom"]).all()
    assert (table["by decomposition"] == table["atom"]).all()
    assert found.metrics["naming/agreement_text_decomposition"] == 1


def test_an_atom_without_a_name_says_nothing():
    kinds = {"red": "colour", "cat": "object"}
    truth = GroundTruth({name: name for name in kinds}, kinds, ((frozenset({"cat"}),),) * 3, (frozenset(),) * 3)
    found = precision([[0, 1], [0, 2], [2]], ["cat", "red", ""], truth)
    np.testing.assert_allclose(found, [0.5, 1, 0])
