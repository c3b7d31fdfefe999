"""The image tower of a Vision Transformer of open_clip: its class token only, or only some of its patches seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from splice_exp.core.errors import SpliceError

if TYPE_CHECKING:
    from open_clip.transformer import VisionTransformer
else:
    VisionTransformer = nn.Module  # open_clip takes seconds, and is imported where there is a model of it


def require_class_token(visual: Any) -> VisionTransformer:
    """Return the image tower if its output is that of a class token, read from the residual stream.

    Raises:
        SpliceError: for any other tower: convolutional, from timm, or pooled over patches.
    """
    from splice_exp.core.packages.clip import transformer

    known = isinstance(visual, transformer.VisionTransformer)
    if not known or visual.attn_pool is not None or visual.pool_type != "tok":
        what = visual.pool_type if known else type(visual).__name__
        raise SpliceError(
            f"The image tower of this backbone ({what}) is not a Vision Transformer of open_clip with a class token: "
            "its patches can neither be hidden nor separated. Take another removal or method, or backbone=scenes_clip."
        )
    found: VisionTransformer = visual
    return found


def represent_class_token(tower: VisionTransformer, pixels: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
    """Embed images as the tower does; of its last block only the class token is worked out, as no other is read.

    Args:
        tower: As `ends_in_class_token` wants it.
        pixels: Preprocessed.
    """
    *blocks, last = tower.transformer.resblocks
    stream = tower._embeds(pixels)
    for block in blocks:
        stream = block(stream)
    normed = last.ln_1(stream)
    token = stream[:, :1] + last.ls_1(last.attention(q_x=normed[:, :1], k_x=normed, v_x=normed))
    pooled, _ = tower._pool(token + last.ls_2(last.mlp(last.ln_2(token))))
    return pooled if tower.proj is None else pooled @ tower.proj


def ends_in_class_token(visual: Any) -> bool:
    """Say whether `represent_class_token` gives what an image tower gives: a class token after plain blocks."""
    from splice_exp.core.packages.clip import transformer

    return (
        isinstance(visual, transformer.VisionTransformer)
        and visual.attn_pool is None
        and visual.pool_type == "tok"
        and not visual.output_tokens
        and visual.transformer.batch_first
        and all(type(block) is transformer.ResidualAttentionBlock for block in visual.transformer.resblocks)
    )


def is_watched(visual: nn.Module) -> bool:
    """Say whether someone has put hooks into an image tower: then all of it is to run, on all images at once."""
    return any(part._forward_hooks or part._forward_pre_hooks for part in visual.modules())


def represent_patches(
    visual: Any, pixels: Float[Tensor, "b c h w"], kept: Bool[Tensor, "b rows columns"]
) -> Float[Tensor, "b d"]:
    """Embed images while no token attends to patches that are not kept.

    Args:
        visual: The image tower.
        pixels: Preprocessed.
        kept: Patches that are seen.

    Raises:
        SpliceError: if the tower has no class token.
    """
    tower = require_class_token(visual)
    stream = tower._embeds(pixels)
    num_images, num_tokens, _ = stream.shape
    seen = torch.cat([kept.new_ones(num_images, 1), kept.flatten(1)], dim=1).to(stream.device)
    hidden = torch.zeros(num_images, 1, num_tokens, dtype=stream.dtype, device=stream.device)
    hidden = hidden.masked_fill(~seen[:, None], -torch.inf).expand(-1, num_tokens, -1)
    heads = tower.transformer.resblocks[0].attn.num_heads
    pooled, _ = tower._pool(tower.transformer(stream, attn_mask=hidden.repeat_interleave(heads, dim=0)))
    return pooled if tower.proj is None else pooled @ tower.proj
