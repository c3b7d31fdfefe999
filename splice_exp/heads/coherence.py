"""How much the concepts of a list have to do with each other, without asking anyone: the mean of their cosines.

    coherence = Σ_{i<j} ⟨d_i, d_j⟩ / (n (n − 1) / 2) = (‖Σ d_i‖² − Σ ‖d_i‖²) / (n (n − 1))

over the active concepts of a code, whose atoms are centred; of fewer than two concepts nothing is known.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.core.codes import Codes


def coherence(codes: Codes, atoms: Float[Tensor, "k d"]) -> Float[Tensor, " n"]:
    """Return the coherence of each row; NaN for rows with fewer than two concepts.

    Args:
        codes: n rows.
        atoms: Unit rows.
    """
    return _of_lists(codes.indices, codes, atoms)


def coherence_of_chance(codes: Codes, atoms: Float[Tensor, "k d"], seed: int, deals: int = 20) -> Float[Tensor, " n"]:
    """Return the same of lists as long as these, with the concepts of all of them dealt out anew: the null.

    Args:
        codes: n rows.
        atoms: Unit rows.
        seed: Of the first deal.
        deals: Whose mean is taken.
    """
    return torch.stack([_of_lists(dealt(codes, seed + deal), codes, atoms) for deal in range(deals)]).mean(dim=0)


def dealt(codes: Codes, seed: int) -> Int64[Tensor, " nnz"]:
    """Deal the concepts of all lists out anew; each is there as often as before, and in no list twice.

    What a list has twice changes its place with one drawn by chance, until none is left.

    Args:
        codes: n rows.
        seed: Of the deal.
    """
    random = np.random.default_rng(seed)
    rows, hand = codes.rows.numpy(), random.permutation(codes.indices.numpy())
    while len(twice := _repeated(rows, hand)):
        others = random.integers(len(hand), size=len(twice))
        for place, other in zip(twice.tolist(), others.tolist(), strict=True):
            hand[place], hand[other] = hand[other], hand[place]
    return torch.from_numpy(hand)


def _repeated(rows: np.ndarray, hand: np.ndarray) -> np.ndarray:
    """Return the places of what a list has had before."""
    order = np.lexsort((hand, rows))
    same = (rows[order][1:] == rows[order][:-1]) & (hand[order][1:] == hand[order][:-1])
    return order[1:][same]


def _of_lists(concepts: Int64[Tensor, " nnz"], codes: Codes, atoms: Float[Tensor, "k d"]) -> Float[Tensor, " n"]:
    chosen = atoms.double()[concepts]
    sums = torch.zeros(len(codes), atoms.shape[1], dtype=torch.float64).index_add_(0, codes.rows, chosen)
    lengths = torch.zeros(len(codes), dtype=torch.float64).index_add_(0, codes.rows, chosen.square().sum(dim=1))
    sizes = codes.l0().double()
    pairs = sizes * (sizes - 1)
    return torch.where(pairs > 0, (sums.square().sum(dim=1) - lengths) / pairs, torch.nan)
