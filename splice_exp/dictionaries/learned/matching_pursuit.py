"""Matching pursuit as an encoder: it has no weights, and sees what it has explained already.

    repeat k times    i = argmax ⟨d_i, r⟩,   w_i ← w_i + ⟨d_i, r⟩,   r ← r − ⟨d_i, r⟩ d_i        while ⟨d_i, r⟩ > 0

References:
    Costa, Fel, Lubana, Tolooshams, Ba. From flat to hierarchical: extracting sparse representations with matching
    pursuit. NeurIPS 2025, arXiv 2506.03093.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.dictionaries.learned.autoencoder import Autoencoder
from splice_exp.dictionaries.learned.top_k import TopK, TopKAutoencoder


class MatchingPursuit(TopK):
    """An autoencoder whose encoder is matching pursuit over its own atoms.

    Args:
        dim: Width of the inputs.
        size: Number of atoms.
        target_l0: Steps, and active atoms of a row at most.
    """

    def __init__(self, dim: int, size: int, target_l0: int) -> None:
        super().__init__(dim, size, target_l0)
        del self.encoder

    def scores(self, targets: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        atoms, residuals = self.atoms(), targets
        codes = targets.new_zeros(len(targets), len(atoms))
        for _ in range(self.target_l0):
            with torch.no_grad():
                chosen = (residuals @ atoms.T).argmax(dim=1)
            taken = atoms[chosen]
            value = (residuals * taken).sum(dim=1).relu()
            codes = codes.scatter_add(1, chosen[:, None], value[:, None])
            residuals = residuals - value[:, None] * taken
        return codes

    def select(self, scores: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        return scores

    sparse = Autoencoder.sparse  # scores are codes already


class MatchingPursuitAutoencoder(TopKAutoencoder):
    """A matching pursuit autoencoder; its arguments are those of `TopKAutoencoder`."""

    def network(self, targets: Float[Tensor, "n d"]) -> MatchingPursuit:
        return MatchingPursuit(targets.shape[1], self.size, self.target_l0)
