"""How much the concepts of a list have to do with each other, without asking anyone: the mean of their cosines.

    coherence = Σ_{i<j} ⟨d_i, d_j⟩ / (n (n − 1) / 2) = (‖Σ d_i‖² − Σ ‖d_i‖²) / (n (n − 1))

over the active concepts of a code, whose atoms are centred; of fewer than two concepts nothing is known.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.sparse import csr_matrix
from torch import Tensor

from splice_exp.core.codes import Codes

TRADES = 5  # a list: each takes part in ten


def coherence(codes: Codes, atoms: Float[Tensor, "k d"]) -> Float[Tensor, " n"]:
    """Return the coherence of each row; NaN for rows with fewer than two concepts.

    Args:
        codes: n rows.
        atoms: Unit rows.
    """
    return _of_lists(codes.indices, codes, atoms)


def coherence_of_chance(codes: Codes, atoms: Float[Tensor, "k d"], seed: int, deals: int = 20) -> Float[Tensor, " n"]:
    """Return the same for lists of the same lengths, with the concepts of all lists shuffled: the null.

    Args:
        codes: n rows.
        atoms: Unit rows.
        seed: Of the first shuffle.
        deals: Number of shuffles whose mean is taken.
    """
    return torch.stack([_of_lists(dealt(codes, seed + deal), codes, atoms) for deal in range(deals)]).mean(dim=0)


def dealt(codes: Codes, seed: int) -> Int64[Tensor, " nnz"]:
    """Shuffle the concepts of all lists; each occurs as often as before, and in no list twice.

    Two lists after the other trade what only one of them has, at random, `TRADES` times as often as there are lists.

    Args:
        codes: n rows.
        seed: Of the shuffle.

    Returns:
        Concepts that may take the place of `codes.indices`: each row has as many as before.

    References:
        Strona et al. A fast and unbiased procedure to randomize ecological binary matrices with fixed row and column
        totals. Nature Communications 5, 2014.
    """
    random = Random(seed)
    ends = codes.indptr.tolist()
    lists = [codes.indices[start:stop].tolist() for start, stop in pairwise(ends)]
    for _ in range(TRADES * len(lists) if len(lists) > 1 else 0):
        first, second = random.sample(range(len(lists)), 2)
        shared = set(lists[first]) & set(lists[second])
        own = [concept for concept in lists[first] if concept not in shared]
        pool = own + [concept for concept in lists[second] if concept not in shared]
        random.shuffle(pool)
        kept = sorted(shared)
        lists[first], lists[second] = kept + pool[: len(own)], kept + pool[len(own) :]
    return torch.tensor([concept for hand in lists for concept in hand], dtype=torch.int64)


def _of_lists(concepts: Int64[Tensor, " nnz"], codes: Codes, atoms: Float[Tensor, "k d"]) -> Float[Tensor, " n"]:
    lists = csr_matrix((np.ones(len(concepts)), concepts.numpy(), codes.indptr.numpy()), shape=(len(codes), len(atoms)))
    vectors = atoms.double().numpy()
    sums, lengths = (torch.from_numpy(lists @ of) for of in (vectors, np.square(vectors).sum(axis=1)))
    sizes = codes.l0().double()
    pairs = sizes * (sizes - 1)
    return torch.where(pairs > 0, (sums.square().sum(dim=1) - lengths) / pairs, torch.nan)
