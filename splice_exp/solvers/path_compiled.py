"""The solution path by compiled kernels."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.solvers.base import LassoSolver
from splice_exp.solvers.kernels.active_set import Problem
from splice_exp.solvers.kernels.path import pursue
from splice_exp.solvers.kernels.path_points import PointRecord, Points, Progress
from splice_exp.solvers.kernels.working_set import make_scratch
from splice_exp.solvers.objective import Certificate
from splice_exp.solvers.rounds import in_rounds


class Pursued(NamedTuple):
    """What came of the paths of some rows: certified points by penalty, and the events on the way.

    Attributes:
        codes: One for each penalty; for a number of atoms a single one, at the end of each path.
        certificates: Of the same points.
        l1_penalty: At the end of each path.
        events: The penalty at which an atom joined, or its negative where one left, of all rows one after the other.
        num_events: Of each row.
        num_products: That each row took part in.
    """

    codes: list[Codes]
    certificates: list[Certificate]
    l1_penalty: Float[Tensor, " b"]
    events: Float[Tensor, " e"]
    num_events: Int64[Tensor, " b"]
    num_products: Int64[Tensor, " b"]

    def replaced(self, rows: Int64[Tensor, " m"], other: Pursued) -> Pursued:
        """Return the same with the paths of some rows followed again.

        Args:
            rows: Indices of the rows.
            other: What they are replaced by, in the same order.
        """
        num_rows = len(self.num_products)
        order = torch.arange(num_rows)
        order[rows] = num_rows + torch.arange(len(rows))

        def merge(first: Tensor, second: Tensor) -> Tensor:
            return torch.cat([first, second])[order]

        owners = torch.cat(
            [torch.arange(num_rows).repeat_interleave(self.num_events), rows.repeat_interleave(other.num_events)]
        )
        current = torch.ones(len(owners), dtype=torch.bool)
        current[: len(self.events)] = (order < num_rows)[owners[: len(self.events)]]
        events = torch.cat([self.events, other.events])[current]
        return Pursued(
            [Codes.concatenate(pair).select(order) for pair in zip(self.codes, other.codes, strict=True)],
            [
                Certificate(*(merge(*parts) for parts in zip(*pair, strict=True)))
                for pair in zip(self.certificates, other.certificates, strict=True)
            ],
            merge(self.l1_penalty, other.l1_penalty),
            events[owners[current].argsort(stable=True)],
            merge(self.num_events, other.num_events),
            merge(self.num_products, other.num_products),
        )


def pursue_paths(
    atoms: Float[Tensor, "k d"],
    gram: Float[Tensor, "g g"],
    targets: Float[Tensor, "b d"],
    penalties: Float[Tensor, " p"],
    most_atoms: int,
    solver: LassoSolver,
    working_set: int,
    gram_rows: int,
) -> Pursued:
    """Follow the path of each row from zero codes through all penalties.

    Rows that do not come to an end within the solver's `max_iterations` have infinite gaps at the points they missed.

    Args:
        atoms: D, in CPU memory.
        gram: G = D Dᵀ, or (0, 0).
        targets: X.
        penalties: L of the points that are certified, falling.
        most_atoms: If it is not 0, a path ends before more atoms have codes, and only its end is returned.
        solver: Sign, tolerances and the limit of products.
        working_set: Atoms beside the support among which a path is followed.
        gram_rows: Changed codes up to which correlations are updated by rows of G rather than by a product.

    Returns:
        The points and events of the paths.
    """
    n, (k, dim) = len(targets), atoms.shape
    num_points = 1 if most_atoms else len(penalties)
    room = min(k, 2 * dim + 3 * working_set)  # two supports, and atoms beside them
    problem = Problem(
        targets.numpy(),
        atoms.numpy(),
        gram.numpy(),
        np.zeros(0),  # each point of a path has its own penalty
        solver.nonnegative,
        float(solver.tol),
        float(solver.kkt_tol),
    )
    reached, tried = (
        Points(
            supports=np.empty((n, room), np.int64),
            codes=np.empty((n, room)),
            sizes=np.zeros(n, np.int64),
            h=np.full(n, -1.0),
            residuals=targets.numpy().astype(np.float64),
            certificates=np.zeros((n, 2)),
        )
        for _ in range(2)
    )
    progress = Progress(
        working=np.empty((n, room), np.int64),
        sizes=np.zeros(n, np.int64),
        cursors=np.zeros(n, np.int64),
        attempts=np.zeros(n, np.int64),
        ends=np.zeros(n, np.bool_),
        num_certain=np.zeros(n, np.int64),
    )
    record = PointRecord(
        supports=np.empty((n, num_points * room), np.int64),
        codes=np.empty((n, num_points * room)),
        sizes=np.zeros((n, num_points), np.int64),
        certificates=np.full((n, num_points, 2), np.inf),
        filled=np.zeros(n, np.int64),
        events=np.empty((n, 8 * room)),
        num_events=np.zeros(n, np.int64),
    )

    def work(*arguments: object) -> None:
        pursue(
            *arguments, problem, penalties.numpy(), most_atoms, reached, tried, progress, record, working_set, gram_rows
        )

    scratch = partial(make_scratch, k, room, problem.atoms.dtype)
    num_products = in_rounds(work, scratch, targets, atoms, solver.max_iterations)
    return Pursued(
        [_codes_of(record, number, k) for number in range(num_points)],
        [Certificate(*torch.from_numpy(record.certificates[:, number]).unbind(dim=1)) for number in range(num_points)],
        torch.from_numpy(2 * tried.h),
        torch.from_numpy(2 * record.events[np.arange(record.events.shape[1]) < record.num_events[:, None]]),
        torch.from_numpy(record.num_events),
        num_products,
    )


def _codes_of(record: PointRecord, number: int, num_atoms: int) -> Codes:
    """Take one point of each row out of a record, atoms ascending."""
    sizes = record.sizes[:, number]
    begins = record.sizes[:, :number].sum(axis=1)
    indptr = np.concatenate([[0], sizes.cumsum()])
    rows = np.repeat(np.arange(len(sizes)), sizes)
    places = np.arange(indptr[-1]) - indptr[rows] + begins[rows]
    atoms, values = record.supports[rows, places], record.codes[rows, places]
    order = np.lexsort((atoms, rows))
    return Codes(torch.from_numpy(indptr), torch.from_numpy(atoms[order]), torch.from_numpy(values[order]), num_atoms)
