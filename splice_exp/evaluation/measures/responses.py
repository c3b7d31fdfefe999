"""How codes respond when one thing is changed in an image: those of the right concepts, rightly, and only they.

    +1  what an atom is about is true of the second image of a pair, and not of the first: its code should rise
    −1  it is true of the first and not of the second: its code should fall
     0  it is true of both, or of neither: its code should stay

What is true of both images, but of more objects in one of them, can neither be asked to stay nor to change, and does
not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from splice_exp.core.codes import Codes
from splice_exp.core.truth import GroundTruth
from splice_exp.evaluation.measures.meanings import Meanings, as_matrix


@dataclass(frozen=True, eq=False)
class Expected:
    """What p pairs ask of the codes of k atoms.

    Attributes:
        status: +1, −1 or 0, (p, k).
        counted: Where a change counts, (p, k) bool.
        comes: Whether anything comes, whether or not some atom is about it, (p,) bool.
        goes: Whether anything goes, (p,) bool.
        nameable: Whether anything that comes or goes has a name in the vocabulary of the benchmark, (p,) bool.
    """

    status: np.ndarray
    counted: np.ndarray
    comes: np.ndarray
    goes: np.ndarray
    nameable: np.ndarray

    def select(self, pairs: np.ndarray) -> Expected:
        """Return some pairs, in the order given."""
        parts = (self.status, self.counted, self.comes, self.goes, self.nameable)
        return Expected(*(part[pairs] for part in parts))


def expected(meanings: Meanings, truth: GroundTruth, before: Sequence[int], after: Sequence[int]) -> Expected:
    """Return what each pair asks of the codes, by what is true of its two samples.

    Args:
        meanings: What each atom is about; what is about nothing never changes.
        truth: Of the samples.
        before: The first sample of each pair.
        after: The second one.
    """
    distinct = list(dict.fromkeys(meanings))
    counts = _counts(distinct, truth)
    first, second = counts[list(before)], counts[list(after)]
    status = (second > 0).astype(np.int8) - (first > 0).astype(np.int8)
    counted = (first == second) | (status != 0)
    place = {meaning: column for column, meaning in enumerate(distinct)}
    atoms = [place[meaning] for meaning in meanings]
    comes, goes = _only_in(truth, after, before), _only_in(truth, before, after)
    return Expected(
        status[:, atoms],
        counted[:, atoms],
        np.array([bool(concepts) for concepts in comes]),
        np.array([bool(concepts) for concepts in goes]),
        np.array([not one | other <= truth.held_out for one, other in zip(comes, goes, strict=True)]),
    )


def _only_in(truth: GroundTruth, samples: Sequence[int], others: Sequence[int]) -> list[frozenset[str]]:
    """Return, for each sample, the concepts with a kind that are true of it and not of the other one."""
    known = frozenset(truth.kind_of)
    return [(truth.concepts(one) - truth.concepts(other)) & known for one, other in zip(samples, others, strict=True)]


def _counts(meanings: Sequence[frozenset[str]], truth: GroundTruth) -> np.ndarray:
    """Return of how many objects of each sample all concepts of each meaning are true, (n, m).

    What is true of the whole sample, without its objects, counts once.
    """
    things = [
        concepts
        for sample in range(len(truth))
        for concepts in (truth.contexts[sample], *(one | truth.contexts[sample] for one in truth.objects[sample]))
    ]
    starts = np.cumsum([0, *(1 + len(objects) for objects in truth.objects)])[:-1]
    words = {word: place for place, word in enumerate(sorted({word for meaning in meanings for word in meaning}))}
    table = np.zeros((len(things), len(words)), dtype=bool)
    for row, concepts in enumerate(things):
        table[row, [words[concept] for concept in concepts if concept in words]] = True
    counts = np.zeros((len(truth), len(meanings)), dtype=np.int64)
    for column, meaning in enumerate(meanings):
        if meaning:
            true: np.ndarray = np.logical_and.reduce(table[:, [words[word] for word in meaning]], axis=1)
            counts[:, column] = np.where(true[starts], 1, np.add.reduceat(true.astype(np.int64), starts))
    return counts


def respond(before: Codes, after: Codes, asked: Expected) -> dict[str, np.ndarray]:
    """Measure the responses of each pair, (p,).

    Args:
        before: Codes of the first samples, p rows.
        after: Codes of the second ones.
        asked: What the pairs ask of them.

    Returns:
        `direction`: whether the codes of what comes rise together, and of what goes fall, 1 or 0; a half where they do
        not change; the mean of both where there are both. `silent`: the share of these sides without any change.
        `selectivity`: Σ|Δ| over what comes or goes as a share of Σ|Δ|, 0 where nothing changes. `flips` and
        `false_flips`: atoms that become active or inactive; those among them that are about what stays.
    """
    first, second = as_matrix(before), as_matrix(after)
    change = (second - first).tocoo()
    flips = ((second != 0).astype(np.int8) - (first != 0).astype(np.int8)).tocoo()
    pairs = len(before)

    def summed(matrix: object, weights: np.ndarray) -> np.ndarray:
        return np.bincount(matrix.row, weights=weights, minlength=pairs)  # type: ignore[attr-defined]

    status, counted = (part[change.row, change.col] for part in (asked.status, asked.counted))
    size = np.abs(change.data)
    right, silent = np.zeros(pairs), np.zeros(pairs)
    for sign, side in ((1, asked.comes), (-1, asked.goes)):
        moved = summed(change, sign * change.data * (status == sign))
        right += side * (1 + np.sign(moved)) / 2
        silent += side & (summed(change, size * (status == sign)) == 0)
    sides = asked.comes.astype(int) + asked.goes
    whole = summed(change, size * counted)
    of_changed = summed(change, size * (status != 0))
    flipped, known = flips.data != 0, asked.counted[flips.row, flips.col]
    stays = asked.status[flips.row, flips.col] == 0
    return {
        "direction": np.divide(right, sides, out=np.full(pairs, 0.5), where=sides > 0),
        "silent": np.divide(silent, sides, out=np.ones(pairs), where=sides > 0),
        "selectivity": np.divide(of_changed, whole, out=np.zeros(pairs), where=whole > 0),
        "flips": summed(flips, flipped & known),
        "false_flips": summed(flips, flipped & known & stays),
    }


def others_of_group(groups: np.ndarray, seed: int) -> np.ndarray:
    """Return for each item another one of the same group, in a circle sampled at random; of a group of one itself.

    Args:
        groups: Of each item, (n,).
        seed: Of the sampling.
    """
    random, others = np.random.default_rng(seed), np.arange(len(groups))
    for group in np.unique(groups):
        circle = random.permutation(np.flatnonzero(groups == group))
        others[circle] = np.roll(circle, 1)
    return others
