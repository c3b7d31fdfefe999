"""The paths of many rows at once, on any device: all rows go from one penalty to the next together.

At a point that is certain, each row takes its support and the atoms that correlate most with its residual into a
working set, follows its path on it to the next penalty (`homotopy`), and then all atoms are looked at by one product.
Rows in which an atom outside the working set is violated go once more from the last point, on a larger working set that
has it.
Points that were asked for are certified in float64 on the full dictionary, those between only looked at.

Rows whose atoms depend on each other, so that float32 cannot tell the path, are left to the compiled engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import pad

from splice_exp.solvers import objective
from splice_exp.solvers.base import LassoSolver
from splice_exp.solvers.batched.homotopy import corrected, follow
from splice_exp.solvers.batched.looks import composed, correlate, pattern_of
from splice_exp.solvers.batched.restricted import gram_of
from splice_exp.solvers.batched.rows import Part, assembled
from splice_exp.solvers.objective import Certificate
from splice_exp.solvers.path_compiled import Pursued
from splice_exp.solvers.rounds import errors_of, full_precision

FIRST, RATIO = 1.0, 0.8  # the first penalty between those asked for, and each to the one before …
SMALLEST = 1e-6  # … down to here
EXACTLY = 2.0**-29  # unit roundoff of float64 to that of float32
BLOCK = 16  # of which the width of working sets is a multiple
ATTEMPTS = 5  # at a penalty, on working sets that double
MAX_ENTRIES = {"cpu": 2**21, "cuda": 2**26}  # of tableaux at a time, in float64


class Points(NamedTuple):
    """A point of each row's path.

    Attributes:
        rows: Their indices in the batch.
        targets: X in float64.
        residuals: R in float64.
        support: Indices of their atoms, all different in a row.
        codes: The codes of these, which may be zero.
        h: L / 2.
        product: R Dᵀ in the precision of the atoms.
        looks: Products that each row took part in.
    """

    rows: Int64[Tensor, " b"]
    targets: Float[Tensor, "b d"]
    residuals: Float[Tensor, "b d"]
    support: Int64[Tensor, "b s"]
    codes: Float[Tensor, "b s"]
    h: Float[Tensor, " b"]
    product: Float[Tensor, "b k"]
    looks: Int64[Tensor, " b"]

    def select(self, chosen: Int64[Tensor, " c"]) -> Points:
        """Return some of the rows."""
        return Points(*(tensor[chosen] for tensor in self))

    @classmethod
    def joined(cls, parts: Sequence[Points]) -> Points:
        """Return the rows of all parts, whose supports are of one width."""
        return parts[0] if len(parts) == 1 else cls(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))

    def of_width(self, width: int, nonnegative: bool) -> Points:
        """Return the same points on supports of another width, at least that of the largest.

        Args:
            width: How many atoms; those without a code are left out, or the strongest others added.
            nonnegative: Whether codes must be 0 or more.
        """
        more = width - self.support.shape[1]
        if more <= 0:
            places = self.codes.abs().topk(width, dim=1).indices
            return self._replace(support=self.support.gather(1, places), codes=self.codes.gather(1, places))
        others = strongest_beside(self.support, self.product if nonnegative else self.product.abs(), more)
        return self._replace(support=torch.cat([self.support, others], dim=1), codes=pad(self.codes, (0, more)))


class Tried(NamedTuple):
    """Where paths have led, and whether it is certain.

    Attributes:
        points: Where they are, on the working sets.
        certificate: How good that is, if it was asked for.
        certain: Whether no atom outside the working set is violated.
        stuck: Whether atoms depend on each other.
        full: Whether the path ends there.
        events: The h at which atoms joined, or its negative where they left; 0 is none.
    """

    points: Points
    certificate: Certificate
    certain: Bool[Tensor, " b"]
    stuck: Bool[Tensor, " b"]
    full: Bool[Tensor, " b"]
    events: Float[Tensor, "b e"]

    def select(self, chosen: Int64[Tensor, " c"]) -> Tried:
        """Return some of the rows."""
        certificate = Certificate(*(tensor[chosen] for tensor in self.certificate))
        return Tried(
            self.points.select(chosen),
            certificate,
            self.certain[chosen],
            self.stuck[chosen],
            self.full[chosen],
            self.events[chosen],
        )

    @classmethod
    def joined(cls, parts: Sequence[Tried]) -> Tried:
        """Return the rows of all parts."""
        if len(parts) == 1:
            return parts[0]
        most = max(part.events.shape[1] for part in parts)
        return cls(
            Points.joined([part.points for part in parts]),
            Certificate(*(torch.cat(tensors) for tensors in zip(*(part.certificate for part in parts), strict=True))),
            torch.cat([part.certain for part in parts]),
            torch.cat([part.stuck for part in parts]),
            torch.cat([part.full for part in parts]),
            torch.cat([pad(part.events, (0, most - part.events.shape[1])) for part in parts]),
        )


class Book:
    """What is written down of the paths.

    Args:
        num_points: How many points of a path are written down.
    """

    def __init__(self, num_points: int) -> None:
        self.points: list[list[Part]] = [[] for _ in range(num_points)]
        self.ends: list[tuple[Int64[Tensor, " b"], Float[Tensor, " b"], Int64[Tensor, " b"]]] = []
        self.events: list[tuple[Int64[Tensor, " b"], Float[Tensor, "b e"]]] = []
        self.left: list[Int64[Tensor, " b"]] = []

    def write(self, number: int, points: Points, certificate: Certificate) -> None:
        """Write down certified points.

        Args:
            number: Index of their penalty.
            points: They themselves.
            certificate: How good they are.
        """
        self.points[number].append(Part(points.rows, points.support, points.codes, certificate, 0))

    def end(self, points: Points) -> None:
        """Write down where paths end."""
        self.ends.append((points.rows.cpu(), 2 * points.h.cpu(), points.looks.cpu()))

    def pursued(self, num_rows: int, num_atoms: int) -> Pursued:
        """Put everything in the order of the rows; those that were left have no codes, and infinite gaps.

        Args:
            num_rows: n.
            num_atoms: k.
        """
        came = torch.ones(num_rows, dtype=torch.bool)
        left = torch.cat([rows.cpu() for rows in self.left] or [torch.zeros(0, dtype=torch.int64)])
        came[left] = False
        unknown = torch.full((len(left),), torch.inf, dtype=torch.float64)
        nothing = Part(
            left, left.new_zeros(len(left), 0), unknown.new_zeros(len(left), 0), Certificate(unknown, unknown), 0
        )
        solved = []
        for parts in self.points:
            kept = [part.select(came.to(part.rows.device)[part.rows].nonzero().flatten()) for part in parts]
            solved.append(assembled([*kept, nothing], num_atoms))
        l1_penalty, looks = torch.zeros(num_rows, dtype=torch.float64), torch.zeros(num_rows, dtype=torch.int64)
        for rows, end, taken in self.ends:
            l1_penalty[rows], looks[rows] = end, taken
        rows = torch.cat(
            [left[:0], *(rows.cpu()[:, None].expand(events.shape).flatten() for rows, events in self.events)]
        )
        events = torch.cat([unknown[:0], *(2 * events.cpu().flatten() for _, events in self.events)])
        there = (events != 0) & came[rows]
        rows, events = rows[there], events[there]
        return Pursued(
            [one.codes for one in solved],
            [one.certificate for one in solved],
            l1_penalty,
            events[rows.argsort(stable=True)],
            rows.bincount(minlength=num_rows),
            looks,
        )


def strongest_beside(
    support: Int64[Tensor, "b s"], strengths: Float[Tensor, "b k"], count: int
) -> Int64[Tensor, "b c"]:
    """Return the strongest atoms that are not of the support.

    Args:
        support: Indices of the atoms of each row.
        strengths: Of all atoms.
        count: How many.
    """
    return strengths.scatter(1, support, -torch.inf).topk(count, dim=1).indices


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
    book = Book(1 if most_atoms else len(penalties))
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
        walk = Walk(atoms, exact, gram, most_atoms, solver, working_set, len(penalties) - 1, book)
        points = nothing
        for l1_penalty in stations(penalties, 2 * float(nothing.h.amax())):
            number = penalties.index(l1_penalty) if l1_penalty in penalties else None
            points = walk.on(points, l1_penalty, number)
            if not len(points.rows):
                break
    return book.pursued(len(targets), len(atoms))


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
        solver: Sign and tolerances.
        working_set: Atoms beside the support among which a path is followed, at least.
        last: Index of the last penalty that is asked for.
        book: Where points and events are written down.
    """

    atoms: Float[Tensor, "k d"]
    exact: Float[Tensor, "k d"]
    gram: Float[Tensor, "g g"]
    most_atoms: int
    solver: LassoSolver
    working_set: int
    last: int
    book: Book

    def on(self, points: Points, l1_penalty: float, number: int | None) -> Points:
        """Go on to a penalty.

        Args:
            points: Where the rows are.
            l1_penalty: L of the next point.
            number: Its index among those asked for; None: it lies between them.

        Returns:
            The rows that come there and go on.
        """
        there, size = list[Tried](), points.support.shape[1]
        # To the next point about a fifth more atoms join; what is not enough is doubled.
        beside = max(size, self.working_set // 4, 1)
        narrow, tried = BLOCK * (-(-(size + min(beside, self.working_set)) // BLOCK)), None
        for attempt in range(ATTEMPTS):
            strengths = self._strengths(points)
            if tried is not None:  # what it violates is above 1
                strengths = torch.maximum(strengths, self._strengths(tried.points))
            others = strongest_beside(points.support, strengths, min(narrow << attempt, len(self.atoms)) - size)
            tried = self._try(points, torch.cat([points.support, others], dim=1), l1_penalty, number is not None)
            self.book.left.append(points.rows[tried.stuck])
            there.append(tried.select((tried.certain & ~tried.stuck).nonzero().flatten()))
            again = (~tried.certain & ~tried.stuck).nonzero().flatten()
            points, tried = points.select(again), tried.select(again)
            if not len(again):
                break
        self.book.left.append(points.rows)
        return self._go_on(there, number)

    def _strengths(self, points: Points) -> Float[Tensor, "b k"]:
        """Return correlations by how near atoms are to joining; above 1 they are violated."""
        product = points.product if self.solver.nonnegative else points.product.abs()
        return product / points.h.clamp(min=1e-30)[:, None].to(product)

    def _go_on(self, there: Sequence[Tried], number: int | None) -> Points:
        """Write down rows that have come to a penalty, and return those whose paths go on."""
        last, on = number is not None and number == self.last, list[Points]()
        for tried in there:
            self.book.events.append((tried.points.rows, tried.events))
            ends = tried.full | last
            if self.most_atoms:
                done = ends.nonzero().flatten()
                self.book.write(0, tried.points.select(done), Certificate(*(part[done] for part in tried.certificate)))
                self.book.end(tried.points.select(done))
                on.append(tried.points.select((~ends).nonzero().flatten()))
                continue
            if number is not None:
                self.book.write(number, tried.points, tried.certificate)
            if last:
                self.book.end(tried.points)
            on.append(tried.points)
        size = max(1, *(int(part.codes.count_nonzero(dim=1).amax()) for part in on if len(part.rows)), 1)
        return Points.joined([part.of_width(size, self.solver.nonnegative) for part in on])

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
        return Tried(there, certificate, certain, leg.stuck, leg.full, leg.events)
