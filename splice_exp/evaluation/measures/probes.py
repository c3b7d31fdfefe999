"""Linear probes: multinomial logistic regression with an L2 penalty, its strength validated, its end checked.

    minimise over W, b    mean_i −v_i log softmax(W z_i + b)_{y_i} + ‖W‖² / (2 C n)        v_i = 1 unless given

scikit-learn does the fit, or Lightning for large data (`lightning_probe`); the gradient of this objective, computed
here, says how near it is to the optimum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold

from splice_exp.core.codes import Codes
from splice_exp.core.measures import Join, Measure, Unit

STRENGTHS = (1.0, 10.0, 100.0, 1_000.0, 10_000.0)  # C to choose from; features have a norm of about 1
FOLDS = 5
TOLERANCE = 1e-6  # of the largest entry of the gradient
ROUGHLY = 1e-3  # the same, while C is chosen
MAX_ITERATIONS = 20_000

Features: TypeAlias = Any  # (n, d), a NumPy array or a SciPy matrix in compressed rows
Fit: TypeAlias = Callable[[Any, np.ndarray, float, float, Any], Any]  # features, labels, C, tolerance, v → Probe

NUM_TRAIN = Measure("probing/num_train_samples", "training n", Unit.COUNT)


def gradient_measure(name: str) -> Measure:
    """Declare the largest entry of the gradients of some probes, which says whether they have converged."""
    return Measure(name, "probe gradient", Unit.BOUND, False, Join.LARGEST, floor=TOLERANCE)


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


def fit_probe(
    features: Features,
    labels: np.ndarray,
    seed: int,
    strengths: Sequence[float] = STRENGTHS,
    fit: Fit | None = None,
    sample_weights: np.ndarray | None = None,
) -> Probe:
    """Choose C by accuracy in cross-validation, then fit all samples.

    Args:
        features: (n, d), dense or sparse.
        labels: (n,), at least two different ones.
        seed: Of the folds.
        strengths: C to choose from; of equal accuracies the smaller one is taken.
        fit: Finds the optimum for one C; by default scikit-learn does.
        sample_weights: v, (n,), with mean 1: of each sample in the loss and in the accuracy; by default all the same.

    Returns:
        The probe with the chosen C.
    """
    fit = fit or fit_with_scikit_learn
    weights = np.ones(len(labels)) if sample_weights is None else sample_weights
    chosen = strengths[0]
    if len(strengths) > 1:
        folds = _folds(labels, seed)
        right = [
            sum(
                weights[others]
                @ (
                    fit(features[rows], labels[rows], strength, ROUGHLY, weights[rows]).predict(features[others])
                    == labels[others]
                )
                for rows, others in folds
            )
            for strength in strengths
        ]
        chosen = strengths[int(np.argmax(right))]
    return fit(features, labels, chosen, TOLERANCE, weights)


def _folds(labels: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return rows to fit and rows to judge, fold by fold; by class where every class has as many samples as folds."""
    _, counts = np.unique(labels, return_counts=True)
    folds = StratifiedKFold if counts.min() >= FOLDS else KFold
    return list(folds(min(FOLDS, len(labels)), shuffle=True, random_state=seed).split(labels, labels))


def fit_with_scikit_learn(
    features: Features, labels: np.ndarray, strength: float, tolerance: float, sample_weights: np.ndarray
) -> Probe:
    """Fit one probe.

    Args:
        features: (n, d), dense or sparse.
        labels: (n,).
        strength: C.
        tolerance: Of the largest entry of the gradient.
        sample_weights: v, (n,).
    """
    model = LogisticRegression(C=strength, tol=tolerance, max_iter=MAX_ITERATIONS)
    model.fit(features, labels, sample_weights)
    weights, intercept = model.coef_, model.intercept_
    targets = np.searchsorted(model.classes_, labels)
    gradient = gradient_of(features, targets, weights, intercept, strength, sample_weights)
    if len(model.classes_) == 2:  # scikit-learn keeps one row: the score of the second class
        weights, intercept = np.vstack([-weights / 2, weights / 2]), np.array([-intercept[0] / 2, intercept[0] / 2])
    return Probe(weights, intercept, model.classes_, strength, gradient)


def gradient_of(
    features: Features,
    targets: np.ndarray,
    weights: np.ndarray,
    intercept: np.ndarray,
    strength: float,
    sample_weights: np.ndarray,
) -> float:
    """Return the largest absolute entry of the gradient, in the parameters that are fitted.

    Args:
        features: (n, d).
        targets: Place of each label among the classes, (n,).
        weights: (c, d), or (1, d) for two classes: the score of the second.
        intercept: (c,) or (1,).
        strength: C.
        sample_weights: v, (n,).
    """
    scores = np.asarray(features @ weights.T + intercept)
    n = len(targets)
    if len(weights) == 1:
        chance = softmax(np.hstack([np.zeros_like(scores), scores]), axis=1)[:, 1:]
        errors = chance - (targets == 1)[:, None]
    else:
        errors = softmax(scores, axis=1) - (targets[:, None] == np.arange(len(weights)))
    errors = errors * sample_weights[:, None]
    of_weights = np.asarray((features.T @ errors).T) / n + weights / (strength * n)
    return float(max(np.abs(of_weights).max(), np.abs(errors.mean(axis=0)).max()))


def as_features(values: Any) -> Features:
    """Return dense features in float64, as the fit needs them: in float32 the gradient would end at 1e-4."""
    return np.asarray(values, dtype=np.float64)


def code_features(codes: Codes) -> Features:
    """Return codes as sparse features in float64."""
    parts = (codes.values.double().numpy(), codes.indices.numpy(), codes.indptr.numpy())
    return csr_matrix(parts, shape=(len(codes), codes.num_concepts))
