"""Texts that belong to samples: captions in words, or embeddings of captions whose words are not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError
from splice_exp.data.base import DataSource


@dataclass(frozen=True, eq=False)
class PairedTexts:
    """The texts of each sample, and how they are embedded.

    Attributes:
        texts: Of each sample; where only embeddings are known, a name for each.
        backbone: Embeds words.
        known: Embedding of each name, where words are not known.
    """

    texts: tuple[tuple[str, ...], ...]
    backbone: Backbone
    known: dict[str, Float[Tensor, " d"]] | None = None

    @property
    def first(self) -> list[str]:
        """The first text of each sample."""
        return [of_one[0] for of_one in self.texts]

    def embed(self, texts: Sequence[str]) -> Float[Tensor, "m d"]:
        """Return unit rows for some of the texts."""
        if self.known is None:
            return self.backbone.encode_text(texts)
        return torch.stack([self.known[text] for text in texts])

    def select(self, places: Sequence[int]) -> PairedTexts:
        """Return the texts of some samples, in the order given."""
        return replace(self, texts=tuple(self.texts[place] for place in places))


def paired_texts(data: DataSource, backbone: Backbone) -> PairedTexts | None:
    """Return the texts that belong to the samples of a data set, where there are any.

    Args:
        data: Its captions, or their embeddings.
        backbone: Embeds captions.

    Returns:
        None where the data have neither.
    """
    captions, features = data.captions(), data.caption_features()
    if captions is not None:
        return PairedTexts(captions, backbone)
    if features is None:
        return None
    names = tuple(f"caption of {sample}" for sample in data.sample_ids)
    return PairedTexts(tuple((name,) for name in names), backbone, dict(zip(names, features, strict=True)))


def require_pairs(found: PairedTexts | None, evaluation: str, data: DataSource) -> PairedTexts:
    """Return the texts.

    Args:
        found: Of the samples.
        evaluation: That needs them.
        data: The data set.

    Raises:
        SpliceError: if there are none.
    """
    if found is None:
        raise SpliceError(
            f"evaluation={evaluation} needs captions, but {data.name} has none: set data=scenes, data=coco_captions, "
            "any other with captions, or data=embeddings_file with `captions` beside its embeddings."
        )
    return found
