"""The dictionary of SpLiCE: text embeddings of concept names, centred over the selected names and normalised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_bool, shown
from splice_exp.core.keys import key_of
from splice_exp.core.names import canonical
from splice_exp.core.types import Dictionary
from splice_exp.dictionaries.base import DictionaryBuilder, Ingredients
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.geometry import Alignment, center
from splice_exp.embeddings.texts import embed_texts


def encode_concepts(
    concepts: Sequence[str],
    backbone: Backbone,
    alignment: Alignment,
    provenance: Mapping[str, Any],
    cache: Cache | None = None,
) -> Dictionary:
    """Encode names without a template: e = σ(text(name)), atoms σ(e − mean(e)).

    Args:
        concepts: Names.
        backbone: Encodes them.
        alignment: Whether atoms are centred.
        provenance: Where the names come from.
        cache: Keeps the embeddings e; None: they are not kept.

    Raises:
        SpliceError: if a name has no embedding, or centring leaves an atom without direction.
    """
    features = embed_texts(concepts, backbone, cache).double()
    mean = features.mean(dim=0) if alignment.dictionary else torch.zeros(features.shape[1], dtype=torch.float64)
    atoms, lengths = center(features, mean)
    lost = (lengths < 1e-6).nonzero().flatten().tolist()
    if lost:
        raise SpliceError(
            f"Centring leaves no direction for the concept {shown(concepts[row] for row in lost)}: its embedding is "
            "the mean of the dictionary; take more concepts or set alignment.dictionary=false."
        )
    provenance = {**provenance, "backbone": backbone.backbone_id, "centred": alignment.dictionary}
    return Dictionary(atoms.to(torch.float32), tuple(concepts), mean.to(torch.float32), provenance)


class TextDictionary(DictionaryBuilder):
    """The whole vocabulary, encoded.

    Args:
        exclude_classes: Leave out the names of the classes, so that no atom is the text of a zero-shot classifier.
    """

    def __init__(self, exclude_classes: bool = False) -> None:
        require_bool("exclude_classes", exclude_classes)
        self._exclude_classes = exclude_classes

    def build(self, ingredients: Ingredients) -> Dictionary:
        vocabulary = ingredients.vocabulary.load(ingredients.backbone)
        concepts: Sequence[str] = vocabulary.concepts
        if self._exclude_classes:
            classes = {canonical(name) for name in ingredients.embeddings.classes}
            concepts = [name for name in concepts if canonical(name) not in classes]
            if not concepts:
                raise SpliceError(
                    f"{key_of('exclude_classes', self)} leaves no concept: the vocabulary is class names only."
                )
        return encode_concepts(
            concepts, ingredients.backbone, ingredients.alignment, vocabulary.provenance, ingredients.cache
        )
