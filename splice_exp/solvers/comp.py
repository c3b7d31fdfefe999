r"""Coherent orthogonal matching pursuit: the next atom should fit the residual, and the atoms that are there already.

    i* = argmax_i ⟨d_i, r + λ · mean_{j ∈ S} d_j⟩,    S ← S ∪ {i*},    w = argmin ‖x − w D_S‖² over w ≥ 0

With λ = 0 it is orthogonal matching pursuit. As r gets shorter while the second term does not, late picks repeat the
first ones, or have nothing to do with r and get no code at all. Four options prevent that, none of which is published:
the published algorithm has `fitting=False` and the others at their defaults (`solver=comp_published`).

Codes of the published algorithm can differ from those of the authors' code on the same support, by up to 0.1 where its
atoms are nearly the same. Their refit is a cyclic coordinate descent that stops after 100 sweeps, or earlier, when the
codes of the whole batch have changed by less than a millionth; such supports need thousands of sweeps. Run to
convergence, it gives the codes found here, which are exact. Where it stops depends on the other rows of the batch, so
it is no option here. At 20 atoms and more, its inexact residuals may also lead to other supports.

References:
    Gentile, Dall'Asen, Tonini, Mancini, Vaquero, Ricci. From weights to concepts: data-free interpretability of CLIP
    via singular vector decomposition. CVPR 2026 (SITH), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError, require_at_least, require_bool
from splice_exp.core.keys import key_of
from splice_exp.solvers.base import State
from splice_exp.solvers.matching_pursuit import Progress
from splice_exp.solvers.omp import OMP
from splice_exp.solvers.search import NONE, highest

PICKS = 3  # atoms that are tried for each place, at most


@dataclass(frozen=True, kw_only=True)
class COMP(OMP):
    """Choose `target_l0` atoms that are like each other; nonnegative refits may leave some of them at zero.

    Args:
        coherence: λ.
        fitting: Whether an atom must correlate with the residual by more than `tol` to be chosen.
        relative: Whether the residual counts by its direction only, so that λ means the same at every step.
        max_cosine: Atoms closer than this to one that is chosen are not chosen; null: all may be.
        refill: Whether an atom that a refit leaves at zero makes room for another one.
    """

    target_l0: int = 5
    coherence: float = 0.3
    fitting: bool = True
    relative: bool = False
    max_cosine: float | None = None
    refill: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("coherence", self.coherence, 0)
        require_bool("fitting", self.fitting)
        require_bool("relative", self.relative)
        require_bool("refill", self.refill)
        if not self.nonnegative:
            raise SpliceError(
                f"{key_of('nonnegative')} is false, but coherence is defined for codes ≥ 0: set it to true, or take "
                "solver=omp."
            )
        if self.max_cosine is not None and not 0 < self.max_cosine <= 1:
            raise SpliceError(f"{key_of('max_cosine')} is {self.max_cosine}, but must lie in (0, 1], or be null.")

    @property
    def _num_picks(self) -> int:
        return PICKS * self.target_l0 if self.refill else self.target_l0

    def _fit(
        self, state: State, targets: Float[Tensor, "b d"], so_far: Progress, place: Int64[Tensor, " b"]
    ) -> Progress:
        fitted = super()._fit(state, targets, so_far, place)
        if not self.refill:
            return fitted
        support, values = fitted.support, fitted.values
        left = (support != NONE) & (values == 0)
        rows = left.any(dim=1).nonzero()[:, 0]
        if len(rows):
            assert fitted.factors is not None
            kept = support[rows].masked_fill(left[rows], NONE)
            order = (kept == NONE).int().argsort(dim=1, stable=True)  # what is free comes last
            support[rows], values[rows] = kept.gather(1, order), values[rows].gather(1, order)
            fitted.factors.reorder(so_far.rows[rows], order, support[rows] != NONE)
        return fitted

    def _choose(
        self,
        state: State,
        residuals: Float[Tensor, "b d"],
        support: Int64[Tensor, "b s"],
        tried: Int64[Tensor, "b t"],
    ) -> Int64[Tensor, " b"]:
        there = (support != NONE).sum(dim=1, keepdim=True)
        fit = normalize(residuals, dim=1) if self.relative else residuals
        queries = fit + self.coherence * state.atoms_of(support).sum(dim=1) / there.clamp(min=1)
        near = None if self.max_cosine is None else _near(state, support, self.max_cosine)
        fits = (residuals.to(state.atoms), self.tol) if self.fitting else None
        return highest(queries.to(state.atoms), state.atoms, 1, True, tried, near, fits)[:, 0]


def _near(state: State, support: Int64[Tensor, "b s"], max_cosine: float) -> Bool[Tensor, "b k"]:
    """Say which atoms are too close to one that is chosen."""
    near = torch.zeros(len(support), len(state.atoms), dtype=torch.bool, device=support.device)
    for chosen in support.T:
        near |= (state.atoms[chosen] @ state.atoms.T > max_cosine) & (chosen != NONE)[:, None]
    return near
