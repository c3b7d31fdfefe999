"""The sign-flip test: exact on few pairs, right under the null, and sharp where there is a difference."""

from itertools import product

import numpy as np
import pytest

from splice_exp.core.statistics.permutation import sign_flip_level


def exact(differences):
    sums = [np.dot(signs, differences) for signs in product((-1, 1), repeat=len(differences))]
    return np.mean(np.array(sums) >= differences.sum() - 1e-12)


def test_few_pairs_have_the_level_of_all_their_signs():
    differences = np.array([0.5, 0.2, -0.1, 0.4, 0.3, -0.2])
    assert sign_flip_level(differences, 20000, 0) == pytest.approx(exact(differences), abs=0.01)


def test_pairs_that_are_alike_are_not_told_apart():
    random = np.random.default_rng(0)
    levels = [sign_flip_level(random.standard_normal(40), 199, seed) for seed in range(300)]
    assert np.mean(np.array(levels) <= 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(levels) == pytest.approx(0.5, abs=0.06)


def test_a_difference_is_found_in_its_direction_only():
    differences = 0.5 + np.random.default_rng(1).standard_normal(100)
    assert sign_flip_level(differences, 999, 0) == 0.001
    assert sign_flip_level(-differences, 999, 0) > 0.99


def test_no_level_is_zero_and_draws_are_seeded():
    assert sign_flip_level(np.ones(50), 99, 0) == 0.01
    assert sign_flip_level(np.zeros(50), 99, 0) == 1
    values = np.random.default_rng(2).standard_normal(30)
    assert sign_flip_level(values, 500, 7) == sign_flip_level(values, 500, 7)
