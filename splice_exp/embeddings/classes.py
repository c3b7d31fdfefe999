"""Which classes can be judged: those whose text the backbone knows, and each name once.

Classes of the same name are one class: their texts are the same, so no answer in words tells them apart. The 1,000 of
ImageNet have 998 names.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.keys import key_of
from splice_exp.core.names import as_distinct, canonical
from splice_exp.core.types import Embeddings
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.texts import embed_classes

log = logging.getLogger(__name__)


class KnownClasses(NamedTuple):
    """What can be judged.

    Attributes:
        embeddings: Samples whose class has a text; their classes have different names.
        class_features: The texts, or None where nothing is classified.
        missing: The names of the classes that have none.
        num_merged: Classes that have become one with an earlier class of their name.
    """

    embeddings: Embeddings
    class_features: Float[Tensor, "c d"] | None
    missing: tuple[str, ...]
    num_merged: int


def select_known_classes(
    embeddings: Embeddings,
    backbone: Backbone,
    missing_classes: str,
    data: object = None,
    cache: Cache | None = None,
) -> KnownClasses:
    """Keep the classes whose text the backbone knows, with their samples; those of the same name become one.

    All samples stay where there are no labels, or where no class has a text: then there is no zero-shot classifier.

    Args:
        embeddings: All samples.
        backbone: Knows the texts of classes, or not.
        missing_classes: Of classes without a text: `error`, or `drop` them with their samples.
        data: The component that has `missing_classes`, for errors.
        cache: Where embeddings of texts are kept; without one they are computed here.

    Returns:
        The samples that stay, the texts of their classes, and what was left out.

    Raises:
        SpliceError: if a class has no text and `missing_classes` is `error`.
    """
    if embeddings.labels is None:
        log.warning("the data have no labels: accuracy and class concepts are not measured")
        return KnownClasses(embeddings, None, (), 0)
    given, embeddings = embeddings.classes, with_distinct_classes(embeddings)
    known = [index for index, name in enumerate(embeddings.classes) if backbone.knows_class(name)]
    missing = tuple(name for name in embeddings.classes if not backbone.knows_class(name))
    if missing:
        what = f"{len(missing)} of {len(embeddings.classes)} classes have no text in the backbone ({shown(missing)})"
        if missing_classes == "error":
            raise SpliceError(f"{what}: add their texts, or set {key_of('missing_classes', data)}=drop.")
        if not known:
            log.warning("%s: nothing is classified", what)
            return KnownClasses(embeddings, None, missing, len(given) - len(embeddings.classes))
        log.warning("%s: left out with their samples", what)
    kept = embeddings.with_classes(known)
    if not len(kept):
        raise SpliceError(
            f"No sample is left: none of the {len(embeddings)} has a class with a text in the backbone, which has "
            f"none for {shown(missing)}. Add their texts, or take other samples ({key_of('path', data)}, "
            f"{key_of('limit', data)})."
        )
    names = set(map(canonical, kept.classes))
    num_merged = sum(name in names for name in map(canonical, given)) - len(names)
    return KnownClasses(kept, embed_classes(kept.classes, backbone, cache), missing, num_merged)


def with_distinct_classes(embeddings: Embeddings) -> Embeddings:
    """Return the same rows, with one class for each name, however it is written.

    Raises:
        ValueError: if there are no labels.
    """
    if embeddings.labels is None:
        raise ValueError("embeddings without labels have no classes to join")
    names, places = as_distinct(embeddings.classes)
    if len(names) == len(places):
        return embeddings
    uses = Counter(places)
    again = [name for place, name in enumerate(names) if uses[place] > 1]
    log.warning("classes of the same name cannot be distinguished, and count as one: %s", shown(again))
    return replace(embeddings, labels=torch.tensor(places)[embeddings.labels], classes=tuple(names))
