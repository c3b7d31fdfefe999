"""The active-set method in torch, on any device: for accelerators, and to hold the compiled one against.

All in float64: one product with the dictionary finds the violated atoms of every row, and certifies. Rows whose atoms
depend on each other too much for batched factorisations are left as they are, uncertified.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.solvers import objective
from splice_exp.solvers.base import LassoSolver, Solved, State
from splice_exp.solvers.least_squares_on_support import lasso_on_support
from splice_exp.solvers.objective import Certificate

ENTERING = 1e-30  # code that makes an atom a member of the support before it has a value


def solve(solver: LassoSolver, working_set: int, state: State, targets: Float[Tensor, "b d"]) -> Solved:
    """Solve rows together.

    Args:
        solver: Penalty, sign, tolerances and the limit of iterations.
        working_set: Most violated atoms that a row takes in at once.
        state: The dictionary.
        targets: X.
    """
    x, atoms, l1_penalty = targets.double(), state.exact_atoms, solver.l1_penalty
    codes = x.new_zeros(len(x), len(atoms))
    certificate = Certificate(x.new_zeros(len(x)), x.new_zeros(len(x)))
    num_iterations = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    most = torch.full((len(x),), working_set, device=x.device)  # halved where the restricted problem does not settle
    rows = torch.arange(len(x), device=x.device)
    for iteration in range(1, solver.max_iterations + 1):
        w = codes[rows]
        r = objective.residual(x[rows], atoms, w)
        gradient = 2 * r @ atoms.T
        judged = objective.certificate_of_residual(x[rows], r, gradient, w, l1_penalty, solver.nonnegative)
        certificate.duality_gap[rows], certificate.kkt_violation[rows] = judged
        num_iterations[rows] = iteration
        going = ~solver.converged(judged)
        rows, w, gradient = rows[going], w[going], gradient[going]
        if not len(rows) or iteration == solver.max_iterations:
            break
        strength = (gradient if solver.nonnegative else gradient.abs()) - l1_penalty
        strength[w != 0] = -torch.inf
        best, entering = strength.topk(min(working_set, len(atoms)), dim=1)
        room = x.shape[1] - (w != 0).sum(dim=1)  # more than d atoms depend on each other
        allowed = torch.minimum(most[rows], room.clamp(min=1))
        taken = (best > 0) & (torch.arange(entering.shape[1], device=x.device) < allowed[:, None])
        entered = torch.where(taken, ENTERING * gradient.gather(1, entering).sign(), w.gather(1, entering))
        refined = lasso_on_support(targets[rows], atoms, w.scatter(1, entering, entered), l1_penalty)
        unsettled = (refined.abs() == ENTERING).any(dim=1)
        codes[rows] = torch.where(unsettled[:, None], w, refined)
        most[rows[unsettled]] //= 2
        rows = rows[most[rows] > 0]
    return Solved(Codes.from_dense(codes), certificate, num_iterations)
