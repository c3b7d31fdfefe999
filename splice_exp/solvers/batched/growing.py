r"""Least squares on supports that grow by one atom at a time, for many rows at once.

    G = L Lᵀ,   z = L⁻¹ c          one more atom:   v = L⁻¹ g,   p² = ⟨d, d⟩ − ‖v‖²,   z' = (⟨d, x⟩ − ⟨v, z⟩) / p

with g its products with the support, c = D_S x, and v and p the new row of L. A step computes s products per row and
solves two triangular systems, rather than s² products and a factorisation, and copies no atoms but the new ones. Where
least squares have a negative code that must not be, the problem in G is solved by block pivoting.

References:
    Rubinstein, Zibulevsky, Elad. Efficient implementation of the K-SVD algorithm using batch orthogonal matching
    pursuit. Technion, CS-2008-08, 2008.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from splice_exp.solvers.base import State
from splice_exp.solvers.batched.looks import correlate, pattern_of
from splice_exp.solvers.least_squares_on_support import nonnegative_least_squares, solve_on_support

POOR = 1e-8  # squared distance of an atom from the span of those before, below which G says too little
SIGNIFICANT = 1e-12  # a code less negative than this, relative to the largest, is rounding


class Factors(NamedTuple):
    """What is known of the supports of some rows, which its methods overwrite; of the identity where atoms lack.

    Attributes:
        gram: G.
        factor: L.
        correlations: c.
        forward: z.
        poor: Rows whose atoms nearly depend on each other.
    """

    gram: Float[Tensor, "n s s"]
    factor: Float[Tensor, "n s s"]
    correlations: Float[Tensor, "n s"]
    forward: Float[Tensor, "n s"]
    poor: Bool[Tensor, " n"]

    @classmethod
    def none(cls, num_rows: int, size: int, device: torch.device) -> Factors:
        """Begin without atoms.

        Args:
            num_rows: n.
            size: s, how many there may be.
            device: Where to compute.
        """
        identity = torch.eye(size, dtype=torch.float64, device=device).repeat(num_rows, 1, 1)
        zeros = identity.new_zeros(num_rows, size)
        return cls(identity, identity.clone(), zeros, zeros.clone(), torch.zeros_like(zeros[:, 0], dtype=torch.bool))

    def grow(
        self,
        rows: Int64[Tensor, " b"],
        state: State,
        targets: Float[Tensor, "b d"],
        support: Int64[Tensor, "b t"],
        place: Int64[Tensor, " b"],
    ) -> None:
        """Take in one more atom in some rows.

        Args:
            rows: Their indices.
            state: With the dictionary.
            targets: X of these rows in float64.
            support: The first t atoms of their supports, all that there are; −1 is none.
            place: Index of the new atom, behind all others.
        """
        at, size = place[:, None], support.shape[1]
        new = state.exact_atoms[support.gather(1, at)[:, 0]]
        pattern = pattern_of(support.clamp(min=0), len(state.atoms))
        products = torch.where(support >= 0, correlate(new, state.exact_atoms, pattern), 0.0)
        own, correlation = products.gather(1, at), (new * targets).sum(dim=1, keepdim=True)
        before = products.scatter(1, at, 0.0)
        factor, forward = self.factor[:, :size, :size][rows], self.forward[:, :size][rows]
        v = torch.linalg.solve_triangular(factor, before[:, :, None], upper=False)[:, :, 0]
        left = own - v.square().sum(dim=1, keepdim=True)
        pivot = left.clamp(min=POOR).sqrt()
        self.gram[rows, place, :size] = products
        self.gram[rows, :size, place] = products
        self.factor[rows, place, :size] = v.scatter(1, at, pivot)
        self.correlations[rows, place] = correlation[:, 0]
        self.forward[rows, place] = ((correlation - (v * forward).sum(dim=1, keepdim=True)) / pivot)[:, 0]
        self.poor[rows] |= left[:, 0] < POOR

    def reorder(self, rows: Int64[Tensor, " b"], order: Int64[Tensor, "b s"], there: Bool[Tensor, "b s"]) -> None:
        """Put the supports of some rows into another order, without some of their atoms.

        Args:
            rows: Their indices.
            order: Which atom stands at each index.
            there: Whether it is kept; those that are come first.
        """
        down = order[:, :, None].expand(-1, -1, order.shape[1])
        both = there[:, :, None] & there[:, None, :]
        identity = torch.eye(order.shape[1], dtype=torch.float64, device=order.device)
        gram = torch.where(both, self.gram[rows].gather(1, down).gather(2, down.mT), identity)
        correlations = torch.where(there, self.correlations[rows].gather(1, order), 0.0)
        factor, failed = torch.linalg.cholesky_ex(gram)
        self.gram[rows], self.factor[rows], self.correlations[rows] = gram, factor, correlations
        self.forward[rows] = torch.linalg.solve_triangular(factor, correlations[:, :, None], upper=False)[:, :, 0]
        self.poor[rows] = (failed != 0) | ~(factor.diagonal(dim1=1, dim2=2).square().amin(dim=1) >= POOR)

    def solve(
        self,
        rows: Int64[Tensor, " b"],
        state: State,
        targets: Float[Tensor, "b d"],
        support: Int64[Tensor, "b t"],
        nonnegative: bool,
    ) -> Float[Tensor, "b t"]:
        """Return the least-squares codes of some rows.

        Args:
            rows: Their indices.
            state: With the dictionary.
            targets: X of these rows.
            support: The first t atoms of their supports, all that there are; −1 is none.
            nonnegative: Whether codes must be 0 or more.
        """
        there, size = support >= 0, support.shape[1]
        factor, forward = self.factor[:, :size, :size][rows], self.forward[:, :size][rows]
        values = torch.linalg.solve_triangular(factor.mT, forward[:, :, None], upper=True)[:, :, 0]
        values = torch.where(there, values, 0.0)
        again = self.poor[rows]
        if nonnegative:
            negative = (values < -SIGNIFICANT * values.abs().amax(dim=1, keepdim=True)).any(dim=1) & ~again
            some = negative.nonzero()[:, 0]
            if len(some):
                gram, correlations = self.gram[:, :size, :size][rows[some]], self.correlations[:, :size][rows[some]]
                pivoted = nonnegative_least_squares(gram, correlations, there[some])
                values[some] = pivoted.values
                again[some] = ~pivoted.settled
            values = values.clamp(min=0)
        for count in sorted(set(there[again].sum(dim=1).tolist())):  # none, unless atoms are nearly the same
            some = (again & (there.sum(dim=1) == count)).nonzero()[:, 0]
            values[some, :count] = solve_on_support(targets[some], state.atoms, support[some, :count], nonnegative)
        return values
