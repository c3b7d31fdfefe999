"""The residual stream of images: the input of the layers of an image tower, and what is projected at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.backbones.patches import require_class_token
from splice_exp.backbones.towers import Tower


@torch.no_grad()
def streams(
    backbone: Backbone, tower: Tower, layers: Sequence[int], pixels: Float[Tensor, "b c h w"]
) -> tuple[list[Float[Tensor, "b t d"]], Float[Tensor, "b d"]]:
    """Return the tokens before some layers, and the class token before the last LayerNorm.

    Args:
        backbone: Whose image tower it is.
        tower: The same.
        layers: Counted from 0 at the input; negative from the output.
        pixels: As `preprocess` makes them.

    Raises:
        SpliceError: if the tower has no class token.
    """
    visual = require_class_token(getattr(backbone.module, "visual", None))
    seen: dict[int, Tensor] = {}

    def keep(place: int) -> Any:
        def hook(module: torch.nn.Module, given: tuple[Tensor, ...]) -> None:
            seen[place] = given[0]

        return hook

    blocks = tower.layers(tuple(layers))
    hooks = [block.register_forward_pre_hook(keep(place)) for place, block in enumerate(blocks)]
    hooks.append(tower.norm.register_forward_pre_hook(keep(len(blocks))))
    try:
        backbone.represent(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    tokens = [
        seen[place] if visual.transformer.batch_first else seen[place].transpose(0, 1) for place in range(len(blocks))
    ]
    last = seen[len(blocks)]
    return tokens, last[:, 0] if last.ndim == 3 else last
