r"""Matching pursuit: add the atom that correlates best with the residual, by that correlation, and never refit.

    i* = argmax_i ⟨d_i, r⟩  (|⟨d_i, r⟩| if signed),    w_i* ← ⟨d_i*, r⟩,    r ← r − w_i* d_i*

No atom is chosen twice. Codes are not least squares on their support, and their certificate says by how much.

References:
    Mallat, Zhang. Matching pursuits with time-frequency dictionaries. IEEE Trans. Signal Processing 41, 1993.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import require_at_least, require_integer
from splice_exp.solvers.base import Solved, State, SupportSolver, require_enough
from splice_exp.solvers.search import NONE, highest


@dataclass(frozen=True, kw_only=True)
class MatchingPursuit(SupportSolver):
    """Choose `target_l0` atoms greedily.

    Args:
        target_l0: Atoms chosen a row. A row stops early when no atom correlates with its residual by more than `tol`.
        tol: That correlation.
    """

    target_l0: int = 10
    tol: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("target_l0", self.target_l0, 1)
        require_at_least("tol", self.tol, 0)

    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> Solved:
        require_enough(state, self.target_l0, of=self)
        support = torch.full((len(targets), self.target_l0), NONE, dtype=torch.int64, device=targets.device)
        values = torch.zeros(support.shape, dtype=torch.float64, device=targets.device)
        num_iterations = torch.zeros(len(targets), dtype=torch.int64, device=targets.device)
        running = torch.arange(len(targets), device=targets.device)
        residuals = targets.double().clone()
        for step in range(self.target_l0):
            chosen = highest(residuals[running].to(targets), state.atoms, 1, self.nonnegative, support[running, :step])[
                :, 0
            ]
            atoms = state.atoms[chosen].double()
            correlations = torch.einsum("bd,bd->b", atoms, residuals[running])
            going = (correlations if self.nonnegative else correlations.abs()) > self.tol
            going &= chosen != NONE
            running = running[going]
            if not len(running):
                break
            support[running, step], values[running, step] = chosen[going], correlations[going]
            residuals[running] -= correlations[going, None] * atoms[going]
            num_iterations[running] += 1
        return self._certified_support(state, targets, support, values, num_iterations)
