"""The first sparse autoencoder: rectified scores, and an ℓ1 penalty: the objective of our solvers, amortised.

    minimise    mean ‖x − w D‖² + L ‖w‖₁        w = max(E x + b, 0)

References:
    Cunningham et al. Sparse autoencoders find highly interpretable features in language models. ICLR 2024.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import require_at_least
from splice_exp.dictionaries.learned.autoencoder import Autoencoder
from splice_exp.dictionaries.learned.sae import AutoencoderDictionary


class Relu(Autoencoder):
    """Rectified scores with an ℓ1 penalty.

    Args:
        dim: Width of the inputs.
        size: Number of atoms.
        l1_penalty: L.
    """

    def __init__(self, dim: int, size: int, l1_penalty: float) -> None:
        super().__init__(dim, size)
        self._l1_penalty = l1_penalty

    def penalty(self, scores: Float[Tensor, "n k"], codes: Float[Tensor, "n k"]) -> Float[Tensor, ""]:
        return self._l1_penalty * codes.sum(dim=1).mean()


@dataclass(frozen=True, kw_only=True, eq=False)
class ReluAutoencoder(AutoencoderDictionary):
    """A ReLU autoencoder.

    Args:
        train: See `AutoencoderDictionary`, as for all arguments but the last.
        size: Number of atoms.
        seed: Of weights and order.
        epochs: Passes over the rows.
        batch_size: Rows in a step.
        learning_rate: Of Adam.
        trained: Whether it is.
        l1_penalty: L, in the convention of the solvers.
    """

    l1_penalty: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("l1_penalty", self.l1_penalty, 0)

    def network(self, targets: Float[Tensor, "n d"]) -> Relu:
        return Relu(targets.shape[1], self.size, self.l1_penalty)
