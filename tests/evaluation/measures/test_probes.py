"""Probes end at the optimum, choose C by validation, and are the same every time."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import log_softmax

from splice_exp.evaluation.measures.lightning_probe import fit_with_lightning
from splice_exp.evaluation.measures.probes import TOLERANCE, Probe, as_features, fit_probe, fit_with_scikit_learn


def problem(classes, seed=0, n=150, dim=6, noise=0.7):
    random = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = random.standard_normal((classes, dim))
    return as_features(centres[labels] + noise * random.standard_normal((n, dim))), labels


def objective(parameters, features, labels, strength, classes):
    weights, intercept = parameters[:-classes].reshape(classes, -1), parameters[-classes:]
    losses = -log_softmax(features @ weights.T + intercept, axis=1)[np.arange(len(labels)), labels]
    return losses.mean() + (weights**2).sum() / (2 * strength * len(labels))


def test_a_probe_is_the_optimum_of_its_objective():
    features, labels = problem(3)
    probe = fit_probe(features, labels, seed=0, strengths=(10.0,))
    found = objective(np.append(probe.weights, probe.intercept), features, labels, 10.0, 3)
    best = minimize(objective, np.zeros(21), (features, labels, 10.0, 3), tol=1e-9).fun
    assert found == pytest.approx(best, abs=1e-7)
    assert probe.gradient <= 2 * TOLERANCE


@pytest.mark.parametrize("classes", [2, 3])
def test_a_sample_of_weight_two_counts_as_two(classes):
    features, labels = problem(classes)
    twice = np.arange(len(labels)) % 5 == 0
    weights = np.where(twice, 2.0, 1.0) / np.where(twice, 2.0, 1.0).mean()
    rows = np.append(np.arange(len(labels)), np.flatnonzero(twice))
    weighted = fit_probe(features, labels, 0, (10.0,), sample_weights=weights)
    strength = 10.0 * len(labels) / len(rows)  # the penalty is divided by C n
    repeated = fit_probe(features[rows], labels[rows], 0, (strength,))
    np.testing.assert_allclose(weighted.weights, repeated.weights, atol=1e-4)
    assert weighted.gradient <= 2 * TOLERANCE


def test_the_strength_is_chosen_by_weighted_accuracy():
    """Of two probes, one is right on a few heavy samples, the other on the many light ones."""
    features, labels = np.arange(100.0)[:, None], np.arange(100) % 2
    heavy = np.arange(100) % 10 < 2

    class Known(Probe):
        def predict(self, rows):
            right = heavy[rows[:, 0].astype(int)] == (self.strength == 1.0)
            return np.where(right, labels[rows[:, 0].astype(int)], -1)

    def fit(features, labels, strength, tolerance, weights):
        return Known(np.zeros((2, 1)), np.zeros(2), np.arange(2), strength, 0.0)

    weights = np.where(heavy, 4.0, 0.25)
    assert fit_probe(features, labels, 0, (1.0, 10.0), fit).strength == 10.0
    assert fit_probe(features, labels, 0, (1.0, 10.0), fit, weights).strength == 1.0


@pytest.mark.parametrize("classes", [2, 4])
def test_the_gradient_says_when_a_fit_ended_early(monkeypatch, classes):
    features, labels = problem(classes)
    assert fit_probe(features, labels, 0, (10.0,)).gradient <= 2 * TOLERANCE
    monkeypatch.setattr("splice_exp.evaluation.measures.probes.MAX_ITERATIONS", 2)
    with pytest.warns(match="failed to converge"):
        assert fit_probe(features, labels, 0, (10.0,)).gradient > 1e-3


@pytest.mark.parametrize("classes", [2, 5])
def test_dense_and_sparse_features_are_the_same_probe(classes):
    features, labels = problem(classes)
    features[np.abs(features) < 0.5] = 0
    dense, sparse = fit_probe(features, labels, 0), fit_probe(csr_matrix(features), labels, 0)
    np.testing.assert_allclose(dense.weights, sparse.weights, atol=1e-4)
    assert (dense.predict(features) == sparse.predict(csr_matrix(features))).all()
    assert dense.weights.shape == (classes, 6)


def test_the_strength_is_that_of_the_best_validation():
    features, labels = problem(4, n=120, dim=60, noise=3.0)  # few samples, much noise: strong penalties win
    chosen = fit_probe(features, labels, 0, (1e-3, 1e-1, 1e3)).strength
    assert chosen < 1e3
    easy, of_easy = problem(4, noise=0.05)
    assert fit_probe(easy, of_easy, 0, (10.0, 100.0)).strength == 10.0  # equally good: the smaller one


def test_the_same_every_time():
    features, labels = problem(4)
    first, second = (fit_probe(features, labels, seed=3) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)
    assert first.strength == second.strength


@pytest.mark.parametrize("num_classes", [2, 5])
@pytest.mark.parametrize("layout", [np.asarray, csr_matrix])
def test_lightning_finds_the_optimum_of_scikit_learn(num_classes, layout):
    random = np.random.default_rng(0)
    features = random.standard_normal((120, 8)) * (random.random((120, 8)) < 0.6)
    labels = np.array([3, 5, 7, 11, 13])[(features @ random.standard_normal((8, num_classes))).argmax(axis=1)]
    weights = random.permutation(np.linspace(0.5, 1.5, 120))
    fits = fit_with_scikit_learn, fit_with_lightning
    one, other = (fit(layout(features), labels, 10.0, TOLERANCE, weights) for fit in fits)
    assert other.gradient <= 2 * TOLERANCE
    np.testing.assert_allclose(other.weights, one.weights, atol=2e-3)
    assert np.array_equal(other.classes, one.classes)
    assert np.array_equal(other.predict(features), one.predict(features))
