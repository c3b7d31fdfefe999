"""RISE for any function of images, called as captum's own methods are: for those who have a model, and no backbone."""

from __future__ import annotations

from typing import Any

import torch
from captum.attr import PerturbationAttribution
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.mask_maps import Estimate, MaskSums, maps_of, score_masks
from splice_exp.attribution.masks import MaskSettings, draw_masks
from splice_exp.core.errors import SpliceError


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
        estimate: Estimate = MaskSums.slopes,
    ) -> Float[Tensor, "b 1 h w"]:
        """Explain each input by its own masks.

        Args:
            inputs: Images.
            baselines: What takes the place of removed pixels.
            target: Column of the scores.
            additional_forward_args: A tensor with one entry an input, or a tuple of such, given on with every mask.
            settings: Number, grid and probability of masks.
            seeds: One an input; by default 0, 1, ….
            chunk: Masked images that are scored at once.
            estimate: Makes maps of sums over masks; by default least-squares slopes. As published:
                `PublishedRise().estimate`, with `PublishedRise().settings`.

        Returns:
            One map an input, signed, of one channel.
        """
        settings, seeds = settings or MaskSettings(), seeds or tuple(range(len(inputs)))
        if len(seeds) != len(inputs):
            raise SpliceError(f"There are {len(seeds)} seeds for {len(inputs)} inputs: give one for each.")
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

            maps.append(maps_of(score_masks(scores, masks, chunk, inputs.device), masks, chunk, estimate).maps)
        return torch.stack(maps)
