r"""Orthogonal matching pursuit: add the atom that correlates best with the residual, refit, repeat.

    i* = argmax_i ⟨d_i, r⟩  (|⟨d_i, r⟩| if signed),    S ← S ∪ {i*},    w = argmin ‖x − w D_S‖²  (over w ≥ 0)

References:
    Pati, Rezaiifar, Krishnaprasad. Orthogonal matching pursuit. Asilomar 1993.
    Bruckstein, Elad, Zibulevsky. On the uniqueness of nonnegative sparse solutions to underdetermined systems of
    equations. IEEE Trans. Information Theory 54(11), 2008 (the nonnegative variant).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError, require_at_least, require_integer
from splice_exp.solvers import objective
from splice_exp.solvers.base import Solved, State, SupportSolver
from splice_exp.solvers.least_squares_on_support import scatter, solve_on_support


@dataclass(frozen=True, kw_only=True)
class OMP(SupportSolver):
    """Choose `target_l0` atoms greedily; nonnegative refits may leave some of them at zero.

    Args:
        target_l0: Atoms chosen a row. A row stops early when no atom correlates with its residual by more than `tol`.
        tol: That correlation.
    """

    target_l0: int = 10
    tol: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("solver.target_l0", self.target_l0, 1)
        require_at_least("solver.tol", self.tol, 0)

    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> Solved:
        num_atoms = len(state.atoms)
        if self.target_l0 > num_atoms:
            raise SpliceError(f"solver.target_l0 is {self.target_l0}, but the dictionary has only {num_atoms} atoms.")
        codes = targets.new_zeros(len(targets), num_atoms)
        num_iterations = torch.zeros(len(targets), dtype=torch.int64, device=targets.device)
        support = torch.empty(len(targets), 0, dtype=torch.int64, device=targets.device)
        running = torch.arange(len(targets), device=targets.device)
        for _ in range(self.target_l0):
            correlations = objective.residual(targets[running], state.atoms, codes[running]) @ state.atoms.T
            scores = correlations if self.nonnegative else correlations.abs()
            scores.scatter_(1, support, -torch.inf)
            best, chosen = scores.max(dim=1)
            going = best > self.tol
            running, support = running[going], torch.cat([support, chosen[:, None]], dim=1)[going]
            if not len(running):
                break
            values = solve_on_support(targets[running], state.atoms, support, self.nonnegative)
            codes[running] = scatter(values, support, num_atoms, targets.dtype)
            num_iterations[running] += 1
        return self._certified(state, targets, codes, num_iterations)
