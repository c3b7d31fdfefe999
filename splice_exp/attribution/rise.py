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
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from captum.attr import PerturbationAttribution
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor

from splice_exp.attribution.masks import Masks, MaskSettings, draw_masks

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


class RISE(PerturbationAttribution):
    """RISE for any function of images, as captum's other methods are called.

    Args:
        forward_func: Images (b, c, h, w) → scores (b,), or (b, K) with `target`.
    """

    @torch.no_grad()
    def attribute(
        self,
        inputs: Float[Tensor, "b c h w"],
        baselines: Float[Tensor, "b c h w"] | float = 0.0,
        target: int | None = None,
        additional_forward_args: Any = None,
        settings: MaskSettings | None = None,
        seeds: tuple[int, ...] | None = None,
        chunk: int = 256,
    ) -> Float[Tensor, "b 1 h w"]:
        """Explain each input by masks of its own.

        Args:
            inputs: Images.
            baselines: What takes the place of removed pixels.
            target: Column of the scores.
            additional_forward_args: A tensor with one entry an input, or a tuple of such, given on with every mask.
            settings: Number, grid and probability of masks.
            seeds: One an input; by default 0, 1, ….
            chunk: Masked images that are scored at once.
        """
        settings, seeds = settings or MaskSettings(), seeds or tuple(range(len(inputs)))
        extra = additional_forward_args if isinstance(additional_forward_args, tuple) else (additional_forward_args,)
        extra = () if additional_forward_args is None else extra
        filled = torch.as_tensor(baselines).to(inputs).expand_as(inputs)
        maps = []
        for index, seed in enumerate(seeds):
            masks = draw_masks(settings, inputs.shape[-2], inputs.shape[-1], seed)

            def scores(kept: Tensor, index: int = index) -> Tensor:
                shown = torch.lerp(filled[index], inputs[index], kept[:, None])
                given = (one[index : index + 1].expand(len(kept), *one.shape[1:]) for one in extra)
                found = self.forward_func(shown, *given)
                return (found if target is None else found[:, target]).reshape(len(kept), 1)

            maps.append(maps_of(score_masks(scores, masks, chunk, inputs.device), masks, chunk).maps)
        return torch.stack(maps)
