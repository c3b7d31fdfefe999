"""What an embedding names without a decomposition: its nearest atoms. The baseline of everything that codes name."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.core.types import Dictionary
from splice_exp.evaluation.measures.recovery import Supports

TILE = 2**24  # cosines at a time


def nearest_supports(targets: Float[Tensor, "n d"], dictionary: Dictionary, sizes: Int64[Tensor, " n"]) -> Supports:
    """Return the atoms with the largest cosines with each row, the nearest first, as many as are asked for.

    Args:
        targets: In the geometry of the atoms.
        dictionary: k atoms.
        sizes: How many atoms of each row.
    """
    supports: list[list[int]] = []
    most = int(sizes.max()) if len(sizes) else 0
    for rows in torch.split(torch.arange(len(targets)), max(1, TILE // len(dictionary))):
        order = (targets[rows] @ dictionary.atoms.T).topk(min(most, len(dictionary)), dim=1).indices
        supports += [named[:size] for named, size in zip(order.tolist(), sizes[rows].tolist(), strict=True)]
    return supports
