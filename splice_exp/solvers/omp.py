r"""Orthogonal matching pursuit: add the atom that correlates best with the residual, refit, repeat.

    i* = argmax_i ⟨d_i, r⟩  (|⟨d_i, r⟩| if signed),    S ← S ∪ {i*},    w = argmin ‖x − w D_S‖²  (over w ≥ 0)

References:
    Pati, Rezaiifar, Krishnaprasad. Orthogonal matching pursuit. Asilomar 1993.
    Bruckstein, Elad, Zibulevsky. On the uniqueness of nonnegative sparse solutions to underdetermined systems of
    equations. IEEE Trans. Information Theory 54(11), 2008 (the nonnegative variant).
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.solvers.base import State
from splice_exp.solvers.batched.growing import Factors
from splice_exp.solvers.batched.looks import composed
from splice_exp.solvers.matching_pursuit import Progress, Pursuit


@dataclass(frozen=True, kw_only=True)
class OMP(Pursuit):
    """Choose `target_l0` atoms one by one, and refit; nonnegative refits may leave some of them at zero."""

    def _begin(self, targets: Float[Tensor, "b d"]) -> Factors:
        return Factors.none(len(targets), self.target_l0, targets.device)

    def _fit(
        self, state: State, targets: Float[Tensor, "b d"], so_far: Progress, place: Int64[Tensor, " b"]
    ) -> Progress:
        rows, support, values, _, most, factors = so_far
        assert factors is not None
        x, there = targets.double(), support[:, :most]
        factors.grow(rows, state, x, there, place)
        values[:, :most] = found = factors.solve(rows, state, targets, there, self.nonnegative)
        return so_far._replace(residuals=x - composed(found, state.exact_atoms, there.clamp(min=0)))
