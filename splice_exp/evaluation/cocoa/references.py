"""Corpora of the classes of a training set, and foils: what attributions are judged with as in the paper.

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.corpus import Corpus
from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of
from splice_exp.data.base import DataSource


@dataclass(frozen=True, eq=False)
class References:
    """Corpus and foil of a class.

    Attributes:
        explains: Corpus and foil of the targets.
        judges: Those of the measures.
        members: Representations of the corpus that explains, (m, d).
    """

    explains: tuple[Corpus, Corpus]
    judges: tuple[Corpus, Corpus]
    members: Float[Tensor, "m d"]


def draw_references(
    labels: np.ndarray, label: int, corpus_size: int, foil_size: int, random: np.random.Generator, name: str, of: object
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the indices of a corpus of one class, and of a foil that has all classes in their natural proportions.

    The corpus takes samples of its class away. So that the class is in what is left as often as before, as large a
    share of all other classes is taken away, too.

    Args:
        labels: Of all samples, (n,).
        label: The class of the corpus.
        corpus_size: Samples.
        foil_size: Samples.
        random: The random generator.
        name: Of the data, for errors.
        of: The component that asks, for errors.

    Raises:
        SpliceError: if there are too few samples.
    """
    members, others = (random.permutation(np.flatnonzero(chosen)) for chosen in (labels == label, labels != label))
    if len(members) <= corpus_size:
        raise SpliceError(
            f"{key_of('corpus_size', of)} is {corpus_size}, but {name} has {len(members)} samples of a class, of "
            "which some "
            "must be left for the foil: lower it, or take more samples."
        )
    kept = others[: int(len(others) * (1 - corpus_size / len(members)))]
    pool = random.permutation(np.concatenate([kept, members[corpus_size:]]))
    if len(pool) < foil_size:
        raise SpliceError(
            f"{key_of('foil_size', of)} is {foil_size}, but {name} has {len(pool)} samples left beside a corpus of "
            f"{corpus_size}: lower it, or take more samples."
        )
    return members[:corpus_size], pool[:foil_size]


@dataclass(frozen=True, eq=False)
class Places:
    """Which samples are corpus and foil of a class.

    Attributes:
        explains: Those of the targets, (m,) and (n,).
        judges: Those of the measures.
    """

    explains: tuple[np.ndarray, np.ndarray]
    judges: tuple[np.ndarray, np.ndarray]

    @property
    def all(self) -> tuple[np.ndarray, ...]:
        """All four."""
        return *self.explains, *self.judges


def draw_places(
    train: DataSource, label: int, sizes: tuple[int, int], held_out: bool, seed: int, of: object = None
) -> Places:
    """Draw corpus and foil of a class, and others like them for judging.

    Args:
        train: With classes.
        label: The class of the corpus.
        sizes: Of corpus and foil.
        held_out: Whether measures have their own corpus and foil, disjoint from those that explain.
        seed: Of the sampling.
        of: The component that asks, for errors.

    Raises:
        SpliceError: if there are too few samples.
    """
    assert train.labels is not None
    labels = train.labels.numpy()
    random = np.random.default_rng([seed, label, 1])
    first = draw_references(labels, label, *sizes, random, train.name, of)
    if not held_out:
        return Places(first, first)
    left = np.setdiff1d(np.arange(len(labels)), np.concatenate(first))
    corpus, foil = draw_references(labels[left], label, *sizes, random, train.name, of)
    return Places(first, (left[corpus], left[foil]))


def references_of(name: str, places: Places, rows: np.ndarray, known: Float[Tensor, "n d"]) -> References:
    """Return the sampled corpora and foils.

    Args:
        name: Of the class.
        places: Their indices.
        rows: Indices of the samples whose representations are known, ascending, (n,).
        known: These representations.
    """
    pairs = []
    for corpus, foil in (places.explains, places.judges):
        members, others = (known[np.searchsorted(rows, drawn)] for drawn in (corpus, foil))
        pairs.append((Corpus.of(name, [members]), Corpus.of(f"a foil of {name}", [others])))
    return References(pairs[0], pairs[1], known[np.searchsorted(rows, places.explains[0])])
