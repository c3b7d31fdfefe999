"""From explicands to maps on disk: computed batch by batch, by any number of processes, and never twice.

All targets of a question are explained together, because one pass over masked images serves all of them; whoever asks
for one of them later finds it in the cache. Of RISE the representations of the masked images are kept, too: another
question costs no pass at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from splice_exp import attribution
from splice_exp.attribution.methods import Attributions, Explicands, Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.rise import Rise
from splice_exp.attribution.targets import Questions
from splice_exp.backbones.base import Backbone
from splice_exp.core.io import seed_of, source_digest
from splice_exp.data.base import EncodableSource
from splice_exp.distributed.cache import Cache
from splice_exp.distributed.predict import RowModule, Rows, RowSource
from splice_exp.distributed.shards import Shards

KIND, MASKED = "maps", "masked"
TOGETHER = 8  # explicands of a shard: what a killed run has to do again


def explain(
    data: EncodableSource,
    backbone: Backbone,
    method: Method,
    removal: Removal,
    questions: Questions,
    seed: int,
    cache: Cache | None = None,
) -> Attributions:
    """Explain every sample, or take the maps that the cache already has.

    Args:
        data: The explicands.
        backbone: Represents them.
        method: How.
        removal: What takes the place of removed pixels.
        questions: What is asked of each sample, in their order.
        seed: Of everything that is drawn; every sample has a seed of its own, from this one and its name.
        cache: Where maps are kept, and the machine that makes them; without one they are made here.

    Raises:
        SpliceError: if backbone or removal do not allow the method.
    """
    if cache is None:
        with TemporaryDirectory() as folder:
            return explain(data, backbone, method, removal, questions, seed, Cache(Path(folder)))
    seeds = tuple(seed_of(seed, name) for name in data.sample_ids)
    looks = {
        "backbone": backbone.backbone_id,
        "data": data.fingerprint(),
        "method": repr(method),
        "removal": repr(removal),
        "seed": str(seed),
        "code": source_digest(attribution),
    }
    shards = cache.shards(KIND, {**looks, "questions": questions.digest()}, len(data))
    if isinstance(method, Rise):
        _from_masked(data, backbone, method, removal, questions, seeds, cache, looks, shards)
    else:
        module = Explain(backbone, method, removal, questions, seeds)
        cache.fill(module, Images(data, backbone), {KIND: shards}, TOGETHER)
    found = [tensors for _, tensors in shards.read()]
    return Attributions(*(torch.cat([tensors[name] for tensors in found]) for name in ("maps", "reliability")))


def _from_masked(
    data: EncodableSource,
    backbone: Backbone,
    method: Rise,
    removal: Removal,
    questions: Questions,
    seeds: tuple[int, ...],
    cache: Cache,
    looks: Mapping[str, str],
    shards: Shards,
) -> None:
    """Fill the maps of RISE from the representations of masked images, which are computed if they are not there."""
    if not shards.missing(TOGETHER) and not cache.repair:
        return
    masked = cache.shards(MASKED, looks, len(data))
    cache.fill(RepresentMasked(backbone, method, removal, seeds), Images(data, backbone), {MASKED: masked}, TOGETHER)
    shape = backbone.preprocess(data.inputs(0, 1)).shape[-2:]
    for rows, tensors in masked.read():
        own = seeds[rows.start : rows.stop]
        found = method.maps(tensors["features"], (shape[0], shape[1]), own, questions.of(rows))
        shards.write(rows, {"maps": found.maps, "reliability": found.reliability})
    shards.seal()


class Images(RowSource):
    """Batches of a data set, preprocessed, with the number of the first sample."""

    def __init__(self, data: EncodableSource, backbone: Backbone) -> None:
        self._data, self._backbone = data, backbone

    def load(self, rows: range) -> Any:
        return rows.start, self._backbone.preprocess(self._data.inputs(rows.start, rows.stop))


class RepresentMasked(RowModule):
    """Batches of samples → their representations under all masks."""

    def __init__(self, backbone: Backbone, method: Rise, removal: Removal, seeds: tuple[int, ...]) -> None:
        super().__init__()
        self._backbone, self._method, self._removal, self._seeds = backbone, method, removal, seeds
        self.module = backbone.module  # so that Lightning moves it

    def rows(self, inputs: Any) -> Rows:
        start, images = inputs
        seeds = self._seeds[start : start + len(images)]
        found = self._method.represent(Explicands(self._backbone, self._removal, images, seeds))
        return {MASKED: {"features": found.cpu()}}


class Explain(RowModule):
    """Batches of samples → their maps."""

    def __init__(
        self, backbone: Backbone, method: Method, removal: Removal, questions: Questions, seeds: tuple[int, ...]
    ) -> None:
        super().__init__()
        self._backbone, self._method, self._removal = backbone, method, removal
        self._questions, self._seeds = questions, seeds
        self.module = backbone.module  # so that Lightning moves it

    def rows(self, inputs: Any) -> Rows:
        start, images = inputs
        stop = start + len(images)
        with torch.inference_mode(False):  # gradients are needed, of tensors that were not made in that mode
            explicands = Explicands(self._backbone, self._removal, images.clone(), self._seeds[start:stop])
            found = self._method.attribute(explicands, self._questions.of(range(start, stop)))
        return {KIND: {"maps": found.maps.cpu().contiguous(), "reliability": found.reliability.cpu()}}
