"""The Transformers inside a CLIP: blocks that write into a residual stream, and the map from there to the joint space.

joint = LN_post(stream) · P
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splice_exp.backbones.base import TOWERS, Backbone
from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.keys import key_of

if TYPE_CHECKING:
    from open_clip.transformer import ResidualAttentionBlock

    Block: TypeAlias = ResidualAttentionBlock
else:
    Block = nn.Module  # open_clip takes seconds, and is imported where there is a model of it


@dataclass(frozen=True, eq=False)
class Tower:
    """The image or the text tower of a model; its parameters are those of the model.

    Attributes:
        name: One of `TOWERS`.
        blocks: From the input to the output.
        norm: LayerNorm of the residual stream after the last block, with gain and bias.
        projection: P, (d, e); the identity for a model without one.
    """

    name: str
    blocks: tuple[Block, ...]
    norm: nn.LayerNorm
    projection: Float[Tensor, "d e"]

    @property
    def width(self) -> int:
        """d, of the residual stream."""
        return int(self.projection.shape[0])

    @property
    def num_heads(self) -> int:
        """H, of every block."""
        return int(self.blocks[0].attn.num_heads)

    def layers(self, numbers: tuple[int, ...], of: object = None) -> tuple[Block, ...]:
        """Return some blocks.

        Args:
            numbers: Counted from 0 at the input; negative from the output.
            of: The component whose `layers` they are, for errors.

        Raises:
            SpliceError: if there is no such block.
        """
        for number in numbers:
            require_integer("layers", number, -len(self.blocks), of)
            if number >= len(self.blocks):
                raise SpliceError(
                    f"{key_of('layers', of)} has {number}, but the {self.name} tower has the layers 0 … "
                    f"{len(self.blocks) - 1}."
                )
        return tuple(self.blocks[number] for number in numbers)


def tower_of(backbone: Backbone, name: str = "image") -> Tower:
    """Return a tower of a backbone.

    Args:
        backbone: From open_clip.
        name: One of `TOWERS`.

    Raises:
        SpliceError: for a tower that is no Transformer of open_clip whose heads can be told apart.
    """
    require_choice("tower", name, TOWERS)
    return _image_tower(backbone) if name == "image" else _text_tower(backbone)


def _blocks_of(stack: Any, name: str) -> tuple[Block, ...]:
    """Return the blocks, if all of them have heads that can be told apart."""
    from splice_exp.core.packages.clip import transformer

    known = transformer.ResidualAttentionBlock
    for number, block in enumerate(stack.resblocks):
        if type(block) is not known or not isinstance(block.attn, nn.MultiheadAttention):
            what = type(block).__name__ if type(block) is not known else type(block.attn).__name__
            raise SpliceError(
                f"Layer {number} of the {name} tower is a {what}, whose heads are not those of torch's "
                "MultiheadAttention: take a CLIP with a plain Vision Transformer, for example backbone=scenes_clip."
            )
    return tuple(stack.resblocks)


def _image_tower(backbone: Backbone) -> Tower:
    from splice_exp.core.packages.clip import transformer

    visual = getattr(backbone.module, "visual", None)
    if visual is None:
        raise SpliceError(
            "This backbone has no image tower whose heads could be read: take a CLIP with a plain Vision Transformer, "
            "for example backbone=scenes_clip."
        )
    if not isinstance(visual, transformer.VisionTransformer) or visual.attn_pool is not None:
        what = (
            "has attention pooling"
            if isinstance(visual, transformer.VisionTransformer)
            else f"is a {type(visual).__name__}"
        )
        raise SpliceError(
            f"The image tower of this backbone {what}, and is no Vision Transformer of open_clip whose heads write "
            "into the residual stream that is projected: take another backbone, for example scenes_clip."
        )
    return Tower("image", _blocks_of(visual.transformer, "image"), visual.ln_post, _matrix(visual.proj, visual.ln_post))


def _text_tower(backbone: Backbone) -> Tower:
    from splice_exp.core.packages.clip import open_clip, transformer

    model: Any = backbone.module
    text = getattr(model, "text", model)  # a model of its own, or part of the whole
    if not isinstance(text, transformer.TextTransformer | open_clip.CLIP):
        raise SpliceError(
            f"The text tower of this backbone is a {type(text).__name__}, and no Transformer of open_clip: take "
            "another backbone, for example scenes_clip."
        )
    return Tower(
        "text", _blocks_of(text.transformer, "text"), text.ln_final, _matrix(text.text_projection, text.ln_final)
    )


def _matrix(projection: object, norm: nn.LayerNorm) -> Float[Tensor, "d e"]:
    """Return the matrix of a projection.

    Raises:
        SpliceError: for one with a bias, which no direction goes through.
    """
    if projection is None:
        return torch.eye(norm.normalized_shape[0])
    if isinstance(projection, nn.Linear):
        if projection.bias is not None:
            raise SpliceError("The projection into the joint space has a bias: take another backbone.")
        return projection.weight.T
    assert isinstance(projection, Tensor)
    return projection
