"""The largest scores of a whole batch: rows share their active atoms as they need them.

In training, the n·k largest scores of n rows are kept. Afterwards one threshold, that which keeps k atoms per row on
average over the training rows, makes the code of a row independent of the rows beside it.

References:
    Bussmann, Leask, Nanda. BatchTopK sparse autoencoders. arXiv 2412.06410, 2024.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.dictionaries.learned.autoencoder import Autoencoder
from splice_exp.dictionaries.learned.top_k import TopK, TopKAutoencoder

SETTLING = 4096  # rows from which the threshold is found


class BatchTopK(TopK):
    """Keeps the largest scores of a batch; once settled, those above a threshold.

    Args:
        dim: Width of the inputs.
        size: Number of atoms.
        target_l0: Active atoms of a row, on average.
    """

    threshold: Tensor

    def __init__(self, dim: int, size: int, target_l0: int) -> None:
        super().__init__(dim, size, target_l0)
        self.register_buffer("threshold", torch.zeros(()))

    def select(self, scores: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        threshold = self._threshold_of(scores) if self.training else self.threshold
        return torch.where(scores >= threshold, scores, 0).relu()

    sparse = Autoencoder.sparse  # how many atoms a row has, is not known

    def settle(self, targets: Float[Tensor, "n d"]) -> None:
        self.threshold.copy_(self._threshold_of(self.scores(targets[:SETTLING])))

    def _threshold_of(self, scores: Float[Tensor, "n k"]) -> Float[Tensor, ""]:
        """Return the smallest score that is kept."""
        most = self.target_l0 * len(scores)
        return scores.detach().flatten().topk(most, sorted=False).values.amin()


class BatchTopKAutoencoder(TopKAutoencoder):
    """A BatchTopK autoencoder; its arguments are those of `TopKAutoencoder`, its `target_l0` an average."""

    def network(self, targets: Float[Tensor, "n d"]) -> BatchTopK:
        return BatchTopK(targets.shape[1], self.size, self.target_l0)
