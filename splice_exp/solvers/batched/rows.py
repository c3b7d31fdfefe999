"""Rows at work, rows that have left, and the answer that is made of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import pad

from splice_exp.core.codes import Codes
from splice_exp.solvers.base import Solved
from splice_exp.solvers.objective import Certificate


class Front(NamedTuple):
    """Rows at work: their places in the batch, X and R in float64, and codes on supports of one width.

    Codes may be zero, but the atoms of a support are all different.
    """

    rows: Int64[Tensor, " b"]
    targets: Float[Tensor, "b d"]
    residuals: Float[Tensor, "b d"]
    support: Int64[Tensor, "b s"]
    codes: Float[Tensor, "b s"]

    @classmethod
    def of(cls, targets: Float[Tensor, "b d"]) -> Front:
        """Begin with zero codes."""
        rows = torch.arange(len(targets), device=targets.device)
        return cls(rows, targets, targets, rows.new_empty(len(rows), 0), targets.new_empty(len(rows), 0))

    def select(self, chosen: Int64[Tensor, " c"]) -> Front:
        """Return some of the rows."""
        return Front(*(tensor[chosen] for tensor in self))

    def afresh(self) -> Front:
        """Return the same rows with zero codes."""
        return Front(self.rows, self.targets, self.targets, self.support[:, :0], self.codes[:, :0])


class Part(NamedTuple):
    """Rows that have left, how good their codes are, and after how many looks at the dictionary."""

    rows: Int64[Tensor, " b"]
    support: Int64[Tensor, "b s"]
    codes: Float[Tensor, "b s"]
    certificate: Certificate
    looks: int

    def select(self, chosen: Int64[Tensor, " c"]) -> Part:
        """Return some of the rows."""
        certificate = Certificate(*(tensor[chosen] for tensor in self.certificate))
        return Part(self.rows[chosen], self.support[chosen], self.codes[chosen], certificate, self.looks)


def assembled(parts: Sequence[Part], num_atoms: int) -> Solved:
    """Put all rows of a batch in order, in CPU memory."""
    widest = max(part.support.shape[1] for part in parts)
    support = _joined([pad(part.support, (0, widest - part.support.shape[1]), value=-1).cpu() for part in parts])
    codes = _joined([pad(part.codes, (0, widest - part.codes.shape[1])).cpu() for part in parts])
    gap = _joined([part.certificate.duality_gap.cpu() for part in parts])
    violation = _joined([part.certificate.kkt_violation.cpu() for part in parts])
    looks = _joined([torch.full((len(part.rows),), part.looks) for part in parts])
    order = _joined([part.rows.cpu() for part in parts]).argsort()
    return Solved(
        Codes.from_support(support[order], codes[order], num_atoms),
        Certificate(gap[order], violation[order]),
        looks[order],
    )


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))
