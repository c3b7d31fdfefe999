"""From texts to their embeddings, kept by content: encoding a vocabulary takes long, and rows of a sweep share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.io import digest
from splice_exp.core.runs.code import code_of
from splice_exp.distributed.batches import RowModule, Rows, RowSource, Share
from splice_exp.distributed.cache import Cache

KIND = "texts"
TOGETHER = 1024  # texts in a shard


class Texts(RowSource):
    """Batches of texts.

    Args:
        texts: In the order of their rows.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def load(self, rows: range) -> list[str]:
        return list(self._texts[rows.start : rows.stop])


class EmbedTexts(RowModule):
    """Batches of texts → their embeddings.

    Args:
        backbone: Embeds the texts.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self._backbone = backbone
        self.module = backbone.module  # so that Lightning moves it

    def rows(self, inputs: Sequence[str]) -> Rows:
        return {KIND: {"features": self._backbone.encode_text(inputs)}}


def embed_texts(texts: Sequence[str], backbone: Backbone, cache: Cache | None = None) -> Float[Tensor, "m d"]:
    """Embed texts as unit rows, or take the embeddings that the cache already has.

    Args:
        texts: Any number.
        backbone: Embeds them.
        cache: Where embeddings are kept, and the machine that computes them. Without one, or if the backbone has no
            network (it looks texts up), they are not kept.

    Raises:
        SpliceError: if a text has no embedding, or embeddings in the cache are damaged.
    """
    if cache is None or backbone.module is None or not texts:
        return backbone.encode_text(texts)
    key = {"backbone": backbone.tower_id("text"), "texts": digest(list(texts)), "code": code_of(backbone)}
    shards = cache.shards(KIND, key, len(texts))
    whole = replace(cache, share=Share())  # jobs that share the samples all need all texts
    whole.fill(EmbedTexts(backbone), Texts(texts), {KIND: shards}, TOGETHER)
    return shards.together("features")


def embed_classes(names: Sequence[str], backbone: Backbone, cache: Cache | None = None) -> Float[Tensor, "c d"]:
    """Embed classes as `Backbone.encode_classes` does, with texts kept as by `embed_texts`.

    Args:
        names: Of the classes.
        backbone: Embeds their texts.
        cache: Where embeddings of texts are kept; without one they are computed here.

    Raises:
        SpliceError: if a text has no embedding, or embeddings in the cache are damaged.
    """
    return backbone.mean_of_texts(embed_texts(backbone.class_texts(names), backbone, cache))
