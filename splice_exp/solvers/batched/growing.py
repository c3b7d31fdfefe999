r"""Least squares on supports that grow by one atom at a time, for many rows at once.

    G = L Lᵀ,   z = L⁻¹ c          one more atom:   v = L⁻¹ g,   p² = ⟨d, d⟩ − ‖v‖²,   z' = (⟨d, x⟩ − ⟨v, z⟩) / p

with g its products with the support, c = D_S x, and v and p the new row of L. A step computes s products a row and
solves two triangular systems, rather than s² products and a factorisation. Where least squares have a negative code
that must not be, the problem in G is solved by block pivoting.

References:
    Rubinstein, Zibulevsky, Elad. Efficient implementation of the K-SVD algorithm using batch orthogonal matching
    pursuit. Technion, CS-2008-08, 2008.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from splice_exp.solvers.least_squares_on_support import nonnegative_least_squares, solve_on_support

POOR = 1e-8  # squared distance of an atom from the span of those before, below which G tells too little
SIGNIFICANT = 1e-12  # a code less negative than this, relative to the largest, is rounding


class Factors(NamedTuple):
    """What is known of the supports of some rows; where there is no atom yet, of the identity.

    Attributes:
        gram: G.
        factor: L.
        correlations: c.
        forward: z.
        poor: Rows whose atoms nearly depend on each other.
    """

    gram: Float[Tensor, "b s s"]
    factor: Float[Tensor, "b s s"]
    correlations: Float[Tensor, "b s"]
    forward: Float[Tensor, "b s"]
    poor: Bool[Tensor, " b"]

    @classmethod
    def none(cls, num_rows: int, size: int, device: torch.device) -> Factors:
        """Begin without atoms.

        Args:
            num_rows: b.
            size: s, how many there may be.
            device: Where to compute.
        """
        identity = torch.eye(size, dtype=torch.float64, device=device).repeat(num_rows, 1, 1)
        zeros = identity.new_zeros(num_rows, size)
        return cls(identity, identity.clone(), zeros, zeros.clone(), torch.zeros_like(zeros[:, 0], dtype=torch.bool))

    def select(self, rows: Int64[Tensor, " m"]) -> Factors:
        """Return those of some rows."""
        return Factors(*(tensor[rows] for tensor in self))

    def write(self, rows: Int64[Tensor, " m"], other: Factors) -> None:
        """Overwrite those of some rows."""
        for tensor, new in zip(self, other, strict=True):
            tensor[rows] = new

    def grown(
        self,
        chosen: Float[Tensor, "b s d"],
        targets: Float[Tensor, "b d"],
        place: Int64[Tensor, " b"],
    ) -> Factors:
        """Take in one more atom of each row.

        Args:
            chosen: The atoms of the supports with the new one, in float64; zero where there is none.
            targets: X in float64.
            place: Where the new atom stands, behind all others.
        """
        at = place[:, None]
        new = chosen.gather(1, at[:, :, None].expand(-1, -1, chosen.shape[2]))
        products = (chosen @ new.mT)[:, :, 0]
        own, correlation = products.gather(1, at), (new @ targets[:, :, None])[:, :, 0]
        row = at[:, :, None].expand(-1, 1, len(self.gram[0]))
        gram = self.gram.scatter(1, row, products[:, None]).scatter(2, row.mT, products[:, :, None])
        before = products.scatter(1, at, 0.0)
        v = torch.linalg.solve_triangular(self.factor, before[:, :, None], upper=False)[:, :, 0]
        left = own - v.square().sum(dim=1, keepdim=True)
        pivot = left.clamp(min=POOR).sqrt()
        factor = self.factor.scatter(1, row, v.scatter(1, at, pivot)[:, None])
        forward = (correlation - (v * self.forward).sum(dim=1, keepdim=True)) / pivot
        return Factors(
            gram,
            factor,
            self.correlations.scatter(1, at, correlation),
            self.forward.scatter(1, at, forward),
            self.poor | (left[:, 0] < POOR),
        )

    def reordered(self, order: Int64[Tensor, "b s"], there: Bool[Tensor, "b s"]) -> Factors:
        """Return those of supports in another order.

        Args:
            order: Which atom stands in each place.
            there: Whether it is kept; those that are come first.
        """
        rows = order[:, :, None].expand_as(self.gram)
        both = there[:, :, None] & there[:, None, :]
        gram = torch.where(both, self.gram.gather(1, rows).gather(2, rows.mT), torch.eye(len(order[0])).to(self.gram))
        correlations = torch.where(there, self.correlations.gather(1, order), 0.0)
        factor, failed = torch.linalg.cholesky_ex(gram)
        forward = torch.linalg.solve_triangular(factor, correlations[:, :, None], upper=False)[:, :, 0]
        poor = (failed != 0) | (factor.diagonal(dim1=1, dim2=2).square().amin(dim=1) < POOR)
        return Factors(gram, factor, correlations, forward, poor)

    def solve(
        self,
        targets: Float[Tensor, "b d"],
        atoms: Float[Tensor, "k d"],
        support: Int64[Tensor, "b s"],
        nonnegative: bool,
    ) -> Float[Tensor, "b s"]:
        """Return the least-squares codes.

        Args:
            targets: X.
            atoms: D.
            support: Indices of the atoms; −1 is none.
            nonnegative: Whether codes must be 0 or more.
        """
        there = support >= 0
        values = torch.linalg.solve_triangular(self.factor.mT, self.forward[:, :, None], upper=True)[:, :, 0]
        values = torch.where(there, values, 0.0)
        again = self.poor
        if nonnegative:
            negative = (values < -SIGNIFICANT * values.abs().amax(dim=1, keepdim=True)).any(dim=1) & ~self.poor
            rows = negative.nonzero()[:, 0]
            if len(rows):
                pivoted = nonnegative_least_squares(self.gram[rows], self.correlations[rows], there[rows])
                values[rows] = pivoted.values
                again = again.index_put((rows,), ~pivoted.settled)
            values = values.clamp(min=0)
        for size in sorted(set(there[again].sum(dim=1).tolist())):  # none, but where atoms are nearly the same
            rows = (again & (there.sum(dim=1) == size)).nonzero()[:, 0]
            values[rows, :size] = solve_on_support(targets[rows], atoms, support[rows, :size], nonnegative)
        return values
