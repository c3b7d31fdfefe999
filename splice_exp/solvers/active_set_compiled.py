"""The active-set method by compiled kernels."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.solvers.base import LassoSolver, Solved
from splice_exp.solvers.kernels.active_set import Answer, Problem, advance, make_scratch, pack
from splice_exp.solvers.objective import Certificate
from splice_exp.solvers.rounds import CoarseAtoms, in_rounds


def solve(
    solver: LassoSolver,
    working_set: int,
    gram_rows: int,
    atoms: Float[Tensor, "k d"],
    gram: Float[Tensor, "g g"],
    targets: Float[Tensor, "b d"],
    coarse: CoarseAtoms | None,
) -> Solved:
    """Solve rows together.

    Args:
        solver: Penalty, sign, tolerances and the limit of iterations.
        working_set: Most violated atoms that a row takes in at once.
        gram_rows: Changed codes up to which violated atoms are found by rows of G.
        atoms: D, in CPU memory.
        gram: G = D Dᵀ, or (0, 0).
        targets: X.
        coarse: The atoms of the first look, where they are not D.

    Returns:
        Codes and certificates of the rows, and how many products each took part in.
    """
    num_rows, (num_atoms, dim) = len(targets), atoms.shape
    room = min(num_atoms, dim + working_set)
    problem = Problem(
        targets.numpy(),
        atoms.numpy(),
        gram.numpy(),
        np.full(num_rows, float(solver.l1_penalty)),
        solver.nonnegative,
        float(solver.tol),
        float(solver.kkt_tol),
    )
    answer = Answer(
        supports=np.empty((num_rows, room), np.int64),
        codes=np.empty((num_rows, room)),
        sizes=np.zeros(num_rows, np.int64),
        residuals=targets.numpy().astype(np.float64),
        certificates=np.empty((num_rows, 2)),
    )

    def work(*arguments: object) -> None:
        advance(*arguments, problem, answer, working_set, gram_rows)

    scratch = partial(make_scratch, num_atoms, dim, room, problem.atoms.dtype)
    num_iterations = in_rounds(work, scratch, targets, atoms, solver.max_iterations, coarse)
    indptr = np.concatenate([[0], answer.sizes.cumsum()])
    indices, values = np.empty(indptr[-1], np.int64), np.empty(indptr[-1])
    pack(answer, indptr, indices, values)
    sparse = Codes(torch.from_numpy(indptr), torch.from_numpy(indices), torch.from_numpy(values), num_atoms)
    gap, violation = torch.from_numpy(answer.certificates).unbind(dim=1)
    return Solved(sparse, Certificate(gap, violation), num_iterations)
