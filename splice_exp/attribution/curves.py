"""Insertion and deletion: what becomes of a representation while the pixels that a map ranks first are put in, or out.

    insertion: from the image of which everything is removed to the explicand, the highest pixels first
    deletion: from the explicand to the image of which everything is removed, the highest pixels first

Every image along the way is represented once; all measures are functions of these representations. The first image of
either is the last one of the other, so 2 S images do for S steps (100 for 50, and the explicand is one of them).
What is put in or out are pixels, or squares of pixels where a map has one value for each.

References:
    Petsiuk, Das, Saenko. RISE: randomized input sampling for explanation of black-box models. BMVC 2018.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from splice_exp.attribution.removal import Removal
from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of
from splice_exp.core.runs.code import code_of
from splice_exp.core.tensors import tensor_digest
from splice_exp.data.base import EncodableSource
from splice_exp.distributed.batches import RowModule, Rows, RowSource
from splice_exp.distributed.cache import Cache

KIND = "curves"
TOGETHER = 8  # explicands of a shard


def counts_of(num_pixels: int, num_steps: int) -> list[int]:
    """Return how many pixels, or squares, are in after 0, 1, … steps; the first ones take what does not divide.

    Args:
        num_pixels: All of them, or all squares.
        num_steps: 1 … `num_pixels`.

    Example:
        >>> counts_of(10, 4)
        [0, 3, 6, 8, 10]

    Raises:
        SpliceError: for more steps than pixels.
    """
    if not 1 <= num_steps <= num_pixels:
        raise SpliceError(
            f"{num_pixels} pixels or squares cannot go in {num_steps} steps: set evaluation.steps to 1 … {num_pixels}."
        )
    size, more = divmod(num_pixels, num_steps)
    return [step * size + min(step, more) for step in range(num_steps + 1)]


def ranked(scores: Float[Tensor, "h w"]) -> Tensor:
    """Return the rank of each pixel, 0 for the largest value; of equal ones the first is the higher."""
    order = scores.flatten().argsort(descending=True, stable=True)
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(len(order), device=order.device)
    return ranks.view_as(scores)


def in_squares(maps: Float[Tensor, "n h w"], side: int, of: object = None) -> Float[Tensor, "n r q"]:
    """Return the mean of each map over squares of pixels; those of one pixel are the maps.

    Args:
        maps: One per explicand.
        side: Patch size, in pixels.
        of: The component that asks, for errors.

    Raises:
        SpliceError: if squares do not fill the maps.
    """
    height, width = maps.shape[-2:]
    if height % side or width % side:
        raise SpliceError(
            f"{key_of('superpixel', of)} is {side}, but must divide the sides of the image, {height} × {width} pixels."
        )
    return maps if side == 1 else avg_pool2d(maps[:, None], side)[:, 0]


def curves(
    backbone: Backbone, removal: Removal, image: Float[Tensor, "1 c h w"], scores: Float[Tensor, "r q"], num_steps: int
) -> tuple[Float[Tensor, "s d"], Float[Tensor, "s d"]]:
    """Return the representations along insertion and deletion, steps + 1 each.

    Args:
        backbone: Represents images.
        removal: What takes the place of removed pixels.
        image: The explicand.
        scores: Its map, of pixels or of squares of pixels.
        num_steps: S.
    """
    side = image.shape[-1] // scores.shape[-1]
    ranks = ranked(scores.to(image.device)).repeat_interleave(side, dim=0).repeat_interleave(side, dim=1)
    counts = torch.tensor(counts_of(scores.numel(), num_steps), device=image.device)
    inserted = ranks[None] < counts[:, None, None]
    # All that insertion shows, and all that deletion shows but for its two ends.
    kept = torch.cat([inserted, ~inserted[1:-1]]).float()
    found = removal.represent(backbone, image, kept)
    nothing, everything = found[:1], found[num_steps : num_steps + 1]
    return found[: num_steps + 1], torch.cat([everything, found[num_steps + 1 :], nothing])


class MappedImages(RowSource):
    """Images with their maps.

    Args:
        data: The images.
        backbone: Preprocesses them.
        maps: One for each image, in their order: of its pixels, or of its squares.
    """

    def __init__(self, data: EncodableSource, backbone: Backbone, maps: Float[Tensor, "n r q"]) -> None:
        self._data, self._backbone, self._maps = data, backbone, maps

    def load(self, rows: range) -> Any:
        images = self._backbone.preprocess(self._data.inputs(rows.start, rows.stop))
        return images, self._maps[rows.start : rows.stop]


class Curves(RowModule):
    """Images and maps → representations along insertion and deletion.

    Args:
        backbone: Represents the images.
        removal: What takes the place of pixels that are not in.
        num_steps: Steps in which all pixels go in, or out.
    """

    def __init__(self, backbone: Backbone, removal: Removal, num_steps: int) -> None:
        super().__init__()
        self._backbone, self._removal, self._num_steps = backbone, removal, num_steps
        self.module = backbone.module  # so that Lightning moves it

    def rows(self, inputs: Any) -> Rows:
        found = [
            curves(self._backbone, self._removal, image[None], scores, self._num_steps)
            for image, scores in zip(*inputs, strict=True)
        ]
        insertion, deletion = (torch.stack([one[which] for one in found]).cpu() for which in (0, 1))
        return {KIND: {"insertion": insertion, "deletion": deletion}}


def all_curves(
    data: EncodableSource,
    backbone: Backbone,
    removal: Removal,
    maps: Float[Tensor, "n r q"],
    num_steps: int,
    cache: Cache,
) -> tuple[Float[Tensor, "n s d"], Float[Tensor, "n s d"]]:
    """Return insertion and deletion of every sample, computed or from the cache.

    Args:
        data: The explicands.
        backbone: Represents them.
        removal: What takes the place of removed pixels.
        maps: One per sample, of pixels or of squares of pixels.
        num_steps: S.
        cache: Where representations are kept, and the machine that makes them.
    """
    key = {
        "backbone": backbone.backbone_id,
        "data": data.fingerprint(),
        "removal": repr(removal),
        "maps": tensor_digest(maps),
        "steps": str(num_steps),
        "code": code_of(data, backbone, removal),
    }
    shards = cache.shards(KIND, key, len(data))
    module, source = Curves(backbone, removal, num_steps), MappedImages(data, backbone, maps)
    cache.fill(module, source, {KIND: shards}, TOGETHER)
    found = [tensors for _, tensors in shards.read()]
    insertion, deletion = (torch.cat([tensors[name] for tensors in found]) for name in ("insertion", "deletion"))
    return insertion, deletion
