"""What an image becomes when concepts are switched off or set: classes, nearest images, nearest captions.

    p(c) = softmax_c(s · cos(ẑ, text(c)))        s: the scale that the model was trained with

The embedding itself, its reconstruction, and the reconstruction of the changed code stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError
from splice_exp.decomposition.splice import Decomposition
from splice_exp.embeddings.texts import embed_classes
from splice_exp.explorer.model import Explorer, Seen

SCALE = 100.0  # of a model that does not say its own: that of CLIP
SHOWN = 6  # nearest images, captions
MOST_CAPTIONS = 5000  # that are searched: embedding them takes long on a CPU
STATES = ("embedding", "before", "after")
CLASSES = 12  # that are shown


@dataclass(frozen=True, eq=False)
class Change:
    """An image before and after.

    Attributes:
        before: Its code.
        after: The changed code.
        classes: Names.
        probabilities: Of the classes, one row for each of `STATES`.
    """

    before: Decomposition
    after: Decomposition
    classes: tuple[str, ...]
    probabilities: Float[Tensor, "3 c"]

    def largest(self) -> list[tuple[str, list[float]]]:
        """Return the classes with the largest probabilities in any state, and these; the most probable before first."""
        shown = self.probabilities.amax(dim=0).topk(min(CLASSES, len(self.classes))).indices.tolist()
        shown.sort(key=lambda place: -float(self.probabilities[1, place]))
        return [(self.classes[place], self.probabilities[:, place].tolist()) for place in shown]


def change(
    model: Explorer,
    seen: Seen,
    before: Decomposition,
    off: Sequence[str] = (),
    to: Mapping[str, float] | None = None,
    classes: Sequence[str] = (),
) -> Change:
    """Return what becomes of an image when concepts are switched off, or their codes are set.

    Args:
        model: Whose texts are the classes.
        seen: The image.
        before: Its code, at one penalty.
        off: Concepts whose codes become zero.
        to: Concept → its code.
        classes: Names; none: those of the data.

    Raises:
        SpliceError: if a concept does not exist, or there are no classes.
    """
    after = before.intervene(remove=tuple(off), set=to)
    names = tuple(classes) or model.study.embeddings.classes
    if not names:
        raise SpliceError("These data have no classes: write two or more names, with commas between them.")
    texts = class_features(model, names)
    states = torch.cat([seen.features, before.reconstruct(), after.reconstruct()]).double()
    return Change(before, after, names, torch.softmax(scale_of(model) * states @ texts.double().T, dim=1))


@lru_cache(maxsize=32)
def class_features(model: Explorer, names: tuple[str, ...]) -> Float[Tensor, "c d"]:
    """Return the texts of classes; those that were asked for last are kept.

    Args:
        model: Embeds them.
        names: Of the classes.
    """
    if names == model.study.embeddings.classes:
        return model.study.class_features
    return embed_classes(names, model.backbone)


def scale_of(model: Explorer) -> float:
    """Return the scale of cosines that a model was trained with."""
    scale = getattr(model.setup.backbone.module, "logit_scale", None)
    return SCALE if scale is None else float(scale.exp())


def nearest_images(model: Explorer, point: Float[Tensor, "1 d"], but: int | None = None) -> list[int]:
    """Return the samples whose embeddings are nearest to a reconstruction.

    Args:
        model: Of the data.
        point: A unit row.
        but: A sample that is left out: the image itself.
    """
    cosines = (model.study.embeddings.features @ point[0]).clone()
    if but is not None:
        cosines[but] = -torch.inf
    return cosines.topk(min(SHOWN, len(cosines))).indices.tolist()


def nearest_captions(model: Explorer, point: Float[Tensor, "1 d"]) -> list[str]:
    """Return the captions that are nearest to a reconstruction; none where the data have no words.

    Args:
        model: Of the data.
        point: A unit row.
    """
    texts = captions_of(model)
    if not texts:
        return []
    nearest = (caption_features(model) @ point[0]).topk(min(SHOWN, len(texts))).indices.tolist()
    return [texts[place] for place in nearest]


@lru_cache(maxsize=4)
def captions_of(model: Explorer) -> tuple[str, ...]:
    """Return the distinct captions that are searched.

    Args:
        model: Explorers are compared by identity.
    """
    captions = model.study.captions or []
    return tuple(dict.fromkeys(text for of_one in captions for text in of_one))[:MOST_CAPTIONS]


@lru_cache(maxsize=4)
def caption_features(model: Explorer) -> Float[Tensor, "m d"]:
    """Return the embeddings of `captions_of`.

    Args:
        model: Explorers are compared by identity.
    """
    return model.study.encode_text(captions_of(model))
