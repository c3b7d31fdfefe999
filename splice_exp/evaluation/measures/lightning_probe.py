"""The same linear probe for data that scikit-learn is too slow for: L-BFGS on all samples, by Lightning, on any device.

    minimise over W, b    mean_i −v_i log softmax(W z_i + b)_{y_i} + ‖W‖² / (2 C n)

Two classes have one row of W, as in scikit-learn: the score of the second; so both find the same optimum.

References:
    Liu, Nocedal. On the limited memory BFGS method for large scale optimization. Mathematical Programming 45, 1989.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import issparse
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from splice_exp.core.packages.lightning import lightning
from splice_exp.evaluation.measures.probes import Features, Probe, gradient_of

STEPS = 40  # L-BFGS steps per epoch; between epochs the gradient is looked at
EPOCHS = 500
HISTORY = 20


class LinearProbe(lightning.LightningModule):
    """Multinomial logistic regression on one batch of all samples, in float64.

    Args:
        dim: d.
        num_classes: At least 2; of two classes only the second has weights.
        penalty: Of half the squared norm of the weights, beside the mean loss; the intercept has none.
        tolerance: Largest entry of the gradient at which L-BFGS stops.
    """

    def __init__(self, dim: int, num_classes: int, penalty: float, tolerance: float) -> None:
        super().__init__()
        rows = 1 if num_classes == 2 else num_classes
        self.weights = torch.nn.Parameter(torch.zeros(rows, dim, dtype=torch.float64))
        self.intercept = torch.nn.Parameter(torch.zeros(rows, dtype=torch.float64))
        self._penalty, self._tolerance = penalty, tolerance

    def training_step(self, batch: Sequence[Tensor], index: int) -> Float[Tensor, ""]:
        """Return the objective of features, labels and sample weights.

        Args:
            batch: Features (n, d), dense or sparse; labels 0 … c − 1; sample weights with mean 1.
            index: Number of the batch; not used.
        """
        features, labels, sample_weights = batch
        product = torch.sparse.mm if features.is_sparse else torch.matmul
        scores = product(features, self.weights.T) + self.intercept
        if scores.shape[1] == 1:
            scores = torch.cat([torch.zeros_like(scores), scores], dim=1)
        losses = cross_entropy(scores, labels, reduction="none")
        return (sample_weights * losses).mean() + self._penalty / 2 * self.weights.square().sum()

    def on_train_epoch_end(self) -> None:
        """Stop where the gradient vanishes."""
        gradients = [parameter.grad for parameter in self.parameters() if parameter.grad is not None]
        if gradients and max(float(gradient.abs().max()) for gradient in gradients) <= self._tolerance:
            self.trainer.should_stop = True

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Take L-BFGS with a line search.

        Returns:
            The optimizer of all parameters.
        """
        return torch.optim.LBFGS(
            self.parameters(),
            max_iter=STEPS,
            history_size=HISTORY,
            line_search_fn="strong_wolfe",
            tolerance_grad=self._tolerance,
            tolerance_change=0.0,
        )


def fit_with_lightning(
    features: Features, labels: np.ndarray, strength: float, tolerance: float, sample_weights: np.ndarray
) -> Probe:
    """Fit one probe; arguments and result as of scikit-learn's.

    Args:
        features: (n, d), dense or sparse.
        labels: (n,), at least two different ones.
        strength: C, the inverse of the penalty: 1 / (C n) of half the squared norm of the weights.
        tolerance: Largest entry of the gradient at which L-BFGS stops.
        sample_weights: v, (n,), with mean 1: of each sample in the loss.
    """
    classes, targets = np.unique(labels, return_inverse=True)
    if issparse(features):
        entries = features.tocoo()
        places = torch.from_numpy(np.stack([entries.row, entries.col]).astype(np.int64))
        given = torch.sparse_coo_tensor(
            places, torch.from_numpy(entries.data), entries.shape, check_invariants=True
        ).coalesce()
    else:
        given = torch.from_numpy(features)
    module = LinearProbe(given.shape[1], len(classes), 1 / (strength * len(labels)), tolerance)
    batches: Sequence[Any] = [(given, torch.from_numpy(targets), torch.from_numpy(sample_weights))]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        _quiet_trainer().fit(module, DataLoader(batches, batch_size=None))  # type: ignore[arg-type]
    weights, intercept = (parameter.detach().cpu().numpy() for parameter in (module.weights, module.intercept))
    gradient = gradient_of(features, targets, weights, intercept, strength, sample_weights)
    if len(classes) == 2:
        weights, intercept = np.vstack([-weights / 2, weights / 2]), np.array([-intercept[0] / 2, intercept[0] / 2])
    return Probe(weights, intercept, classes, strength, gradient)


def _quiet_trainer() -> lightning.Trainer:
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
    return lightning.Trainer(
        max_epochs=EPOCHS,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
