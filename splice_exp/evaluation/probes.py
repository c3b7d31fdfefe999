"""Linear probes: multinomial logistic regression with an L2 penalty, its strength validated, its end checked.

    minimise over W, b    mean_i −log softmax(W z_i + b)_{y_i} + ‖W‖² / (2 C n)

scikit-learn does the fit; the gradient of this objective, computed here, says how near it is to the optimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from splice_exp.core.codes import Codes

STRENGTHS = (1.0, 10.0, 100.0, 1_000.0)  # C to choose from; features have a norm of about 1
VALIDATION_SHARE = 0.2
TOLERANCE = 1e-6  # of the largest entry of the gradient
ROUGHLY = 1e-3  # the same, while C is chosen
MAX_ITERATIONS = 20_000

Features: TypeAlias = Any  # (n, d), a NumPy array or a SciPy matrix in compressed rows


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear classifier.

    Attributes:
        weights: W, (c, d).
        intercept: b, (c,).
        classes: Label of each row of W, (c,).
        strength: C, as validated.
        gradient: Largest absolute entry of the gradient where the fit ended.
    """

    weights: np.ndarray
    intercept: np.ndarray
    classes: np.ndarray
    strength: float
    gradient: float

    def predict(self, features: Features) -> np.ndarray:
        """Return the label of each row."""
        return self.classes[np.asarray(features @ self.weights.T + self.intercept).argmax(axis=1)]


def fit_probe(features: Features, labels: np.ndarray, seed: int, strengths: Sequence[float] = STRENGTHS) -> Probe:
    """Choose C by accuracy on a fifth of the samples, then fit all of them.

    Args:
        features: (n, d), dense or sparse.
        labels: (n,), at least two different ones.
        seed: Of the samples for validation.
        strengths: C to choose from; of equal accuracies the smaller one is taken.
    """
    chosen = strengths[0]
    if len(strengths) > 1:
        rows, held_out = _held_out(labels, seed)
        accuracies = [
            (
                _fit(features[rows], labels[rows], strength, ROUGHLY).predict(features[held_out]) == labels[held_out]
            ).mean()
            for strength in strengths
        ]
        chosen = strengths[int(np.argmax(accuracies))]
    return _fit(features, labels, chosen, TOLERANCE)


def _held_out(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split rows into those to fit and those to validate, by class where every class has two."""
    _, counts = np.unique(labels, return_counts=True)
    fifth = max(round(VALIDATION_SHARE * len(labels)), 1)
    by_class = labels if counts.min() >= 2 and fifth >= len(counts) else None
    rows, held_out = train_test_split(np.arange(len(labels)), test_size=fifth, random_state=seed, stratify=by_class)
    return rows, held_out


def _fit(features: Features, labels: np.ndarray, strength: float, tolerance: float) -> Probe:
    model = LogisticRegression(C=strength, tol=tolerance, max_iter=MAX_ITERATIONS)
    model.fit(features, labels)
    weights, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one row: the score of the second class
        weights, intercept = np.vstack([-weights / 2, weights / 2]), np.array([-intercept[0] / 2, intercept[0] / 2])
    return Probe(weights, intercept, model.classes_, strength, _gradient(features, labels, model, strength))


def _gradient(features: Features, labels: np.ndarray, model: LogisticRegression, strength: float) -> float:
    """Return the largest absolute entry of the gradient, in the parameters that scikit-learn fits."""
    scores = np.asarray(features @ model.coef_.T + model.intercept_)
    n = len(labels)
    if len(model.classes_) == 2:
        chance = softmax(np.hstack([np.zeros_like(scores), scores]), axis=1)[:, 1:]
        errors = chance - (labels == model.classes_[1])[:, None]
    else:
        errors = softmax(scores, axis=1) - (labels[:, None] == model.classes_)
    of_weights = np.asarray((features.T @ errors).T) / n + model.coef_ / (strength * n)
    return float(max(np.abs(of_weights).max(), np.abs(errors.mean(axis=0)).max()))


def as_features(values: Any) -> Features:
    """Return dense features in float64, as the fit needs them: in float32 the gradient would end at 1e-4."""
    return np.asarray(values, dtype=np.float64)


def code_features(codes: Codes) -> Features:
    """Return codes as sparse features in float64."""
    parts = (codes.values.double().numpy(), codes.indices.numpy(), codes.indptr.numpy())
    return csr_matrix(parts, shape=(len(codes), codes.num_concepts))
