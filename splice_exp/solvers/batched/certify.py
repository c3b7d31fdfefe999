"""Judge many rows at once in float64 on the full dictionary, after a last Newton step with exact correlations.

Correlations are computed in float64 for the working set of a row. Of all other atoms those of a product in float32 are
off by at most (d + 16) 2⁻²⁴ ‖r‖ (`rounds.errors_of`), and by the length of the last step more. Atoms that correlate by
less than h minus these are feasible. Where one may not be, the row is not done: the next working set takes it in.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import pad

from splice_exp.solvers import objective
from splice_exp.solvers.base import LassoSolver
from splice_exp.solvers.batched.looks import Look, Lookup, composed, correlate, pattern_of
from splice_exp.solvers.batched.restricted import Newton, feasible, solve_system
from splice_exp.solvers.batched.rows import Front, Part
from splice_exp.solvers.rounds import errors_of


class Trial(NamedTuple):
    """The working sets that rows were solved on, the signs codes may have if they may have both, and the last step."""

    working: Int64[Tensor, "b m"]
    signs: Float[Tensor, "b m"] | None
    newton: Newton | None

    @classmethod
    def of(cls, front: Front) -> Trial:
        """Return empty working sets."""
        return cls(front.support, None, None)


def judge(
    solver: LassoSolver, lookup: Lookup, front: Front, trial: Trial, look: Look, looks: int
) -> tuple[Part, Bool[Tensor, " b"]]:
    """Polish and certify rows, and say which are done.

    Args:
        solver: Penalty, sign and tolerances.
        lookup: The dictionary.
        front: The rows.
        trial: What they were solved on.
        look: Their correlations with all atoms, before the last step.
        looks: That were taken so far.
    """
    residuals, codes, others = front.residuals, front.codes, look.strongest_but(trial.working)
    gradient = 2 * others[:, None]
    if trial.newton is not None:
        pattern = pattern_of(trial.working, len(lookup.exact))
        correlations = correlate(residuals, lookup.exact, pattern)
        codes = polished(trial.newton, trial.signs, correlations, 0.5 * solver.l1_penalty)
        residuals = front.targets - composed(codes, lookup.exact, trial.working)
        gradient = torch.cat([2 * correlate(residuals, lookup.exact, pattern), gradient], dim=1)
    certificate = objective.certificate_of_residual(
        front.targets, residuals, gradient, pad(codes, (0, 1)), solver.l1_penalty, solver.nonnegative
    )
    off = (residuals - front.residuals).norm(dim=1)
    if lookup.atoms.dtype != torch.float64:
        off += errors_of(residuals)
    done = solver.converged(certificate) & (others + off <= 0.5 * solver.l1_penalty)
    return Part(front.rows, trial.working, codes, certificate, looks), done


def polished(
    newton: Newton, signs: Float[Tensor, "b m"] | None, correlations: Float[Tensor, "b m"], h: float
) -> Float[Tensor, "b m"]:
    """Do one more Newton step from correlations in float64, with the factors of the last one; return signed codes."""
    if signs is not None:
        correlations = correlations * signs
    dtype = newton.values.dtype
    values = feasible(newton.values + solve_system(newton.factor, (correlations - h).to(dtype)).double(), dtype)
    return values if signs is None else values * signs
