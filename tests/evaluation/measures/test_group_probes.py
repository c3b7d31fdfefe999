"""Probes that know the groups do not follow what the class comes with."""

import numpy as np
import pytest

from splice_exp.evaluation.measures.group_probes import fit_retrained, fit_reweighted
from splice_exp.evaluation.measures.probes import TOLERANCE, fit_probe


def samples(agreement, n=1200, seed=0):
    """Return features of a weak class and a strong attribute that agree so often, labels, and groups."""
    random = np.random.default_rng(seed)
    labels = random.integers(2, size=n)
    values = np.where(random.random(n) < agreement, labels, 1 - labels)
    features = np.stack([labels * 2.0, values * 2.0], axis=1) + random.standard_normal((n, 2)) * [1.2, 0.2]
    return features, labels, 2 * labels + values


def worst(probe, features, labels, groups):
    right = probe.predict(features) == labels
    return min(right[groups == group].mean() for group in range(4))


@pytest.fixture(scope="module")
def parts():
    return samples(0.95), samples(0.5, seed=1)


def test_a_plain_probe_fails_where_informed_ones_do_not(parts):
    train, test = parts
    plain = fit_probe(*train[:2], seed=0)
    assert worst(plain, *test) < 0.5
    assert worst(fit_reweighted(*train, seed=0), *test) > worst(plain, *test) + 0.2
    assert worst(fit_retrained(*train, seed=0), *test) > worst(plain, *test) + 0.2


def test_groups_of_equal_size_change_nothing():
    features, labels, groups = samples(0.5)
    smallest = np.bincount(groups).min()
    rows = np.concatenate([np.flatnonzero(groups == group)[:smallest] for group in range(4)])
    balanced = features[rows], labels[rows], groups[rows]
    plain, reweighted = fit_probe(*balanced[:2], seed=0), fit_reweighted(*balanced, seed=0)
    np.testing.assert_allclose(reweighted.weights, plain.weights, atol=1e-6)
    np.testing.assert_allclose(fit_retrained(*balanced, seed=0).weights, plain.weights, atol=1e-3)


def test_the_average_is_of_subsets_and_says_how_the_worst_fit_ended(parts):
    train, _ = parts
    first, again = fit_retrained(*train, seed=0), fit_retrained(*train, seed=0)
    assert np.array_equal(first.weights, again.weights)
    assert not np.array_equal(first.weights, fit_retrained(*train, seed=1).weights)
    assert first.gradient <= 2 * TOLERANCE
    np.testing.assert_allclose(first.weights[0], -first.weights[1])
