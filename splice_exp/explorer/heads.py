"""Attention heads by SITH: what each writes, in concepts and in images, and what becomes of a model without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.towers import tower_of
from splice_exp.core.errors import SpliceError
from splice_exp.data.base import EncodableSource
from splice_exp.data.selection import Selection
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.sith.head_activations import along_vectors, head_writes
from splice_exp.explorer.model import NO_IMAGES, Explorer
from splice_exp.heads.model import Sith
from splice_exp.heads.reading import ReadHeads, Reading

VECTORS = 6  # of a head that are shown, those of the largest singular values
IMAGES = 256  # of the data that heads are looked at with
EXAMPLES = 4  # images of a signed direction
CONCEPTS = 5  # of a signed direction


@dataclass(frozen=True)
class Direction:
    """One signed direction that a head writes.

    Attributes:
        name: Layer, head, number and sign, as `L4.H0.0+`.
        singular_value: Of its vector.
        concepts: What it means, with codes.
        rows: Samples in which the head writes it most; empty where there are no images.
    """

    name: str
    singular_value: float
    concepts: tuple[tuple[str, float], ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """One head in the overview.

    Attributes:
        layer: Counted from 0 at the input.
        head: Counted from 0.
        share: Of all heads' squared singular values, those of this one.
        concepts: First concept of either sign of its first vector; empty where there is none.
    """

    layer: int
    head: int
    share: float
    concepts: tuple[str, ...]


def sith(model: Explorer) -> Sith:
    """Return the model as `Sith`.

    Raises:
        SpliceError: if its image tower is none that can be read.
    """
    model.require_tower()
    return Sith(model.backbone, model.study.dictionary, model.study.image_mean)


def shape_of(model: Explorer) -> tuple[int, int]:
    """Return how many layers and how many heads a layer has.

    Raises:
        SpliceError: if its image tower is none that can be read.
    """
    model.require_tower()
    tower = tower_of(model.backbone)
    return len(tower.blocks), tower.num_heads


@lru_cache(maxsize=4)
def overview(model: Explorer) -> tuple[Cell, ...]:
    """Return all heads, layer by layer, each with what its first vector means.

    Args:
        model: Explorers are compared by identity.

    Raises:
        SpliceError: if its image tower is none that can be read.
    """
    layers, heads = shape_of(model)
    read = sith(model).read(Reading(range(layers), vectors=1))
    squares = read.spectra.gains.square().sum(dim=2)
    shares = (squares / squares.sum()).flatten().tolist()
    top = read.explanations.top(1)
    words = [tuple(name for one in top[place : place + 2] for name, _ in one) for place in range(0, len(top), 2)]
    return tuple(Cell(*divmod(place, heads), shares[place], words[place]) for place in range(layers * heads))


def directions(model: Explorer, layer: int, head: int) -> list[Direction]:
    """Return the signed directions of a head, the two of each vector one after the other.

    Args:
        model: Whose head.
        layer: Counted from 0 at the input.
        head: Counted from 0.

    Raises:
        SpliceError: if there is no such head.
    """
    read = _read(model, layer)
    begin = f"L{layer}.H{head}."
    places = [place for place, name in enumerate(read.names) if name.startswith(begin)]
    if not places:
        raise SpliceError(f"There is no head {head} in layer {layer}: heads are counted from 0.")
    top = read.explanations.top(CONCEPTS)
    values = read.spectra.gains[0, head].tolist()
    written = writes(model, layer)[:, head] if model.has_images else None
    found = []
    for number, place in enumerate(places):
        rows: tuple[int, ...] = ()
        if written is not None:
            along = written[:, number // 2] * (1 if read.names[place].endswith("+") else -1)
            chosen = along.topk(min(EXAMPLES, len(along))).indices.tolist()
            rows = tuple(looked_at(model)[one] for one in chosen)
        found.append(Direction(read.names[place], values[number // 2], tuple(top[place]), rows))
    return found


@lru_cache(maxsize=64)
def _read(model: Explorer, layer: int) -> ReadHeads:
    return sith(model).read(Reading([layer], vectors=VECTORS))


@lru_cache(maxsize=64)
def writes(model: Explorer, layer: int) -> Float[Tensor, "n H r"]:
    """Return what the heads of a layer write along their vectors, on the samples of `looked_at`.

    Args:
        model: Explorers are compared by identity.
        layer: Counted from 0 at the input.

    Raises:
        SpliceError: if the data have no images.
    """
    read = _read(model, layer)
    return along_vectors(head_writes(few(model), (layer,)), read.spectra)[:, 0]


def looked_at(model: Explorer) -> list[int]:
    """Return the samples that heads are looked at with: all, or so many, evenly spread."""
    count = min(IMAGES, len(model))
    return [place * len(model) // count for place in range(count)]


@lru_cache(maxsize=4)
def few(model: Explorer) -> Study:
    """Return the study of these samples.

    Args:
        model: Explorers are compared by identity.

    Raises:
        SpliceError: if the data have no images.
    """
    data = model.study.data
    if not model.has_images or not isinstance(data, EncodableSource):
        raise SpliceError(NO_IMAGES)
    return model.study.with_data(Selection(data, [model.study.places[row] for row in looked_at(model)]))


def layers_from(last: int, model: Explorer) -> tuple[int, ...]:
    """Return so many layers, those nearest to the output.

    Args:
        last: How many.
        model: Whose.
    """
    count = shape_of(model)[0]
    return tuple(range(max(0, count - last), count))


def words_of(directions: Sequence[Direction]) -> list[tuple[str, str]]:
    """Return name and concepts of each direction, in words."""
    return [(one.name, ", ".join(f"{name} {value:.2f}" for name, value in one.concepts)) for one in directions]
