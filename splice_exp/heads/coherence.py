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


def coherence_of_chance(codes: Codes, atoms: Float[Tensor, "k d"], seed: int) -> Float[Tensor, " n"]:
    """Return the same of lists as long as these, with the concepts of all of them dealt out anew: the null.

    Each concept is there as often as before; a list may get one twice.

    Args:
        codes: n rows.
        atoms: Unit rows.
        seed: Of the deal.
    """
    return _of_lists(dealt(codes, seed), codes, atoms)


def dealt(codes: Codes, seed: int) -> Int64[Tensor, " nnz"]:
    """Deal the concepts of all lists out anew; each is there as often as before.

    Args:
        codes: n rows.
        seed: Of the deal.
    """
    return codes.indices[torch.from_numpy(np.random.default_rng(seed).permutation(len(codes.indices)))]


def _of_lists(concepts: Int64[Tensor, " nnz"], codes: Codes, atoms: Float[Tensor, "k d"]) -> Float[Tensor, " n"]:
    chosen = atoms.double()[concepts]
    sums = torch.zeros(len(codes), atoms.shape[1], dtype=torch.float64).index_add_(0, codes.rows, chosen)
    lengths = torch.zeros(len(codes), dtype=torch.float64).index_add_(0, codes.rows, chosen.square().sum(dim=1))
    sizes = codes.l0().double()
    pairs = sizes * (sizes - 1)
    return torch.where(pairs > 0, (sums.square().sum(dim=1) - lengths) / pairs, torch.nan)
