"""How alike atoms are: within a dictionary, and to those of another one.

    coherence     mean over atoms of the largest |⟨a_i, a_j⟩|, j ≠ i        0: orthogonal, 1: each atom has a copy
    recurrence    mean over atoms of the largest ⟨a_i, b_j⟩                 1: the other dictionary has them all

References:
    Sharkey, Braun, Millidge. Taking features out of superposition with sparse autoencoders. 2022 (mean max cosine
    similarity).
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import ortho_group
from torch import Tensor

TOGETHER = 2**24  # entries of a product at a time


def coherence(atoms: Float[Tensor, "k d"]) -> float:
    """Return the coherence; 0 for a single atom.

    Args:
        atoms: Unit rows.
    """
    largest = []
    for rows in torch.split(torch.arange(len(atoms)), max(1, TOGETHER // len(atoms))):
        product = (atoms[rows] @ atoms.T).abs()
        product[torch.arange(len(rows)), rows] = 0
        largest.append(product.max(dim=1).values)
    return float(torch.cat(largest).double().mean())


def recurrence(atoms: Float[Tensor, "k d"], others: Float[Tensor, "m d"]) -> float:
    """Return the recurrence of atoms in another dictionary.

    Args:
        atoms: Unit rows.
        others: Unit rows.
    """
    parts = torch.split(atoms, max(1, TOGETHER // len(others)))
    return float(torch.cat([(part @ others.T).max(dim=1).values for part in parts]).double().mean())


def rotated(atoms: Float[Tensor, "k d"], seed: int) -> Float[Tensor, "k d"]:
    """Return atoms turned by a random rotation, which leaves the angles between them: the null of recurrence.

    Args:
        atoms: Unit rows.
        seed: Of the rotation.
    """
    rotation = ortho_group.rvs(atoms.shape[1], random_state=np.random.default_rng(seed))
    return atoms @ torch.as_tensor(rotation, dtype=atoms.dtype)
