"""Atoms that lie near the convex hull of the data, which makes them stable: the relaxed archetypal autoencoder.

    D = σ(W C + Λ)        rows of W on the simplex,   C some rows of the data,   ‖Λ_i‖ ≤ δ

References:
    Fel et al. Archetypal SAE: adaptive and stable dictionary learning for concept extraction in large vision models.
    ICML 2025, arXiv 2502.12892.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError, require_at_least, require_integer
from splice_exp.core.keys import key_of
from splice_exp.dictionaries.learned.base import require_rows
from splice_exp.dictionaries.learned.top_k import TopK, TopKAutoencoder


class Archetypal(TopK):
    """A TopK autoencoder whose atoms are convex combinations of data, but for a bounded rest.

    Args:
        points: C, of which the first `size` are the first atoms, (c, d).
        size: Number of atoms, at most c.
        target_l0: Active atoms of a row, at most.
        relaxation: δ.
    """

    points: Tensor

    def __init__(self, points: Float[Tensor, "c d"], size: int, target_l0: int, relaxation: float) -> None:
        super().__init__(points.shape[1], size, target_l0)
        del self.decoder
        self.register_buffer("points", points)
        self.mixture = nn.Parameter(torch.eye(size, len(points)))
        self.rest = nn.Parameter(torch.zeros(size, points.shape[1]))
        self.encoder.data.copy_(points[:size])
        self._relaxation = relaxation

    def atoms(self) -> Float[Tensor, "k d"]:
        return normalize(self.mixture @ self.points + self.rest, dim=1)

    def constrain(self) -> None:
        self.mixture.relu_()
        self.mixture.div_(self.mixture.sum(dim=1, keepdim=True).clamp(min=torch.finfo(self.mixture.dtype).eps))
        self.rest.mul_((self._relaxation / self.rest.norm(dim=1, keepdim=True)).clamp(max=1))  # of zeros: 1


@dataclass(frozen=True, kw_only=True, eq=False)
class ArchetypalAutoencoder(TopKAutoencoder):
    """A relaxed archetypal autoencoder, TopK.

    Args:
        train: See `AutoencoderDictionary`, as for all arguments but the last three.
        size: Number of atoms.
        seed: Of weights, points and order.
        epochs: Passes over the rows.
        batch_size: Rows in a step.
        learning_rate: Of Adam.
        trained: Whether it is.
        target_l0: Active atoms of a row, at most.
        num_points: Rows of the data that atoms are made of, sampled at random; at least `size`.
        relaxation: δ, how far an atom may be from their convex hull, for inputs of norm 1.
    """

    num_points: int = 2000
    relaxation: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("num_points", self.num_points, 1)
        if self.num_points < self.size:
            raise SpliceError(f"{key_of('num_points')} is {self.num_points}, but must be at least size={self.size}.")
        require_at_least("relaxation", self.relaxation, 0)

    def network(self, targets: Float[Tensor, "n d"]) -> Archetypal:
        require_rows(targets, self.num_points, "num_points", self)
        points = targets[torch.randperm(len(targets))[: self.num_points]]
        return Archetypal(points, self.size, self.target_l0, self.relaxation)
