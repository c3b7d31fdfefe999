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

from splice_exp.solvers.base import State
from splice_exp.solvers.least_squares_on_support import solve_on_support
from splice_exp.solvers.matching_pursuit import Progress, Pursuit
from splice_exp.solvers.search import NONE


@dataclass(frozen=True, kw_only=True)
class OMP(Pursuit):
    """Choose `target_l0` atoms one by one, and refit; nonnegative refits may leave some of them at zero."""

    def _fit(
        self, state: State, targets: Float[Tensor, "b d"], so_far: Progress, place: Int64[Tensor, " b"]
    ) -> Progress:
        support, values = self._refit(state, targets, so_far.support)
        composed = torch.einsum("bs,bsd->bd", values, state.atoms_of(support))
        return Progress(support, values, targets.double() - composed)

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
