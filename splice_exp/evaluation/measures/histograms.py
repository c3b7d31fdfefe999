"""Distributions of cosines as densities in bins of equal width, for tables that are plotted later."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

BINS = 80  # from −1 to 1


def count_cosines(cosines: Float[Tensor, " m"]) -> Float[Tensor, " b"]:
    """Return how many of some cosines lie in each bin."""
    return torch.histc(cosines.double().clamp(-1, 1), BINS, -1, 1)


def densities(counts: Float[Tensor, " b"], **labels: str) -> pd.DataFrame:
    """Return bins `from` … `to` with their `density`, whose integral is 1, and what they are of.

    Args:
        counts: From `count_cosines`.
        labels: Columns that are the same in each row.
    """
    edges = np.linspace(-1, 1, BINS + 1)
    density = (counts / counts.sum() * BINS / 2).numpy()
    return pd.DataFrame({**labels, "from": edges[:-1], "to": edges[1:], "density": density})
