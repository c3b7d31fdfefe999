"""How a dictionary comes about, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.types import Dictionary, Embeddings
from splice_exp.dictionaries.vocabulary import VocabularySource
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.geometry import Alignment


@dataclass(frozen=True)
class Ingredients:
    """All that a dictionary may be made of; most need a part of it.

    Attributes:
        backbone: Encodes names.
        vocabulary: Gives names.
        embeddings: The samples to be decomposed, with their classes.
        alignment: Whether the atoms are centred.
        image_mean: μ of the embeddings, for atoms that are made of them.
        cache: Keeps embeddings of names; None: they are not kept.
    """

    backbone: Backbone
    vocabulary: VocabularySource
    embeddings: Embeddings
    alignment: Alignment
    image_mean: Float[Tensor, " d"]
    cache: Cache | None = None


class DictionaryBuilder(ABC):
    """Makes a dictionary of its ingredients."""

    @abstractmethod
    def build(self, ingredients: Ingredients) -> Dictionary:
        """Return the dictionary.

        Raises:
            SpliceError: if an ingredient does not exist or does not fit.
        """

    def reseeded(self) -> DictionaryBuilder:
        """Return the same with the next seed; where nothing is drawn, itself."""
        return self
