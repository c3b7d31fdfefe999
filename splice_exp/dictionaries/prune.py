"""Pruning: names whose embeddings say what a more frequent name says already."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

BLOCK = 1024  # names compared at a time


def prune_similar(features: Float[Tensor, "m d"], max_cosine: float) -> list[int]:
    """Go through unit rows in order and keep each that is not too similar to any row kept before it.

    Args:
        features: Unit rows, the most frequent name first.
        max_cosine: Largest cosine of two kept rows.

    Returns:
        The kept rows, ascending.
    """
    kept: list[int] = []
    for start in range(0, len(features), BLOCK):
        block = features[start : start + BLOCK]
        open_rows = torch.ones(len(block), dtype=torch.bool)
        if kept:
            open_rows &= (block @ features[kept].T <= max_cosine).all(dim=1)
        among = block @ block.T > max_cosine
        for row in range(len(block)):
            if open_rows[row]:
                kept.append(start + row)
                open_rows[row + 1 :] &= ~among[row, row + 1 :]
    return kept


def is_sum_of_parts(
    pairs: Float[Tensor, "m d"], first: Float[Tensor, "m d"], second: Float[Tensor, "m d"], max_cosine: float
) -> list[bool]:
    """Say of each pair of words whether it is the sum of its words: cosine(pair, mean of both) > max_cosine.

    Args:
        pairs: Embeddings of pairs of words, unit rows.
        first: Embedding of the first word of each pair, unit rows.
        second: Embedding of the second one.
        max_cosine: Above which a pair says no more than its words.
    """
    means = normalize(first + second, dim=1)
    return ((pairs * means).sum(dim=1) > max_cosine).tolist()
