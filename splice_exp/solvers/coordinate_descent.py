"""Coordinate descent by scikit-learn, row by row in float64: the slow reference that all others are held to."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso
from torch import Tensor

from splice_exp.solvers.base import LassoSolver, Solved, State
from splice_exp.solvers.objective import to_sklearn_alpha


@dataclass(frozen=True, kw_only=True)
class CoordinateDescent(LassoSolver):
    """Solve the lasso with `sklearn.linear_model.Lasso`, whose design matrix is Dᵀ (d "samples", k "features").

    scikit-learn stops at (its gap) ≤ tol ‖x‖², and its objective is ours divided by 2d; `tol` is passed on
    such that the gap of our objective is at most `tol`. An unpenalised problem (L = 0) has no finite dual
    bound there, so it runs to `max_iterations`.
    """

    tol: float = 1e-10
    max_iterations: int = 100_000

    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> Solved:
        dim = targets.shape[1]
        lasso = Lasso(
            alpha=to_sklearn_alpha(self.l1_penalty, dim),
            fit_intercept=False,
            positive=self.nonnegative,
            max_iter=self.max_iterations,
            tol=self.tol / 2,
        )
        design = state.atoms.T.double().cpu().numpy()
        with warnings.catch_warnings():  # the certificate says it, row by row and on the right scale
            warnings.simplefilter("ignore", ConvergenceWarning)
            lasso.fit(design, targets.T.double().cpu().numpy())
        codes = torch.from_numpy(lasso.coef_.reshape(len(targets), -1))
        num_iterations = torch.as_tensor(lasso.n_iter_, dtype=torch.int64).reshape(-1)
        return self._certified(state, targets, codes.to(targets.device), num_iterations)
