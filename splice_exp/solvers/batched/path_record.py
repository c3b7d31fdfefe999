"""What is written down of the paths of many rows: certified points, where the paths end, and their events."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.solvers.batched.path_points import Points
from splice_exp.solvers.batched.rows import Part, assembled
from splice_exp.solvers.objective import Certificate
from splice_exp.solvers.path_compiled import Pursued


class PathRecord:
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

        Returns:
            The points and events of the paths.
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
