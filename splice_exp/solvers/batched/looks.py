"""What is seen of all rows at once: correlations with the whole dictionary, or exactly with some atoms of each row."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import embedding_bag


class Lookup(NamedTuple):
    """D in the precision in which to look and to solve, in float64, and G = D Dᵀ in the first precision, or (0, 0).

    Attributes:
        careful: Whether to take steps that lower the objective, and not those of Newton.
    """

    atoms: Float[Tensor, "k d"]
    exact: Float[Tensor, "k d"]
    gram: Float[Tensor, "g g"]
    careful: bool


class Look(NamedTuple):
    """Correlations with a residual of each row, and the atoms beside its support that correlate most, strongest first.

    Unless codes are nonnegative, the strongest are those of the largest absolute values; `strengths` are these, −∞ on
    the support.
    """

    strengths: Float[Tensor, "b k"]
    correlations: Float[Tensor, "b c"]
    found: Int64[Tensor, "b c"]
    nonnegative: bool

    @classmethod
    def at(cls, product: Float[Tensor, "b k"], support: Int64[Tensor, "b s"], count: int, nonnegative: bool) -> Look:
        """Find the strongest `count`; `product` is overwritten if there is a support and codes are nonnegative."""
        strengths = product if nonnegative else product.abs()
        if support.shape[1]:
            strengths.scatter_(1, support, -torch.inf)
        best, found = strengths.topk(count, dim=1)
        return cls(strengths, best if nonnegative else product.gather(1, found), found, nonnegative)

    def count_above(self, threshold: float) -> int:
        """Count the strongest correlations that are above a threshold, in all rows."""
        return int(((self.correlations if self.nonnegative else self.correlations.abs()) > threshold).sum())

    def narrow(self, count: int) -> Look:
        """Return fewer of the strongest."""
        return self._replace(correlations=self.correlations[:, :count], found=self.found[:, :count])

    def select(self, chosen: Int64[Tensor, " c"]) -> Look:
        """Return the strongest of some rows."""
        return self._replace(correlations=self.correlations[chosen], found=self.found[chosen])

    def strongest_but(self, working: Int64[Tensor, "b m"]) -> Float[Tensor, " b"]:
        """Return the strongest correlation of atoms that are not of a working set; 0 if all are."""
        if working.shape[1] == self.strengths.shape[1]:
            return torch.zeros_like(self.strengths[:, 0])
        if working.shape[1]:
            self.strengths.scatter_(1, working, -torch.inf)
        return self.strengths.amax(dim=1)


def pattern_of(working: Int64[Tensor, "b m"], num_atoms: int) -> Tensor:
    """Return a sparse matrix (b, k) with a float64 entry for each atom of the working sets."""
    num_rows, width = working.shape
    starts = torch.arange(0, num_rows * width + 1, width, device=working.device)
    nothing = torch.zeros(num_rows * width, dtype=torch.float64, device=working.device)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            starts, working.reshape(-1), nothing, (num_rows, num_atoms), check_invariants=False
        )


def correlate(residuals: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], pattern: Tensor) -> Float[Tensor, "b m"]:
    """⟨d_i, r⟩ for the atoms of working sets, without a copy of the atoms for each row."""
    return torch.sparse.sampled_addmm(pattern, residuals, atoms.T, beta=0.0).values().view(len(residuals), -1)


def composed(
    codes: Float[Tensor, "b s"], atoms: Float[Tensor, "k d"], support: Int64[Tensor, "b s"]
) -> Float[Tensor, "b d"]:
    """W D for codes on a support of each row."""
    return embedding_bag(support, atoms, per_sample_weights=codes, mode="sum")
