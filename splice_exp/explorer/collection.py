"""A data set by its codes: what classes are made of, who uses a concept, and which concepts come with a class.

    r(concept, class) = Pearson's correlation of [code is not zero] and [sample is of the class]

A concept that goes with a class, and does not name it, may be a shortcut: grass with cows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.measures.meanings import as_matrix, correlations
from splice_exp.evaluation.splice.class_concepts import names_class
from splice_exp.explorer.expressions import known
from splice_exp.explorer.model import Explorer

NO_CLASSES = "These data have no classes, which this view compares: take data with labels, as data=image_folder."
FEWEST = 5  # uses of a concept: a correlation of fewer says nothing
MOST = 20  # concepts, pairs
BINS = 12  # of a histogram


@dataclass(frozen=True)
class OfClass:
    """What a class has of a concept.

    Attributes:
        name: Of the class.
        count: Samples.
        active: Share of them whose code is not zero.
        mean: Mean code.
    """

    name: str
    count: int
    active: float
    mean: float


@dataclass(frozen=True)
class Pair:
    """A concept that comes with a class.

    Attributes:
        concept: Its name.
        of_class: Name of the class.
        correlation: r.
        inside: Share of the class in which it is active.
        outside: Share of all others in which it is active.
        true_inside: Share of the class of which it is true, where that is known.
        true_outside: The same of all others.
    """

    concept: str
    of_class: str
    correlation: float
    inside: float
    outside: float
    true_inside: float | None
    true_outside: float | None


def labels_of(model: Explorer) -> np.ndarray:
    """Return the class of each sample.

    Raises:
        SpliceError: if there are none.
    """
    labels = model.study.embeddings.labels
    if labels is None:
        raise SpliceError(NO_CLASSES)
    return np.asarray(labels)


def by_class(model: Explorer, concept: str) -> list[OfClass]:
    """Return what each class has of a concept, the largest mean first.

    Args:
        model: Of the data.
        concept: Its name.

    Raises:
        SpliceError: if there is no such concept, or there are no classes.
    """
    labels, values = labels_of(model), _values(model, concept)
    names = model.study.embeddings.classes
    counts = np.bincount(labels, minlength=len(names))
    active = np.bincount(labels, values != 0, minlength=len(names)) / np.maximum(counts, 1)
    means = np.bincount(labels, values, minlength=len(names)) / np.maximum(counts, 1)
    found = [OfClass(name, int(counts[row]), float(active[row]), float(means[row])) for row, name in enumerate(names)]
    return sorted((one for one in found if one.count), key=lambda one: -one.mean)


def histogram(model: Explorer, concept: str) -> list[tuple[float, float, int]]:
    """Return how many samples have which code of a concept, among those in which it is active.

    Args:
        model: Of the data.
        concept: Its name.

    Returns:
        Lower end, upper end and number of samples of each bin.

    Raises:
        SpliceError: if there is no such concept.
    """
    values = _values(model, concept)
    counts, edges = np.histogram(values[values != 0], BINS)
    return [(float(low), float(high), int(n)) for low, high, n in zip(edges, edges[1:], counts, strict=False)]


def concepts_of(model: Explorer, name: str) -> list[tuple[str, float]]:
    """Return the largest mean codes of a class.

    Args:
        model: Of the data.
        name: Of the class.

    Raises:
        SpliceError: if there is no such class.
    """
    of_class = model.study.data.class_named(name)
    members = torch.from_numpy(labels_of(model) == model.study.embeddings.classes.index(of_class))
    part = model.study.decomposition.codes.select(members.nonzero().flatten())
    means = torch.zeros(part.num_concepts, dtype=torch.float64)
    means.index_add_(0, part.indices, part.values.double() / max(1, len(part)))
    order = means.argsort(descending=True, stable=True)[:MOST]
    return [(part.concepts[place], float(means[place])) for place in order.tolist() if means[place] > 0]


def users_of(model: Explorer, concept: str) -> list[int]:
    """Return the samples that use a concept, those with the largest codes first.

    Args:
        model: Of the data.
        concept: Its name.

    Raises:
        SpliceError: if there is no such concept.
    """
    values = _values(model, concept)
    order = np.argsort(-values, kind="stable")
    return [int(row) for row in order if values[row] > 0]


def _values(model: Explorer, concept: str) -> np.ndarray:
    """Return the codes of a concept, however its name is written."""
    codes = model.study.decomposition.codes
    return np.asarray(codes[known(concept, codes)].double())


@lru_cache(maxsize=4)
def spurious_pairs(model: Explorer) -> tuple[Pair, ...]:
    """Return the concepts that go with a class most, and do not name it.

    Args:
        model: Explorers are compared by identity.

    Raises:
        SpliceError: if there are no classes.
    """
    labels, names, codes = labels_of(model), model.study.embeddings.classes, model.study.decomposition.codes
    used = _used(codes)
    there = (labels[:, None] == np.arange(len(names))).astype(np.float64)
    active = replace(codes, values=torch.ones_like(codes.values))
    r = correlations(as_matrix(active)[:, used], there)
    order = np.argsort(-r, axis=None, kind="stable")
    found: list[Pair] = []
    for place in order[: 50 * MOST].tolist():
        column, label = divmod(place, len(names))
        concept = codes.concepts[used[column]]
        if r[column, label] <= 0 or len(found) == MOST:
            break
        if not names_class(concept, names[label], model.study.truth):
            found.append(_pair(model, concept, label, float(r[column, label])))
    return tuple(found)


def _used(codes: Codes) -> np.ndarray:
    """Return the concepts that are used often enough."""
    return np.flatnonzero(np.bincount(codes.indices.numpy(), minlength=codes.num_concepts) >= FEWEST)


def _pair(model: Explorer, concept: str, label: int, correlation: float) -> Pair:
    inside = labels_of(model) == label
    active = (model.study.decomposition.codes[concept] != 0).numpy()
    true: tuple[float | None, float | None] = (None, None)
    truth = model.study.truth
    if truth is not None:
        named = truth.named(concept)
        holds = np.array([truth.holds(named, sample) for sample in range(len(truth))])
        true = float(holds[inside].mean()), float(holds[~inside].mean()) if (~inside).any() else None
    outside = float(active[~inside].mean()) if (~inside).any() else 0.0
    name = model.study.embeddings.classes[label]
    return Pair(concept, name, correlation, float(active[inside].mean()), outside, *true)
