"""The k largest scores of each row.

References:
    Gao et al. Scaling and evaluating sparse autoencoders. ICLR 2025.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.dictionaries.learned.autoencoder import Autoencoder, compose_sparse, largest
from splice_exp.dictionaries.learned.sae import AutoencoderDictionary, require_sparse


class TopK(Autoencoder):
    """Keeps the largest scores of a row, where they are positive.

    Args:
        dim: Width of the inputs.
        size: Number of atoms.
        target_l0: Active atoms of a row, at most.
    """

    def __init__(self, dim: int, size: int, target_l0: int) -> None:
        super().__init__(dim, size)
        self.target_l0 = target_l0

    def select(self, scores: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        return largest(scores, self.target_l0)

    def sparse(self, targets: Float[Tensor, "n d"]) -> Codes:
        values, atoms = self.scores(targets).topk(self.target_l0, dim=1, sorted=False)
        return Codes.from_support(atoms, values.relu(), len(self.bias))

    def compose(self, codes: Float[Tensor, "n k"], atoms: Float[Tensor, "k d"]) -> Float[Tensor, "n d"]:
        return compose_sparse(codes, atoms)


@dataclass(frozen=True, kw_only=True, eq=False)
class TopKAutoencoder(AutoencoderDictionary):
    """A TopK autoencoder.

    Args:
        train: See `AutoencoderDictionary`, as for all arguments but the last.
        size: Number of atoms.
        seed: Of weights and order.
        epochs: Passes over the rows.
        batch_size: Rows in a step.
        learning_rate: Of Adam.
        trained: Whether it is.
        target_l0: Active atoms of a row, at most.
    """

    target_l0: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require_sparse(self.target_l0, self.size)

    def network(self, targets: Float[Tensor, "n d"]) -> Autoencoder:
        return TopK(targets.shape[1], self.size, self.target_l0)
