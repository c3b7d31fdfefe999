"""The active-set method by compiled kernels: rows are shared out between threads, products are torch's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.solvers.base import LassoSolver, Solved
from splice_exp.solvers.kernels.active_set import Answer, Problem, advance, pack
from splice_exp.solvers.objective import Certificate

CHUNK = 16  # rows that a thread takes at a time


def multiply(residuals: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], out: Float[Tensor, "b k"]) -> Tensor:
    """R Dᵀ in full precision, whatever torch is set to: certificates rest on the rounding of float32."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        return torch.mm(residuals, atoms.T, out=out)
    finally:
        torch.set_float32_matmul_precision(precision)


def solve(
    solver: LassoSolver,
    working_set: int,
    gram_rows: int,
    atoms: Float[Tensor, "k d"],
    gram: Float[Tensor, "g g"],
    targets: Float[Tensor, "b d"],
) -> Solved:
    """Solve rows together.

    Args:
        solver: Penalty, sign, tolerances and the limit of iterations.
        working_set: Most violated atoms that a row takes in at once.
        gram_rows: Changed codes up to which violated atoms are found by rows of G.
        atoms: D, in CPU memory.
        gram: G = D Dᵀ, or (0, 0).
        targets: X.
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
    rows, num_iterations = np.arange(num_rows), np.zeros(num_rows, np.int64)
    residuals, product = targets, targets.new_empty(num_rows, num_atoms)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for iteration in range(1, solver.max_iterations + 1):
            correlations = multiply(residuals, atoms, product[: len(rows)])
            residuals, done = torch.empty_like(residuals), np.empty(len(rows), np.bool_)
            num_iterations[rows] = iteration
            final = iteration == solver.max_iterations
            arguments: tuple[Any, ...] = (
                rows, problem, answer, correlations.numpy(), residuals.numpy(), done, final, working_set, gram_rows
            )  # fmt: skip
            starts = range(0, len(rows), CHUNK)
            ends = (min(start + CHUNK, len(rows)) for start in starts)
            for work in [pool.submit(advance, *span, *arguments) for span in zip(starts, ends, strict=True)]:
                work.result()
            rows, residuals = rows[~done], residuals[torch.from_numpy(~done)]
            if not len(rows):
                break
    indptr = np.concatenate([[0], answer.sizes.cumsum()])
    indices, values = np.empty(indptr[-1], np.int64), np.empty(indptr[-1])
    pack(answer, indptr, indices, values)
    sparse = Codes(torch.from_numpy(indptr), torch.from_numpy(indices), torch.from_numpy(values), num_atoms)
    gap, violation = torch.from_numpy(answer.certificates).unbind(dim=1)
    return Solved(sparse, Certificate(gap, violation), torch.from_numpy(num_iterations))
