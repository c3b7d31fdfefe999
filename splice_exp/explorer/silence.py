"""A model without what its heads write about a concept: what was edited, how classes change, and its checkpoint."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.configuration import LONGEST_NAME, PLAIN_NAME
from splice_exp.core.errors import SpliceError
from splice_exp.explorer.changes import class_features, scale_of
from splice_exp.explorer.heads import layers_from, looked_at, sith
from splice_exp.explorer.model import NO_IMAGES, Explorer, Seen
from splice_exp.heads.edit import EditReport
from splice_exp.heads.model import Sith
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import Highest

FOLDER = "explorer"  # below paths.results
TOGETHER = 64  # images


@dataclass(frozen=True)
class Silence:
    """What is to be edited.

    Attributes:
        concept: That heads shall not write.
        layers: How many layers are edited, those nearest to the output.
        share: Of their vectors, those that are most about the concept.
    """

    concept: str
    layers: int = 1
    share: float = 0.1


@dataclass(frozen=True, eq=False)
class Effect:
    """What an edit does to classification.

    Attributes:
        report: What was edited.
        classes: Names.
        count: Images of each class.
        before: Accuracy of each class.
        after: The same after the edit.
        changed: Share of all images whose predicted class is another one.
        own: Probabilities of the classes for the image that a user looks at, before and after, (2, c); or None.
    """

    report: EditReport
    classes: tuple[str, ...]
    count: tuple[int, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    changed: float
    own: Float[Tensor, "2 c"] | None


@lru_cache(maxsize=2)  # each is a model of its own
def edited(model: Explorer, silence: Silence) -> tuple[Sith, EditReport]:
    """Return a copy of the model without what is to be silent, and what was done.

    Args:
        model: Stays as it is.
        silence: What is to be edited.

    Raises:
        SpliceError: if there is no such concept, or the heads cannot be read.
    """
    reading = Reading(layers_from(silence.layers, model))
    return sith(model).edit([silence.concept], Highest(silence.share), reading)


def effect(model: Explorer, silence: Silence, seen: Seen | None = None) -> Effect:
    """Return how a model classifies images before and after an edit.

    Args:
        model: Stays as it is.
        silence: What is to be edited.
        seen: The image that a user looks at, if there is one.

    Raises:
        SpliceError: if there are no images or no classes, or the edit cannot be done.
    """
    if not model.has_images:
        raise SpliceError(NO_IMAGES)
    classes = model.study.embeddings.classes
    if not classes:
        raise SpliceError("These data have no classes, so there is nothing to be classified: take data with labels.")
    other, report = edited(model, silence)
    texts, labels = class_features(model, classes), _labels(model)
    before = predicted(model.study.embeddings.features[looked_at(model)], texts)
    after = predicted(_embedded(model, other), texts)
    accuracies = [
        tuple(float((answer[labels == label] == label).double().mean()) for label in _present(labels))
        for answer in (before, after)
    ]
    right_before, right_after = accuracies
    own = None
    if seen is not None and seen.image is not None:
        features = torch.cat([seen.features, other.backbone.encode_images([seen.image]).cpu()]).double()
        own = torch.softmax(scale_of(model) * features @ texts.double().T, dim=1)
    present = _present(labels)
    return Effect(
        report,
        tuple(classes[label] for label in present),
        tuple(int((labels == label).sum()) for label in present),
        right_before,
        right_after,
        float((before != after).double().mean()),
        own,
    )


def predicted(features: Float[Tensor, "n d"], texts: Float[Tensor, "c d"]) -> Int64[Tensor, " n"]:
    """Return the class whose text is nearest.

    Args:
        features: Of images.
        texts: Of classes.
    """
    return (features.double() @ texts.double().T).argmax(dim=1)


def _labels(model: Explorer) -> Int64[Tensor, " n"]:
    labels = model.study.embeddings.labels
    assert labels is not None
    return labels[looked_at(model)]


def _present(labels: Int64[Tensor, " n"]) -> list[int]:
    return sorted(set(labels.tolist()))


@torch.no_grad()
def _embedded(model: Explorer, other: Sith) -> Float[Tensor, "n d"]:
    rows, parts = looked_at(model), list[Tensor]()
    for start in range(0, len(rows), TOGETHER):
        images = [model.image(row) for row in rows[start : start + TOGETHER]]
        parts.append(other.backbone.encode_images(images).cpu())
    return torch.cat(parts)


def save(model: Explorer, silence: Silence, name: str) -> str:
    """Write the edited model as an ordinary checkpoint of open_clip, in a new folder below paths.results.

    Args:
        model: Stays as it is.
        silence: What is edited.
        name: Of the folder: letters, digits, points, hyphens and underscores.

    Returns:
        The name by which it loads, `local-dir:FOLDER`.

    Raises:
        SpliceError: if the name is none, the folder exists, or the model cannot be saved.
    """
    name = name.strip()
    if not PLAIN_NAME.fullmatch(name) or not re.fullmatch(r"[\w.-]+", name) or len(name.encode()) > LONGEST_NAME:
        raise SpliceError(
            f"The name is {name!r}, but must be a plain one: letters, digits, points, hyphens and underscores, and "
            "not beginning with a point."
        )
    folder = Path(model.config["paths"]["results"]) / FOLDER / name
    if folder.exists():
        raise SpliceError(f"The folder {folder} exists: write another name.")
    return edited(model, silence)[0].save(folder)
