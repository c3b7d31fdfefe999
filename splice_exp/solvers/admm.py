r"""Alternating direction method of multipliers, with a d × d factor instead of a k × k one.

    x = (2DDᵀ + ρI)⁻¹ (2 X Dᵀ + ρ(w − u)),    w = prox(x + u),    u = u + x − w

By the Woodbury identity the inverse costs two products with k × d matrices and no k × k one:

    (2DDᵀ + ρI)⁻¹ b  =  (1/ρ) [ b − D (DᵀD + (ρ/2) I)⁻¹ Dᵀ b ]

References:
    Boyd, Parikh, Chu, Peleato, Eckstein. Distributed optimization and statistical learning via the
    alternating direction method of multipliers. Foundations and Trends in ML 3(1), 2011 (3.4.3:
    over-relaxation, 6.4: lasso).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError, require_at_least
from splice_exp.core.keys import key_of
from splice_exp.solvers.base import State
from splice_exp.solvers.iterative import IterativeSolver, soft_threshold

PATIENCE = 1000  # iterations after which ρ is lowered for the rows that are left …
LOWER_RHO = 4  # … by this factor


@dataclass(frozen=True, eq=False)
class ADMMState(State):
    """A dictionary, its d × d factorisation folded into the atoms, and ρ.

    Attributes:
        projector: D (DᵀD + (ρ/2) I)⁻¹.
        rho: ρ.
    """

    projector: Float[Tensor, "k d"]
    rho: Float[Tensor, ""]


class Iterates(NamedTuple):
    """Rows of the splitting x = w.

    Attributes:
        codes: w.
        multipliers: The scaled multipliers u.
        correlations: 2 X Dᵀ, which stays the same.
    """

    codes: Float[Tensor, "b k"]
    multipliers: Float[Tensor, "b k"]
    correlations: Float[Tensor, "b k"]


@dataclass(frozen=True, kw_only=True)
class ADMM(IterativeSolver):
    """Solve the lasso by ADMM from a zero start: deterministic, batched, on any device.

    Args:
        rho: Augmented Lagrangian parameter ρ; by default 3 √(k/d), found by trial (results/notes/solvers.md). Every
            1,000 iterations a quarter of it is taken for the rows that are left.
        relaxation: Over-relaxation of x, in (0, 2).
    """

    prepared: ClassVar[type[State]] = ADMMState

    rho: float | None = None
    relaxation: float = 1.6

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rho is not None:
            require_at_least("rho", self.rho, 1e-8)
        require_at_least("relaxation", self.relaxation, 1e-8)
        if self.relaxation >= 2:
            raise SpliceError(f"{key_of('relaxation')} is {self.relaxation}, but must lie above 0 and below 2.")

    def _prepare(self, atoms: Float[Tensor, "k d"]) -> ADMMState:
        """Factor the d × d matrix, in float64."""
        return self._factored(atoms, 3 * math.sqrt(atoms.shape[0] / atoms.shape[1]) if self.rho is None else self.rho)

    def _factored(self, atoms: Float[Tensor, "k d"], rho: float) -> ADMMState:
        exact = atoms.double()
        matrix = exact.T @ exact
        matrix.diagonal().add_(rho / 2)
        projector = torch.cholesky_solve(exact.T, torch.linalg.cholesky(matrix)).T
        return ADMMState(atoms, projector.to(atoms), torch.tensor(rho).to(atoms))

    def _reconsider(
        self, state: State, iterates: tuple[Tensor, ...], iteration: int
    ) -> tuple[State, tuple[Tensor, ...]]:
        """Lower ρ for rows that take long: near-duplicate atoms make them crawl at the ρ that suits the others."""
        if iteration % PATIENCE:
            return state, iterates
        state, (w, u, correlations) = cast(ADMMState, state), cast(Iterates, iterates)
        lowered = self._factored(state.atoms, float(state.rho) / LOWER_RHO)
        return lowered, Iterates(w, u * LOWER_RHO, correlations)  # ρ u, the multiplier itself, stays

    def _start(self, state: State, targets: Float[Tensor, "b d"]) -> Iterates:
        correlations = 2 * targets @ state.atoms.T
        zeros = torch.zeros_like(correlations)
        return Iterates(zeros, zeros, correlations)

    def _step(self, state: State, iterates: tuple[Tensor, ...]) -> Iterates:
        state, (w, u, correlations) = cast(ADMMState, state), cast(Iterates, iterates)
        b = torch.addcmul(correlations, w - u, state.rho)
        x = torch.addmm(b, b @ state.projector, state.atoms.T, alpha=-1) / state.rho
        relaxed = torch.lerp(w, x, self.relaxation)
        w_new = soft_threshold(relaxed + u, self.l1_penalty / state.rho, self.nonnegative)
        return Iterates(w_new, u + relaxed - w_new, correlations)
