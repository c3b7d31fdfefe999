"""From a data set to its embeddings: the only place where data and backbone meet."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import digest
from splice_exp.core.keys import key_of
from splice_exp.core.runs.code import code_of
from splice_exp.core.types import Embeddings
from splice_exp.data.base import DataSource, EmbeddedSource, EncodableSource
from splice_exp.distributed.batches import RowModule, Rows, RowSource
from splice_exp.distributed.cache import Cache
from splice_exp.distributed.shards import Shards

KIND = "embeddings"


class Samples(RowSource):
    """Batches of a data set, preprocessed.

    Args:
        data: The samples.
        backbone: Preprocesses them.
    """

    def __init__(self, data: EncodableSource, backbone: Backbone) -> None:
        self._data, self._backbone = data, backbone

    def load(self, rows: range) -> Any:
        return self._backbone.preprocess(self._data.inputs(rows.start, rows.stop))


class Embed(RowModule):
    """Batches of samples → their embeddings.

    Args:
        backbone: Embeds the samples.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self._backbone = backbone
        self.module = backbone.module  # so that Lightning moves it

    def rows(self, inputs: Any) -> Rows:
        return {KIND: {"features": self._backbone.encode_batch(inputs)}}


def extract(data: DataSource, backbone: Backbone, cache: Cache | None = None) -> Embeddings:
    """Embed all samples, or take the embeddings that the data set or the cache already has.

    Args:
        data: The samples.
        backbone: Embeds them.
        cache: Where embeddings are kept, and the machine that computes them; without one they are computed each time,
            here.

    Raises:
        SpliceError: if embeddings that exist already are not of the space of the backbone, or damaged.
    """
    if isinstance(data, EmbeddedSource):
        return _checked(data, backbone)
    if not isinstance(data, EncodableSource):
        raise TypeError(f"{type(data).__name__} is neither an EmbeddedSource nor an EncodableSource")
    if cache is None:
        with TemporaryDirectory() as folder:
            return extract(data, backbone, Cache(Path(folder)))
    shards = embedding_shards(cache, data, backbone)
    cache.fill(Embed(backbone), Samples(data, backbone), {KIND: shards}, cache.machine.batch_size)
    return Embeddings(
        shards.together("features"),
        data.labels,
        data.sample_ids,
        data.classes,
        "image",
        backbone.backbone_id,
        source_id(data, backbone),
    )


def _key(data: EncodableSource, backbone: Backbone) -> dict[str, str]:
    """Return what decides the embeddings of a data set."""
    return {"backbone": backbone.tower_id("image"), "data": data.fingerprint(), "code": code_of(data, backbone)}


def source_id(data: EncodableSource, backbone: Backbone) -> str:
    """Identify the embeddings of a data set before they are there.

    Args:
        data: The samples.
        backbone: Embeds them.
    """
    return digest(_key(data, backbone))


def embedding_shards(cache: Cache, data: EncodableSource, backbone: Backbone) -> Shards:
    """Return where the embeddings of a data set lie.

    Args:
        cache: Where embeddings are kept.
        data: The samples.
        backbone: Embeds them.
    """
    return cache.shards(KIND, _key(data, backbone), len(data))


def _checked(data: EmbeddedSource, backbone: Backbone) -> Embeddings:
    embeddings = data.embeddings()
    if embeddings.dim != backbone.dim:
        raise SpliceError(
            f"{key_of('path', data)} holds embeddings {embeddings.dim} wide, but those of the backbone are "
            f"{backbone.dim} wide: "
            "take both from the same encoder."
        )
    if data.encoder and backbone.encoder and data.encoder != backbone.encoder:
        raise SpliceError(
            f"{key_of('path', data)} was embedded by {data.encoder}, but the texts of the backbone by "
            f"{backbone.encoder}: "
            "take both from the same encoder."
        )
    return embeddings
