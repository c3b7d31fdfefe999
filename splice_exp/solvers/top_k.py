"""Top-k: take the k atoms that correlate best with the target, then least squares on them. The simplest baseline."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import require_integer
from splice_exp.solvers.base import Solved, State, SupportSolver, require_enough
from splice_exp.solvers.least_squares_on_support import solve_on_support
from splice_exp.solvers.search import highest


@dataclass(frozen=True, kw_only=True)
class TopK(SupportSolver):
    """Choose `target_l0` atoms by ⟨d_i, x⟩ (by |⟨d_i, x⟩| if signed) and refit them.

    Args:
        target_l0: Atoms chosen per row; nonnegative refits may leave some of them at zero.

    Raises:
        SpliceError: by `solve`, if the dictionary has fewer atoms than `target_l0`.
    """

    target_l0: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("target_l0", self.target_l0, 1)

    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> Solved:
        require_enough(state, self.target_l0, of=self)
        support = highest(targets, state.atoms, self.target_l0, self.nonnegative)
        values = solve_on_support(targets, state.atoms, support, self.nonnegative)
        return self._certified_support(state, targets, support, values, torch.ones(len(targets), dtype=torch.int64))
