"""One pass through a Vision Transformer instead of thousands: what each patch gives to the class token by attention.

    class token before the last LayerNorm    x = x⁰ + Σ_layers (Σ_tokens c_lt + mlp_l + biases)
    c_lt = Σ_heads A_lh[class, t] · (LN(x_lt) W_V^h) W_O^h
    its part of the embedding                (c − mean(c)) / σ(x) ⊙ g · P        P: projection, g: gain, σ(x) as it is

The map of a patch is the share of its Σ_l c_lt in the score; what is left of the score (class token, MLPs, biases) is
the rest, and map and rest add up to the score exactly.

References:
    Gandelsman, Efros, Steinhardt. Interpreting CLIP's image representation via text-based decomposition. ICLR 2024.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate, linear

from splice_exp.attribution.methods import Attributions, Explicands, Method
from splice_exp.attribution.targets import Target
from splice_exp.backbones.base import Backbone
from splice_exp.backbones.patches import require_class_token
from splice_exp.core.errors import SpliceError
from splice_exp.core.packages.clip import transformer


@dataclass(frozen=True, eq=False)
class TokenMaps:
    """The score of each explicand, shared out.

    Attributes:
        maps: Shares of the patches, each divided by its pixels, (b, K, h, w).
        rest: What is left of the scores, (b, K).
    """

    maps: Float[Tensor, "b K h w"]
    rest: Float[Tensor, "b K"]


@dataclass(frozen=True)
class Tokens(Method):
    """What each patch gives to the image embedding through attention, in one pass."""

    @torch.no_grad()
    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        return Attributions.certain(token_maps(explicands.backbone, explicands.images, target).maps)


@torch.no_grad()
def token_maps(backbone: Backbone, images: Float[Tensor, "b c h w"], target: Target) -> TokenMaps:
    """Share out the scores of some explicands among their patches.

    Args:
        backbone: With a Vision Transformer of open_clip.
        images: As it takes them.
        target: Directions.

    Returns:
        The share of each patch, and what is left of the scores.

    Raises:
        SpliceError: for another image tower, or a target that is no direction.
    """
    tower = require_class_token(getattr(backbone.module, "visual", None))
    gifts, stream = _gifts(tower, images.to(tower.conv1.weight))
    gain, spread = tower.ln_post.weight, (stream.var(dim=1, unbiased=False) + tower.ln_post.eps).sqrt()
    parts = (gifts - gifts.mean(dim=2, keepdim=True)) / spread[:, None, None] * gain
    embedding = tower.ln_post(stream)
    if tower.proj is not None:
        projection = tower.proj.float()
        parts, embedding = parts @ projection, embedding @ projection
    num_images, num_tokens = parts.shape[:2]
    samples = torch.arange(num_images, device=parts.device)
    of_tokens = samples.repeat_interleave(num_tokens)
    shares = target.shares(parts.flatten(0, 1), embedding.norm(dim=1)[of_tokens], of_tokens)
    shares = shares.view(num_images, num_tokens, -1).transpose(1, 2)[:, :, 1:]  # the first is the class token
    rest = target.scores(embedding, samples) - shares.sum(dim=2)
    rows, columns = tower.grid_size
    patches = shares.reshape(num_images, -1, rows, columns) * (rows * columns / (images.shape[-2] * images.shape[-1]))
    return TokenMaps(interpolate(patches, size=images.shape[-2:], mode="nearest"), rest)


def _gifts(
    tower: transformer.VisionTransformer, images: Tensor
) -> tuple[Float[Tensor, "b t width"], Float[Tensor, "b width"]]:
    """Return what each token gives to the class token, added up over layers, and the class token at the end.

    Both are float32, whatever the arithmetic of the tower.
    """
    stream = tower._embeds(images)
    total = torch.zeros_like(stream, dtype=torch.float32)
    for block in tower.transformer.resblocks:
        if not isinstance(block, transformer.ResidualAttentionBlock) or not tower.transformer.batch_first:
            raise SpliceError(
                f"The blocks of the image tower are {type(block).__name__}, whose attention this method does not know: "
                "take another method."
            )
        attention, normed = block.attn, block.ln_1(stream)
        queries, keys, values = linear(normed, attention.in_proj_weight).chunk(3, dim=2)
        bias = attention.in_proj_bias.chunk(3)
        split = (*normed.shape[:2], attention.num_heads, -1)
        query = (queries[:, 0] + bias[0]).view(split[0], attention.num_heads, -1)  # of the class token
        key, value = (keys + bias[1]).view(split), values.view(split)
        weights = torch.einsum("bhd,bthd->bht", query, key) / query.shape[2] ** 0.5
        seen = torch.einsum("bht,bthd->bthd", weights.softmax(dim=2), value).flatten(2)
        total += block.ls_1(seen @ attention.out_proj.weight.T)
        stream = block(stream)
    return total, stream[:, 0].float()
