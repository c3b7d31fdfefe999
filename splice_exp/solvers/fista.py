r"""Accelerated proximal gradient with adaptive restart.

    w⁺ = prox( v + (1/ℓ) 2(x − v D) Dᵀ ),    v⁺ = w⁺ + β (w⁺ − w),    ℓ = 2 ‖D‖₂²

The momentum β of a row is reset whenever it points uphill (gradient scheme), which restores the linear
rate without knowing the curvature.

References:
    Beck, Teboulle. A fast iterative shrinkage-thresholding algorithm. SIAM J. Imaging Sciences 2(1), 2009.
    O'Donoghue, Candès. Adaptive restart for accelerated gradient schemes. Found. Comput. Math. 15, 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.solvers import objective
from splice_exp.solvers.base import State
from splice_exp.solvers.iterative import IterativeSolver, soft_threshold


@dataclass(frozen=True, eq=False)
class FISTAState(State):
    """A dictionary, and how steep its objective can become.

    Attributes:
        lipschitz: The Lipschitz constant ℓ = 2 ‖D‖₂² of the gradient.
    """

    lipschitz: Float[Tensor, ""]


class Iterates(NamedTuple):
    """Rows of the iteration.

    Attributes:
        codes: w.
        extrapolated: v, the point from which the next step goes.
        momentum: t, of which β = (t − 1) / t⁺.
        targets: X, which stays the same.
    """

    codes: Float[Tensor, "b k"]
    extrapolated: Float[Tensor, "b k"]
    momentum: Float[Tensor, "b 1"]
    targets: Float[Tensor, "b d"]


@dataclass(frozen=True, kw_only=True)
class FISTA(IterativeSolver):
    """Solve the lasso by FISTA, each row with its own restarts."""

    prepared: ClassVar[type[State]] = FISTAState

    def _prepare(self, atoms: Float[Tensor, "k d"]) -> FISTAState:
        """Compute ℓ = 2 ‖D‖₂² from the d × d matrix DᵀD."""
        exact = atoms.double()
        largest = torch.linalg.eigvalsh(exact.T @ exact)[-1]
        return FISTAState(atoms, (2 * largest).to(atoms))

    def _start(self, state: State, targets: Float[Tensor, "b d"]) -> Iterates:
        zeros = targets.new_zeros(len(targets), len(state.atoms))
        return Iterates(zeros, zeros, targets.new_ones(len(targets), 1), targets)

    def _step(self, state: State, iterates: tuple[Tensor, ...]) -> Iterates:
        state, (w, v, t, targets) = cast(FISTAState, state), cast(Iterates, iterates)
        r = objective.residual(targets, state.atoms, v)
        ascent = torch.addmm(v, r, state.atoms.T, alpha=2 / float(state.lipschitz))
        w_new = soft_threshold(ascent, self.l1_penalty / state.lipschitz, self.nonnegative)
        moved = w_new - w
        uphill = ((v - w_new) * moved).sum(dim=1, keepdim=True) > 0
        t = torch.where(uphill, 1.0, t)
        t_new = (1 + (1 + 4 * t.square()).sqrt()) / 2
        return Iterates(w_new, torch.addcmul(w_new, (t - 1) / t_new, moved), t_new, targets)
