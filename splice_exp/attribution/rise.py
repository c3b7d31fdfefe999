"""RISE: a pixel matters as much as the score rises when it is kept. Embed once, explain many.

    map_p = Σ_t (γ_t − γ̄)(M_tp − M̄_p) / Σ_t (M_tp − M̄_p)²          γ_t = γ(f(x masked by M_t))

the least-squares slope of the score on the mask value of each pixel: adding a constant to γ changes nothing. The masked
images are embedded once; every target, corpus, foil and similarity is then one product of scores with masks.

References:
    Petsiuk, Das, Saenko. RISE: randomized input sampling for explanation of black-box models. BMVC 2018 (E[γ M] / p,
    which adds to every pixel noise in proportion to the mean score).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor

from splice_exp.attribution.masks import Masks, MaskSettings, draw_masks
from splice_exp.attribution.methods import Attributions, Explicands, Method
from splice_exp.attribution.targets import Target
from splice_exp.core.errors import require_integer

Scores = Callable[[Tensor], Tensor]  # kept shares (m, h, w) → (m, K)


@dataclass(frozen=True, eq=False)
class RiseMaps:
    """Maps of one explicand, and how far they are from where more masks would bring them.

    Attributes:
        maps: (K, h, w).
        reliability: Rank correlation of the maps from either half of the masks, (K,).
    """

    maps: Float[Tensor, "K h w"]
    reliability: Float[Tensor, " K"]


def maps_of(scores: Float[Tensor, "N K"], masks: Masks, chunk: int) -> RiseMaps:
    """Make maps of the scores under all masks.

    Args:
        scores: γ_t of K targets.
        masks: N of them.
        chunk: Masks that are in memory at once.
    """
    centred = scores - scores.mean(dim=0)
    half = len(masks) // 4 * 2  # pairs of antithetic masks stay together
    first, second = (_sums(centred, masks, part, chunk) for part in (range(half), range(half, len(masks))))
    reliability = [_agreement(*pair) for pair in zip(first.slopes(), second.slopes(), strict=True)]
    return RiseMaps((first + second).slopes(), torch.tensor(reliability))


def _agreement(first: Float[Tensor, "h w"], second: Float[Tensor, "h w"]) -> float:
    """Return the rank correlation of two maps; 0 where one is constant, as that of a target of zeros."""
    ranks = [values.flatten().cpu().numpy() for values in (first, second)]
    return 0.0 if any(np.ptp(values) == 0 for values in ranks) else float(spearmanr(*ranks).statistic)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over some masks, in float64: of scores, of mask values around a half, of their squares and products."""

    number: int
    scores: Float[Tensor, " K"]
    values: Float[Tensor, "h w"]
    squares: Float[Tensor, "h w"]
    products: Float[Tensor, "K h w"]

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(
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


def _sums(scores: Float[Tensor, "N K"], masks: Masks, rows: range, chunk: int) -> _Sums:
    """Add up some masks, chunk by chunk."""
    shape, device = (masks.height, masks.width), scores.device
    values, squares = (torch.zeros(shape, dtype=torch.float64, device=device) for _ in range(2))
    products = torch.zeros(scores.shape[1], *shape, dtype=torch.float64, device=device)
    for start in range(rows.start, rows.stop, chunk):
        stop = min(start + chunk, rows.stop)
        around = masks.enlarged(start, stop, device) - 0.5
        values += around.sum(dim=0)
        squares += around.square().sum(dim=0)
        products += (scores[start:stop].T @ around.flatten(1)).view_as(products)
    return _Sums(len(rows), scores[rows.start : rows.stop].double().sum(dim=0), values, squares, products)


def score_masks(scores: Scores, masks: Masks, chunk: int, device: torch.device) -> Tensor:
    """Return what `scores` says under every mask, chunk by chunk."""
    starts = range(0, len(masks), chunk)
    return torch.cat([scores(masks.enlarged(start, min(start + chunk, len(masks)), device)) for start in starts])


@dataclass(frozen=True)
class Rise(Method):
    """RISE: the masked images are embedded once, and serve all targets.

    Args:
        num_masks: N.
        grid: Cells to a side.
        keep_probability: Of a cell.
        antithetic: Masks come in pairs of opposite bits; needs a keep probability of one half.
        chunk: Masked images that are embedded at once; beside them, memory holds one representation a mask.
    """

    num_masks: int = 5000
    grid: int = 7
    keep_probability: float = 0.5
    antithetic: bool = True
    chunk: int = field(default=256, repr=False)

    def __post_init__(self) -> None:
        require_integer("chunk", self.chunk, 1)
        _ = self.settings  # refuses what cannot be before any work

    @property
    def settings(self) -> MaskSettings:
        """How masks are drawn."""
        return MaskSettings(self.num_masks, self.grid, self.keep_probability, self.antithetic)

    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        return self.maps(self.represent(explicands), explicands.shape, explicands.seeds, target)

    @torch.no_grad()
    def represent(self, explicands: Explicands) -> Float[Tensor, "b N d"]:
        """Represent each explicand under all its masks: all that a question needs to know of it."""
        found = []
        for image, seed in zip(explicands.images, explicands.seeds, strict=True):
            masks = draw_masks(self.settings, *explicands.shape, seed)

            def represent(kept: Tensor, image: Tensor = image) -> Tensor:
                return explicands.removal.represent(explicands.backbone, image[None], kept)

            found.append(score_masks(represent, masks, self.chunk, image.device))
        return torch.stack(found)

    @torch.no_grad()
    def maps(
        self, masked: Float[Tensor, "b N d"], shape: tuple[int, int], seeds: tuple[int, ...], target: Target
    ) -> Attributions:
        """Answer a question by representations that are there.

        Args:
            masked: Of `represent`.
            shape: Height and width.
            seeds: One an explicand, the same as there.
            target: The question.
        """
        found = []
        for index, (representations, seed) in enumerate(zip(masked, seeds, strict=True)):
            samples = torch.full((len(representations),), index, device=representations.device)
            masks = draw_masks(self.settings, *shape, seed)
            found.append(maps_of(target.scores(representations, samples), masks, self.chunk))
        return Attributions(torch.stack([one.maps for one in found]), torch.stack([one.reliability for one in found]))
