"""The paths of many rows at once, on any device: all rows go from one penalty to the next together.

At a point that is certain, each row takes its support and the atoms that correlate most with its residual into a
working set, follows its path on it to the next penalty (`homotopy`), and then all atoms are looked at by one product.
Rows in which an atom outside the working set is violated go once more from the last point, on a larger working set that
has it.
Points that were asked for are certified in float64 on the full dictionary, those between only looked at.

Rows whose atoms depend on each other, so that float32 cannot decide the path, and those that take more products than
they may, are left to the compiled engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import pad

from splice_exp.solvers import objective
from splice_exp.solvers.base import LassoSolver
from splice_exp.solvers.batched.homotopy import corrected, follow
from splice_exp.solvers.batched.looks import composed, correlate, pattern_of
from splice_exp.solvers.batched.path_points import Points, Tried, strongest_beside
from splice_exp.solvers.batched.path_record import PathRecord
from splice_exp.solvers.batched.restricted import gram_of
from splice_exp.solvers.objective import Certificate
from splice_exp.solvers.path_compiled import Pursued
from splice_exp.solvers.rounds import errors_of, full_precision

FIRST, RATIO = 1.0, 0.8  # the first penalty between those asked for, and each to the one before …
SMALLEST = 1e-6  # … down to here
EXACTLY = 2.0**-29  # unit roundoff of float64 to that of float32
BLOCK = 16  # of which the width of working sets is a multiple
ATTEMPTS = 5  # at a penalty, on working sets that double
MAX_ENTRIES = {"cpu": 2**21, "cuda": 2**26}  # of tableaux at a time, in float64


def pursue_paths(
    atoms: Float[Tensor, "k d"],
    exact: Float[Tensor, "k d"],
    gram: Float[Tensor, "g g"],
    targets: Float[Tensor, "b d"],
    penalties: Sequence[float],
    most_atoms: int,
    solver: LassoSolver,
    working_set: int,
) -> Pursued:
    """Follow the path of each row from zero codes through all penalties.

    Rows that do not come to an end have infinite gaps.

    Args:
        atoms: D.
        exact: D in float64.
        gram: G = D Dᵀ, or (0, 0).
        targets: X.
        penalties: L of the points that are certified, falling.
        most_atoms: If it is not 0, a path ends before more atoms have codes, and only its end is returned.
        solver: Sign, tolerances and the limit of products.
        working_set: Atoms beside the support among which a path is followed, at least.

    Returns:
        The points and events of the paths.
    """
    record = PathRecord(1 if most_atoms else len(penalties))
    with full_precision():
        x = targets.double()
        product = targets @ atoms.T
        highest = (product if solver.nonnegative else product.abs()).amax(dim=1).double() + errors_of(targets)
        rows = torch.arange(len(x), device=x.device)
        nothing = Points(
            rows,
            x,
            x,
            rows.new_zeros(len(x), 0),
            x.new_zeros(len(x), 0),
            highest.clamp(min=0.5 * penalties[0]),
            product,
            torch.ones_like(rows),
        )
        walk = Walk(atoms, exact, gram, most_atoms, solver, working_set, len(penalties) - 1, record)
        points = nothing
        for l1_penalty in stations(penalties, 2 * float(nothing.h.amax())):
            number = penalties.index(l1_penalty) if l1_penalty in penalties else None
            points = walk.on(points, l1_penalty, number)
            if not len(points.rows):
                break
    return record.pursued(len(targets), len(atoms))


def stations(penalties: Sequence[float], highest: float) -> list[float]:
    """Return the penalties asked for, and others between them that are not too far from each other, falling.

    Args:
        penalties: Those asked for.
        highest: The one at which all codes are zero.
    """
    way, l1_penalty = set(penalties), FIRST
    while l1_penalty > max(penalties[-1] / RATIO, SMALLEST):
        if l1_penalty < highest:
            way.add(l1_penalty)
        l1_penalty *= RATIO
    return sorted(way, reverse=True)


class Walk(NamedTuple):
    """How paths are followed.

    Attributes:
        atoms: D.
        exact: D in float64.
        gram: G = D Dᵀ, or (0, 0).
        most_atoms: If it is not 0, paths end before more atoms have codes.
        solver: Sign, tolerances and the limit of products.
        working_set: Atoms beside the support among which a path is followed, at least.
        last: Index of the last penalty that is asked for.
        record: Where points and events are written down.
    """

    atoms: Float[Tensor, "k d"]
    exact: Float[Tensor, "k d"]
    gram: Float[Tensor, "g g"]
    most_atoms: int
    solver: LassoSolver
    working_set: int
    last: int
    record: PathRecord

    def on(self, points: Points, l1_penalty: float, number: int | None) -> Points:
        """Go on to a penalty.

        The host waits for the device once an attempt and once more in the end, and where paths are followed, every
        `LOOK_UP` events.

        Args:
            points: Where the rows are.
            l1_penalty: L of the next point.
            number: Its index among those asked for; None: it lies between them.

        Returns:
            The rows that come there and go on.
        """
        on, size, last = list[Points](), points.support.shape[1], number is not None and number == self.last
        # To the next point about a fifth more atoms join; what is not enough is doubled.
        beside = max(size, self.working_set // 4, 1)
        narrow, tried = BLOCK * (-(-(size + min(beside, self.working_set)) // BLOCK)), None
        for attempt in range(ATTEMPTS):
            strengths = self._strengths(points)
            if tried is not None:  # what it violates is above 1
                strengths = torch.maximum(strengths, self._strengths(tried.points))
            others = strongest_beside(points.support, strengths, min(narrow << attempt, len(self.atoms)) - size)
            tried = self._try(points, torch.cat([points.support, others], dim=1), l1_penalty, number is not None)
            there, ended, again, stuck = tried.sorted_out(last)
            self.record.left.append(points.rows[stuck])
            on.append(self._write(tried.select(there), tried.select(ended), number))
            points, tried = points.select(again), tried.select(again)
            if not len(again):
                break
        self.record.left.append(points.rows)
        sizes = [part.codes.count_nonzero(dim=1).amax() for part in on if len(part.rows)]
        width = max(1, int(torch.stack(sizes).amax())) if sizes else 1
        return Points.joined([part.of_width(width, self.solver.nonnegative) for part in on])

    def _strengths(self, points: Points) -> Float[Tensor, "b k"]:
        """Return correlations by how near atoms are to joining; above 1 they are violated."""
        product = points.product if self.solver.nonnegative else points.product.abs()
        return product / points.h.clamp(min=1e-30)[:, None].to(product)

    def _write(self, there: Tried, ended: Tried, number: int | None) -> Points:
        """Write down rows that have come to a penalty, and where paths end; return those that go on."""
        for tried in (there, ended):
            self.record.events.append((tried.points.rows, tried.events))
            if number is not None and not self.most_atoms:
                self.record.write(number, tried.points, tried.certificate)
        if self.most_atoms:
            self.record.write(0, ended.points, ended.certificate)
        self.record.end(ended.points)
        return there.points

    def _try(self, points: Points, working: Int64[Tensor, "b m"], l1_penalty: float, asked_for: bool) -> Tried:
        """Follow paths on working sets, as many rows at a time as fit `MAX_ENTRIES`, and let all atoms judge."""
        at_a_time = max(1, MAX_ENTRIES.get(working.device.type, MAX_ENTRIES["cuda"]) // working.shape[1] ** 2)
        parts = [
            self._try_some(points.select(some), working[some], 0.5 * l1_penalty, asked_for)
            for some in torch.split(torch.arange(len(working), device=working.device), at_a_time)
        ]
        return Tried.joined(parts)

    def _try_some(self, points: Points, working: Int64[Tensor, "b m"], h_to: float, asked_for: bool) -> Tried:
        same, size = self.atoms.dtype == torch.float64, points.support.shape[1]
        values = pad(points.codes, (0, working.shape[1] - size))
        correlations = points.product.gather(1, working).double()
        correlations = torch.where(values != 0, points.h[:, None] * values.sign(), correlations)
        errors = (EXACTLY if same else 1.0) * errors_of(points.residuals)
        gram = gram_of(working, self.atoms, self.gram).double()
        leg = follow(
            gram, points.codes, correlations, points.h, h_to, self.solver.nonnegative, self.most_atoms, errors,
            self.atoms.shape[1],
        )  # fmt: skip
        certify, pattern = asked_for or self.most_atoms > 0, None
        residuals = points.targets - composed(leg.values, self.exact, working)
        if certify:
            pattern = pattern_of(working, len(self.atoms))
            values = corrected(leg, correlate(residuals, self.exact, pattern) - leg.h[:, None] * leg.signs)
            residuals = points.targets - composed(values, self.exact, working)
        product = residuals.to(self.atoms.dtype) @ self.atoms.T
        strengths = product if self.solver.nonnegative else product.abs()
        outside = strengths.scatter(1, working, -torch.inf).amax(dim=1).double().clamp(min=0)
        errors = (EXACTLY if same else 1.0) * errors_of(residuals)
        if pattern is None:
            values = corrected(leg, product.gather(1, working).double() - leg.h[:, None] * leg.signs)
            certain = outside <= leg.h + 0.5 * self.solver.kkt_tol + errors
            certificate = Certificate(errors, errors)  # of no point that anyone asks for
        else:
            gradient = 2 * torch.cat([correlate(residuals, self.exact, pattern), outside[:, None]], dim=1)
            certificate = objective.certificate_of_residual(
                points.targets, residuals, gradient, pad(values, (0, 1)), 2 * leg.h, self.solver.nonnegative
            )
            certain = self.solver.converged(certificate) & (outside + errors <= leg.h)
        there = Points(points.rows, points.targets, residuals, working, values, leg.h, product, points.looks + 1)
        stuck = leg.stuck | (points.looks >= self.solver.max_iterations)  # what one product more has found is not taken
        return Tried(there, certificate, certain, stuck, leg.full, leg.events)
