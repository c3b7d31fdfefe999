"""Representations of a data set as the image tower gives them, not normalised: corpora, foils and explicands."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.data.base import EncodableSource
from splice_exp.distributed.batches import RowModule, Rows
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.extract import Samples

KIND = "representations"


def represent_all(data: EncodableSource, backbone: Backbone, cache: Cache) -> Float[Tensor, "n d"]:
    """Represent every sample, or take what the cache already has.

    Args:
        data: The samples.
        backbone: Its `represent`.
        cache: Where representations are kept, and the machine that makes them.

    Raises:
        SpliceError: if the backbone is no encoder of pixels.
    """
    shards = cache.shards(KIND, {"backbone": backbone.backbone_id, "data": data.fingerprint()}, len(data))
    cache.fill(Represent(backbone), Samples(data, backbone), {KIND: shards}, cache.machine.batch_size)
    return shards.together("features")


class Represent(RowModule):
    """Batches of samples → their representations.

    Args:
        backbone: Represents the samples.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self._backbone = backbone
        self.module = backbone.module  # so that Lightning moves it

    def rows(self, inputs: Any) -> Rows:
        return {KIND: {"features": self._backbone.represent(inputs).cpu()}}
