"""Least squares of minimum norm, w = x D⁺: dense and signed, the reconstruction that no sparse code can beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of
from splice_exp.solvers.base import Solved, State, SupportSolver


@dataclass(frozen=True, eq=False)
class LeastSquaresState(State):
    """A dictionary and its pseudoinverse.

    Attributes:
        pseudoinverse: D⁺.
    """

    pseudoinverse: Float[Tensor, "d k"]


@dataclass(frozen=True, kw_only=True)
class LeastSquares(SupportSolver):
    """Solve min ‖x − w D‖² with the smallest ‖w‖₂: the dense baseline, all k concepts active.

    Raises:
        SpliceError: if `nonnegative`: that problem is the lasso with a vanishing penalty.
    """

    prepared: ClassVar[type[State]] = LeastSquaresState

    nonnegative: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nonnegative:
            raise SpliceError(
                f"{key_of('nonnegative')} is true, but least squares is signed: set it to false, or take "
                "solver=active_set with a small l1_penalty for the nonnegative problem."
            )

    def _prepare(self, atoms: Float[Tensor, "k d"]) -> LeastSquaresState:
        """Compute D⁺ in float64."""
        return LeastSquaresState(atoms, torch.linalg.pinv(atoms.double()).to(atoms))

    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> Solved:
        state = cast(LeastSquaresState, state)
        return self._certified(
            state, targets, targets @ state.pseudoinverse, torch.ones(len(targets), dtype=torch.int64)
        )
