"""From a data set to its embeddings: the only place where data and backbone meet."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Embeddings
from splice_exp.data.base import DataSource, EmbeddedSource, EncodableSource
from splice_exp.embeddings.store import EmbeddingStore


def extract(
    data: DataSource, backbone: Backbone, store: EmbeddingStore | None = None, batch_size: int = 256
) -> Embeddings:
    """Embed all samples, or take the embeddings that the data set or the store already has.

    Args:
        data: The samples.
        backbone: Embeds them.
        store: Where embeddings are kept; without one they are made anew.
        batch_size: Samples handed to the backbone at a time.

    Raises:
        SpliceError: if embeddings that exist already are not of the space of the backbone, or damaged.
    """
    if isinstance(data, EmbeddedSource):
        return _checked(data, backbone)
    if not isinstance(data, EncodableSource):
        raise TypeError(f"{type(data).__name__} is neither an EmbeddedSource nor an EncodableSource")

    def encode() -> Float[Tensor, "n d"]:
        starts = range(0, len(data), batch_size)
        return torch.cat([backbone.encode_images(data.inputs(start, start + batch_size)) for start in starts])

    features = encode() if store is None else store.features(backbone.backbone_id, data.fingerprint(), encode)
    return Embeddings(features, data.labels, data.sample_ids, data.classes, "image", backbone.backbone_id)


def _checked(data: EmbeddedSource, backbone: Backbone) -> Embeddings:
    embeddings = data.embeddings()
    if embeddings.dim != backbone.dim:
        raise SpliceError(
            f"data.path holds embeddings {embeddings.dim} wide, but those of the backbone are {backbone.dim} wide: "
            "take both from the same encoder."
        )
    if data.encoder and backbone.encoder and data.encoder != backbone.encoder:
        raise SpliceError(
            f"data.path was embedded by {data.encoder}, but the texts of the backbone by {backbone.encoder}: "
            "take both from the same encoder."
        )
    return embeddings
