"""From the scores of images under random masks to maps.

    slope        map_p = Σ_t (γ_t − γ̄)(M_tp − M̄_p) / Σ_t (M_tp − M̄_p)²          γ_t = γ(f(x masked by M_t))
    mean kept    map_p = Σ_t γ_t M_tp / N

The slope is that of least squares of the score on the mask value of each pixel: adding a constant to γ changes nothing.
The mean adds to every pixel noise in proportion to the mean score.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.masks import Masks

Scores: TypeAlias = Callable[[Tensor], Tensor]  # kept shares (m, h, w) → (m, K)


@dataclass(frozen=True, eq=False)
class RiseMaps:
    """Maps of one explicand, and how far they are from where more masks would bring them.

    Attributes:
        maps: (K, h, w).
        reliability: Rank correlation of the maps from either half of the masks, (K,).
    """

    maps: Float[Tensor, "K h w"]
    reliability: Float[Tensor, " K"]


@dataclass(frozen=True, eq=False)
class MaskSums:
    """Sums over some masks, in float64: of centred scores, of mask values around a half, of their squares and products.

    Attributes:
        level: What was taken away from the scores, (K,).
        number: Of masks.
        scores: Σ (γ_t − level), (K,).
        values: Σ (M_t − ½), (h, w).
        squares: Σ (M_t − ½)², (h, w).
        products: Σ (γ_t − level)(M_t − ½), (K, h, w).
    """

    level: Float[Tensor, " K"]
    number: int
    scores: Float[Tensor, " K"]
    values: Float[Tensor, "h w"]
    squares: Float[Tensor, "h w"]
    products: Float[Tensor, "K h w"]

    def __add__(self, other: MaskSums) -> MaskSums:
        return MaskSums(
            self.level,
            self.number + other.number,
            self.scores + other.scores,
            self.values + other.values,
            self.squares + other.squares,
            self.products + other.products,
        )

    def slopes(self) -> Float[Tensor, "K h w"]:
        """Return the least-squares slope at each pixel; 0 where no mask differs from the others."""
        covariance = self.products - self.scores[:, None, None] / self.number * self.values
        variance = self.squares - self.values.square() / self.number
        return torch.where(variance > 1e-9, covariance / variance.clamp(min=1e-9), 0.0).float()

    def kept_scores(self) -> Float[Tensor, "K h w"]:
        """Return the mean over all masks of the score times the mask value, Σ γ_t M_t / N."""
        kept = self.values + 0.5 * self.number
        total = self.products + 0.5 * self.scores[:, None, None] + self.level[:, None, None] * kept
        return (total / self.number).float()


Estimate: TypeAlias = Callable[[MaskSums], Tensor]  # sums over masks → maps (K, h, w)


def maps_of(scores: Float[Tensor, "N K"], masks: Masks, chunk: int, estimate: Estimate = MaskSums.slopes) -> RiseMaps:
    """Make maps of the scores under all masks.

    Args:
        scores: γ_t of K targets.
        masks: N of them.
        chunk: Masks that are in memory at once.
        estimate: Makes maps of sums over masks.
    """
    level = scores.mean(dim=0)
    half = len(masks) // 4 * 2  # pairs of antithetic masks stay together
    first, second = (_sums(scores, level, masks, part, chunk) for part in (range(half), range(half, len(masks))))
    reliability = [_agreement(*pair) for pair in zip(estimate(first), estimate(second), strict=True)]
    return RiseMaps(estimate(first + second), torch.tensor(reliability))


def _agreement(first: Float[Tensor, "h w"], second: Float[Tensor, "h w"]) -> float:
    """Return the rank correlation of two maps; 0 where one is constant, as that of a target of zeros."""
    from scipy.stats import spearmanr  # late: it takes a second

    ranks = [values.flatten().cpu().numpy() for values in (first, second)]
    return 0.0 if any(np.ptp(values) == 0 for values in ranks) else float(spearmanr(*ranks).statistic)


def _sums(scores: Float[Tensor, "N K"], level: Float[Tensor, " K"], masks: Masks, rows: range, chunk: int) -> MaskSums:
    """Add up some masks, chunk by chunk; scores without their level, as products are in float32."""
    centred = scores - level
    shape, device = (masks.height, masks.width), scores.device
    values, squares = (torch.zeros(shape, dtype=torch.float64, device=device) for _ in range(2))
    products = torch.zeros(scores.shape[1], *shape, dtype=torch.float64, device=device)
    for start in range(rows.start, rows.stop, chunk):
        stop = min(start + chunk, rows.stop)
        around = masks.enlarged(start, stop, device) - 0.5
        values += around.sum(dim=0)
        squares += around.square().sum(dim=0)
        products += (centred[start:stop].T @ around.flatten(1)).view_as(products)
    total = centred[rows.start : rows.stop].double().sum(dim=0)
    return MaskSums(level.double(), len(rows), total, values, squares, products)


def score_masks(scores: Scores, masks: Masks, chunk: int, device: torch.device) -> Tensor:
    """Return what `scores` says under every mask, chunk by chunk.

    Args:
        scores: Takes the kept share of each pixel, (m, h, w), and gives K scores for each mask.
        masks: All masks of one explicand.
        chunk: Masks that are scored at once.
        device: On which masks are enlarged.
    """
    starts = range(0, len(masks), chunk)
    return torch.cat([scores(masks.enlarged(start, min(start + chunk, len(masks)), device)) for start in starts])
