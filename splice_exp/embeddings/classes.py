"""Which classes can be judged: those whose text the backbone knows."""

from __future__ import annotations

import logging
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.keys import key_of
from splice_exp.core.types import Embeddings
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.texts import embed_classes

log = logging.getLogger(__name__)


class KnownClasses(NamedTuple):
    """Samples whose class has a text, the texts, and the names of the classes that have none."""

    embeddings: Embeddings
    class_features: Float[Tensor, "c d"] | None
    missing: tuple[str, ...]


def select_known_classes(
    embeddings: Embeddings,
    backbone: Backbone,
    missing_classes: str,
    data: object = None,
    cache: Cache | None = None,
) -> KnownClasses:
    """Keep the classes whose text the backbone knows, with their samples.

    All samples stay where there are no labels, or where no class has a text: then there is no zero-shot classifier.

    Raises:
        SpliceError: if a class has no text and `missing_classes` is `error`.
    """
    if embeddings.labels is None:
        log.warning("the data have no labels: accuracy and class concepts are not measured")
        return KnownClasses(embeddings, None, ())
    known = [index for index, name in enumerate(embeddings.classes) if backbone.knows_class(name)]
    missing = tuple(name for name in embeddings.classes if not backbone.knows_class(name))
    if missing:
        what = f"{len(missing)} of {len(embeddings.classes)} classes have no text in the backbone ({shown(missing)})"
        if missing_classes == "error":
            raise SpliceError(f"{what}: add their texts, or set {key_of('missing_classes', data)}=drop.")
        if not known:
            log.warning("%s: nothing is classified", what)
            return KnownClasses(embeddings, None, missing)
        log.warning("%s: left out with their samples", what)
    kept = embeddings.with_classes(known)
    if not len(kept):
        raise SpliceError(
            f"No sample is left: none of the {len(embeddings)} has a class with a text in the backbone, which has "
            f"none for {shown(missing)}. Add their texts, or take other samples ({key_of('path', data)}, "
            f"{key_of('limit', data)})."
        )
    duplicates = {name for name in kept.classes if kept.classes.count(name) > 1}
    if duplicates:
        log.warning("classes of the same name cannot be told apart, the first wins: %s", shown(sorted(duplicates)))
    return KnownClasses(kept, embed_classes(kept.classes, backbone, cache), missing)
