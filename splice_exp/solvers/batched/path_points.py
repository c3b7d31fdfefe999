"""Where the paths of many rows are, and what a step along them led to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import pad

from splice_exp.solvers.objective import Certificate


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

    def sorted_out(self, last: bool) -> Sequence[Int64[Tensor, " c"]]:
        """Return which rows have come there and go on, which end there, which go once more, and which are stuck.

        Args:
            last: Whether this is the last penalty, at which all paths end.
        """
        ends = torch.ones_like(self.full) if last else self.full
        kinds = torch.where(self.stuck, 3, torch.where(self.certain, ends.long(), 2))
        counts = (kinds[:, None] == torch.arange(4, device=kinds.device)).sum(dim=0)
        return torch.split(kinds.argsort(stable=True), counts.tolist())

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
