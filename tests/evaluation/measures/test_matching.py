"""Atoms that are concepts are matched with them; what is learned of one half is judged on the other."""

import numpy as np
import pytest
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.truth import GroundTruth
from splice_exp.evaluation.measures.matching import ceiling, concepts_in, f1, f1_of_pairs, match

RANDOM = np.random.default_rng(0)
THERE = RANDOM.random((400, 4)) < 0.3
FITTED = RANDOM.random(400) < 0.5
NAMES = ("red", "blue", "cat", "dog")


def codes_of(*columns):
    return Codes.from_dense(torch.from_numpy(np.stack(columns, axis=1)).float())


def test_atoms_in_another_order_and_an_atom_of_noise():
    noise = RANDOM.random(400) * (RANDOM.random(400) < 0.5)
    strength = RANDOM.uniform(0.6, 1, 400)
    columns = [noise, *(THERE[:, concept] * strength for concept in (2, 0, 3, 1))]
    found = match(codes_of(*columns), THERE, NAMES, FITTED)
    assert found.atoms.tolist() == [2, 4, 1, 3]
    np.testing.assert_array_equal(found.one_to_one, 1)
    np.testing.assert_array_equal(found.coalition, 1)
    np.testing.assert_array_equal(found.sizes, 1)


def test_a_concept_that_two_atoms_share_needs_a_coalition():
    half = np.arange(400) % 2 == 0
    columns = [THERE[:, 0] & half, THERE[:, 0] & ~half, THERE[:, 1], THERE[:, 2], THERE[:, 3]]
    found = match(codes_of(*(column.astype(float) for column in columns)), THERE, NAMES, FITTED)
    assert found.one_to_one[0] == pytest.approx(2 / 3, abs=0.08)
    assert found.coalition[0] == 1
    assert found.sizes.tolist() == [2, 1, 1, 1]


def test_weak_codes_can_be_left_out_by_a_threshold():
    column = np.where(THERE[:, 0], 1.0, 0.3)  # active everywhere
    found = match(codes_of(column), THERE[:, :1], NAMES[:1], FITTED)
    assert found.one_to_one[0] == 1


def test_atoms_are_chosen_by_the_first_half_alone():
    column = np.where(FITTED, THERE[:, 0], ~THERE[:, 0]).astype(float)  # right where it is fitted, wrong elsewhere
    found = match(codes_of(column, np.zeros(400)), THERE[:, :1], NAMES[:1], FITTED)
    assert found.atoms.tolist() == [0]
    assert found.one_to_one[0] == found.coalition[0] == 0


def test_fewer_atoms_than_concepts():
    found = match(codes_of(THERE[:, 1].astype(float)), THERE, NAMES, FITTED)
    assert found.atoms.tolist().count(-1) == 3
    assert found.one_to_one[1] == 1


def test_f1_of_pairs_is_f1():
    from scipy.sparse import csr_matrix

    active = RANDOM.random((400, 3)) < 0.4
    pairs = f1_of_pairs(csr_matrix(active.astype(float)), THERE)
    for atom in range(3):
        for concept in range(4):
            assert pairs[atom, concept] == pytest.approx(f1(active[:, atom], THERE[:, concept]))
    assert f1(np.zeros(3, dtype=bool), np.zeros(3, dtype=bool)) == 0


def test_a_regression_finds_what_is_linear():
    features = RANDOM.standard_normal((400, 8))
    there = np.stack([features[:, 0] > 0.5, RANDOM.random(400) < 0.3], axis=1)
    found = ceiling(features, there, FITTED)
    assert found[0] > 0.85
    assert found[1] < 0.6


def test_concepts_that_all_or_no_samples_have_are_left_out():
    kinds = {"red": "colour", "blue": "colour", "cat": "object"}
    objects = tuple((frozenset({"cat", "red" if sample % 2 else "blue"} - {"blue"}),) for sample in range(8))
    truth = GroundTruth({name: name for name in kinds}, kinds, objects, (frozenset(),) * 8)
    concepts, there = concepts_in(truth, np.arange(8) < 4)
    assert concepts == ("red",)
    np.testing.assert_array_equal(there[:, 0], np.arange(8) % 2 == 1)
