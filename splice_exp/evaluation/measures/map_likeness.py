"""How alike two maps of the same pixels are: by the order of their values, and by their structure.

References:
    Wang, Bovik, Sheikh, Simoncelli. Image quality assessment: from error visibility to structural similarity. IEEE
    Trans. Image Processing 13, 2004.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure


def rank_correlations(first: Float[Tensor, "n h w"], second: Float[Tensor, "n h w"]) -> np.ndarray:
    """Return Spearman's correlation over the pixels of each pair of maps, (n,); 0 where one is constant.

    Args:
        first: Maps, on the CPU.
        second: The map that each is compared with.
    """
    pairs = zip(first.flatten(1).numpy(), second.flatten(1).numpy(), strict=True)
    return np.array([0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else spearmanr(a, b).statistic for a, b in pairs])


def similarities(first: Float[Tensor, "n h w"], second: Float[Tensor, "n h w"]) -> np.ndarray:
    """Return the structural similarity of each pair of maps, each in units of its largest absolute value, (n,).

    Args:
        first: Maps.
        second: The map that each is compared with.
    """
    scaled = [(maps / maps.abs().amax(dim=(1, 2), keepdim=True).clamp(min=1e-12))[:, None] for maps in (first, second)]
    found = [
        torch.as_tensor(structural_similarity_index_measure(one[None], other[None], data_range=2.0))
        for one, other in zip(*scaled, strict=True)
    ]
    return torch.stack(found).double().numpy()
