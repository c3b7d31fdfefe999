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
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.core.errors import require_at_least, require_integer
from splice_exp.solvers.base import Solved, State, SupportSolver, require_enough
from splice_exp.solvers.least_squares_on_support import solve_on_support
from splice_exp.solvers.search import NONE, highest


@dataclass(frozen=True, kw_only=True)
class OMP(SupportSolver):
    """Choose `target_l0` atoms greedily; nonnegative refits may leave some of them at zero.

    Args:
        target_l0: Atoms chosen a row. A row stops early when the atom that is chosen next does not correlate with its
            residual by more than `tol`.
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
        shape = (len(targets), self.target_l0)
        support = torch.full(shape, NONE, dtype=torch.int64, device=targets.device)
        values = torch.zeros(shape, dtype=torch.float64, device=targets.device)
        tried = torch.full((len(targets), self._num_picks), NONE, dtype=torch.int64, device=targets.device)
        num_iterations = torch.zeros(len(targets), dtype=torch.int64, device=targets.device)
        running, residuals = torch.arange(len(targets), device=targets.device), targets.double().clone()
        for pick in range(self._num_picks):
            chosen = self._choose(state, residuals[running], support[running], tried[running, :pick])
            going = chosen != NONE
            running, chosen = running[going], chosen[going]
            if not len(running):
                break
            tried[running, pick] = chosen
            support[running, (support[running] == NONE).int().argmax(dim=1)] = chosen
            support[running], values[running] = self._refit(state, targets[running], support[running])
            composed = torch.einsum("bs,bsd->bd", values[running], atoms_of(state, support[running]))
            residuals[running] = targets[running].double() - composed
            num_iterations[running] += 1
            running = running[(support[running] == NONE).any(dim=1)]
        return self._certified_support(state, targets, support, values, num_iterations)

    @property
    def _num_picks(self) -> int:
        """How often an atom is chosen at most."""
        return self.target_l0

    def _refit(
        self, state: State, targets: Float[Tensor, "b d"], support: Int64[Tensor, "b s"]
    ) -> tuple[Int64[Tensor, "b s"], Float[Tensor, "b s"]]:
        """Return supports and their least-squares codes; rows with as many atoms are solved together."""
        values = torch.zeros(support.shape, dtype=torch.float64, device=targets.device)
        sizes = (support != NONE).sum(dim=1)
        for size in sorted(set(sizes.tolist())):
            rows = (sizes == size).nonzero()[:, 0]
            values[rows, :size] = solve_on_support(targets[rows], state.atoms, support[rows, :size], self.nonnegative)
        return support, values

    def _choose(
        self,
        state: State,
        residuals: Float[Tensor, "b d"],
        support: Int64[Tensor, "b s"],
        tried: Int64[Tensor, "b t"],
    ) -> Int64[Tensor, " b"]:
        """Return the next atom of each row, none that was tried; −1 where none is left that fits."""
        chosen = highest(residuals.to(state.atoms), state.atoms, 1, self.nonnegative, tried)[:, 0]
        correlations = torch.einsum("bd,bd->b", state.atoms[chosen].double(), residuals)
        fits = (correlations if self.nonnegative else correlations.abs()) > self.tol
        return torch.where(fits, chosen, NONE)


def atoms_of(state: State, support: Int64[Tensor, "b s"]) -> Float[Tensor, "b s d"]:
    """Return the atoms of a support in float64; −1 is an atom of zeros."""
    return state.atoms[support.clamp(min=0)].double() * (support != NONE)[:, :, None]
