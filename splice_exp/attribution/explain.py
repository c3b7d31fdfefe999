"""From explicands to maps on disk: computed batch by batch, by any number of processes, and never twice.

All targets of a question are explained together, because one pass over masked images serves all of them; whoever asks
for one of them later finds it in the cache. Of RISE the representations of the masked images are kept, too: another
question costs no pass at all.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from splice_exp.attribution.methods import Absolute, Attributions, Explicands, Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.rise import MaskMethod
from splice_exp.attribution.targets import Target
from splice_exp.backbones.base import Backbone
from splice_exp.core.io import seed_of
from splice_exp.core.runs.code import code_of
from splice_exp.data.base import EncodableSource
from splice_exp.distributed.batches import RowModule, Rows, RowSource
from splice_exp.distributed.cache import Cache
from splice_exp.distributed.shards import Shards

KIND, MASKED = "maps", "masked"
TOGETHER = 8  # explicands of a shard: what a killed run has to do again


def explain(
    data: EncodableSource,
    backbone: Backbone,
    method: Method,
    removal: Removal,
    target: Target,
    seed: int,
    cache: Cache | None = None,
) -> Attributions:
    """Explain every sample, or take the maps that the cache already has.

    Args:
        data: The explicands.
        backbone: Represents them.
        method: How.
        removal: What takes the place of removed pixels.
        target: What is asked of each sample, in their order.
        seed: Of everything that is sampled; every sample has its own seed, from this one and its name.
        cache: Where maps are kept, and the machine that makes them; without one they are made here.

    Returns:
        The maps of all samples, in their order, on the CPU, and their reliability.

    Raises:
        SpliceError: if backbone or removal do not allow the method.
    """
    if cache is None:
        with TemporaryDirectory() as folder:
            return explain(data, backbone, method, removal, target, seed, Cache(Path(folder)))
    if isinstance(method, Absolute) and isinstance(method.method, MaskMethod):  # of one channel: from the signed maps
        signed = explain(data, backbone, method.method, removal, target, seed, cache)
        return Attributions(signed.maps.abs(), signed.reliability)
    seeds = tuple(seed_of(seed, name) for name in data.sample_ids)
    looks = {
        "backbone": backbone.backbone_id,
        "data": data.fingerprint(),
        "method": repr(method),
        "removal": repr(removal),
        "seed": str(seed),
        "code": code_of(data, backbone, method, removal, target),
    }
    shards = cache.shards(KIND, {**looks, "target": target.digest()}, len(data))
    images = Images(data, backbone)
    if isinstance(method, MaskMethod):
        masked = cache.shards(MASKED, looks, len(data))
        if shards.missing(TOGETHER) or cache.repair:
            cache.fill(RepresentMasked(backbone, method, removal, seeds), images, {MASKED: masked}, TOGETHER)
        height, width = backbone.preprocess(data.inputs(0, 1)).shape[-2:]
        cache.fill(ExplainMasked(method, target, seeds, (height, width)), Masked(masked), {KIND: shards}, TOGETHER)
    else:
        cache.fill(Explain(backbone, method, removal, target, seeds), images, {KIND: shards}, TOGETHER)
    found = [tensors for _, tensors in shards.read()]
    return Attributions(*(torch.cat([tensors[name] for tensors in found]) for name in ("maps", "reliability")))


class Images(RowSource):
    """Batches of a data set, preprocessed, with the number of the first sample.

    Args:
        data: The images.
        backbone: Preprocesses them.
    """

    def __init__(self, data: EncodableSource, backbone: Backbone) -> None:
        self._data, self._backbone = data, backbone

    def load(self, rows: range) -> Any:
        return rows.start, self._backbone.preprocess(self._data.inputs(rows.start, rows.stop))


class RepresentMasked(RowModule):
    """Batches of samples → their representations under all masks.

    Args:
        backbone: Represents the masked images.
        method: Gives the masks.
        removal: What takes the place of removed pixels.
        seeds: One for each sample of the data set.
    """

    def __init__(self, backbone: Backbone, method: MaskMethod, removal: Removal, seeds: tuple[int, ...]) -> None:
        super().__init__()
        self._backbone, self._method, self._removal, self._seeds = backbone, method, removal, seeds
        self.module = backbone.module  # so that Lightning moves it

    def rows(self, inputs: Any) -> Rows:
        start, images = inputs
        seeds = self._seeds[start : start + len(images)]
        found = self._method.represent(Explicands(self._backbone, self._removal, images, seeds))
        return {MASKED: {"features": found.cpu()}}


class Masked(RowSource):
    """Representations of masked images, with the number of the first sample.

    Args:
        masked: What `RepresentMasked` has written.
    """

    def __init__(self, masked: Shards) -> None:
        self._masked = masked

    def load(self, rows: range) -> Any:
        return rows.start, self._masked.rows(rows)["features"]


class ExplainMasked(RowModule):
    """Representations of masked images → the maps of RISE.

    Args:
        method: The one that gave the masks.
        target: What is asked of each sample of the data set, in their order.
        seeds: One for each sample, the same as of the masks.
        shape: Height and width of the preprocessed images.
    """

    def __init__(self, method: MaskMethod, target: Target, seeds: tuple[int, ...], shape: tuple[int, int]) -> None:
        super().__init__()
        self._method, self._target, self._seeds, self._shape = method, target, seeds, shape

    def rows(self, inputs: Any) -> Rows:
        start, features = inputs
        rows = range(start, start + len(features))
        found = self._method.maps(features, self._shape, self._seeds[rows.start : rows.stop], self._target.of(rows))
        return {KIND: {"maps": found.maps.cpu().contiguous(), "reliability": found.reliability}}


class Explain(RowModule):
    """Batches of samples → their maps.

    Args:
        backbone: Represents the images.
        method: Makes the maps.
        removal: What takes the place of removed pixels.
        target: What is asked of each sample of the data set, in their order.
        seeds: One for each sample.
    """

    def __init__(
        self, backbone: Backbone, method: Method, removal: Removal, target: Target, seeds: tuple[int, ...]
    ) -> None:
        super().__init__()
        self._backbone, self._method, self._removal = backbone, method, removal
        self._target, self._seeds = target, seeds
        self.module = backbone.module  # so that Lightning moves it

    def rows(self, inputs: Any) -> Rows:
        start, images = inputs
        stop = start + len(images)
        with torch.inference_mode(False):  # gradients are needed, of tensors that were not made in that mode
            explicands = Explicands(self._backbone, self._removal, images.clone(), self._seeds[start:stop])
            found = self._method.attribute(explicands, self._target.of(range(start, stop)))
        return {KIND: {"maps": found.maps.cpu().contiguous(), "reliability": found.reliability.cpu()}}
