"""Which atoms stand for which true concepts, where atoms have no names: matched on some samples, judged on others.

    detector    atom active above a share of its largest code          F1 against the samples that have the concept
    one to one  each concept its own atom, the sum of F1 largest       (Hungarian algorithm)
    coalition   each concept a few atoms, any of which is active       (greedy, while F1 grows)
    ceiling     a ridge regression of the concept on the embeddings    (supervised, no dictionary)

The choice of atoms, thresholds and coalitions is made on the first samples only; F1 is that of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix

from splice_exp.core.codes import Codes
from splice_exp.core.truth import GroundTruth

SHARES = (0.0, 0.25, 0.5)  # of the largest code of an atom, above which it counts as active
LARGEST_COALITION = 5
RIDGE = 1.0


@dataclass(frozen=True, eq=False)
class Matched:
    """F1 of c concepts on the samples that were not used for matching, each (c,).

    Attributes:
        concepts: Their names.
        atoms: The atom of each concept, one to one; −1 where there are fewer atoms than concepts.
        one_to_one: By that atom.
        coalition: By a few atoms.
        sizes: Atoms of each coalition.
    """

    concepts: tuple[str, ...]
    atoms: np.ndarray
    one_to_one: np.ndarray
    coalition: np.ndarray
    sizes: np.ndarray


def concepts_in(truth: GroundTruth, fitted: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the concepts that some but not all samples of either part have, and which samples have each, (n, c).

    Args:
        truth: Of n samples.
        fitted: Which of them are used for matching, (n,).
    """
    names = tuple(truth.kind_of)
    place = {name: index for index, name in enumerate(names)}
    there = np.zeros((len(truth), len(names)), dtype=bool)
    for sample in range(len(truth)):
        there[sample, [place[name] for name in truth.concepts(sample) if name in place]] = True
    varies = np.ones(len(names), dtype=bool)
    for part in (fitted, ~fitted):
        varies &= there[part].any(axis=0) & ~there[part].all(axis=0)
    return tuple(name for name, kept in zip(names, varies, strict=True) if kept), there[:, varies]


def match(codes: Codes, there: np.ndarray, concepts: tuple[str, ...], fitted: np.ndarray) -> Matched:
    """Match atoms with concepts on some samples, and judge the matches on the others.

    Args:
        codes: Of n samples over k atoms.
        there: Which samples have each concept, (n, c).
        concepts: Names of the concepts.
        fitted: Samples used for matching, (n,).

    Returns:
        F1 of each concept on the others, by its own atom and by a few atoms.
    """
    parts = codes.values.numpy(), codes.indices.numpy(), codes.indptr.numpy()
    values = csr_matrix(parts, (len(codes), codes.num_concepts))
    most = np.asarray(values[fitted].max(axis=0).todense()).ravel().clip(min=1e-12)
    detectors = [_above(values, share * most) for share in SHARES]
    scores = np.stack([f1_of_pairs(one[fitted], there[fitted]) for one in detectors])  # thresholds, atoms, concepts
    best, threshold = scores.max(axis=0), scores.argmax(axis=0)
    atoms = np.full(len(concepts), -1)
    chosen, of = linear_sum_assignment(best, maximize=True)
    atoms[of] = chosen
    one, coalition, sizes = (np.zeros(len(concepts)) for _ in range(3))
    for concept, atom in enumerate(atoms.tolist()):
        if atom >= 0:
            found = _column(detectors[threshold[atom, concept]], atom)
            one[concept] = f1(found[~fitted], there[~fitted, concept])
        members, found = _coalition(best[:, concept], threshold[:, concept], detectors, there[:, concept], fitted)
        coalition[concept], sizes[concept] = f1(found[~fitted], there[~fitted, concept]), members
    return Matched(concepts, atoms, one, coalition, sizes)


def _coalition(
    scores: np.ndarray, threshold: np.ndarray, detectors: list[csr_matrix], there: np.ndarray, fitted: np.ndarray
) -> tuple[int, np.ndarray]:
    """Add atoms while any of them being active says more of a concept; return how many, and where one is."""
    order = np.argsort(-scores, kind="stable")[: 4 * LARGEST_COALITION]
    columns = [_column(detectors[threshold[atom]], atom) for atom in order.tolist()]
    found, score, members = np.zeros(len(there), dtype=bool), 0.0, 0
    while members < LARGEST_COALITION:
        grown = [f1((found | column)[fitted], there[fitted]) for column in columns]
        if not grown or max(grown) <= score:
            break
        score = max(grown)
        found = found | columns[int(np.argmax(grown))]
        members += 1
    return members, found


def ceiling(features: np.ndarray, there: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Return the F1 of each concept by a ridge regression on embeddings, its threshold chosen where it is fitted, (c,).

    Args:
        features: Centred rows, (n, d).
        there: Which samples have each concept, (n, c).
        fitted: Samples that it is fitted to, (n,).
    """
    rows, wanted = features[fitted], there[fitted].astype(float)
    mean = wanted.mean(axis=0)
    weights = np.linalg.solve(rows.T @ rows + RIDGE * np.eye(rows.shape[1]), rows.T @ (wanted - mean))
    scores, found = features @ weights, np.zeros(there.shape[1])
    for concept in range(there.shape[1]):
        levels = np.quantile(scores[fitted, concept], np.linspace(0.02, 0.98, 49))
        fits = [f1(scores[fitted, concept] > level, there[fitted, concept]) for level in levels]
        level = levels[int(np.argmax(fits))]
        found[concept] = f1(scores[~fitted, concept] > level, there[~fitted, concept])
    return found


def f1(found: np.ndarray, there: np.ndarray) -> float:
    """Return 2 · right / (found + there), 0 where neither is anywhere.

    Args:
        found: Samples in which a concept is found, (n,) of truth values.
        there: Samples that have it, (n,) of truth values.

    Example:
        >>> f1(np.array([True, True, False]), np.array([True, False, False]))
        0.6666666666666666
    """
    both = int(found.sum()) + int(there.sum())
    return 2 * int((found & there).sum()) / both if both else 0.0


def f1_of_pairs(active: csr_matrix, there: np.ndarray) -> np.ndarray:
    """Return the F1 of every atom for every concept, (k, c).

    Args:
        active: Ones where an atom is active, (n, k).
        there: Which samples have each concept, (n, c).
    """
    right = active.T @ there.astype(float)
    sizes = np.asarray(active.sum(axis=0)).ravel()[:, None] + there.sum(axis=0)[None, :]
    return 2 * right / np.maximum(sizes, 1)


def _above(values: csr_matrix, thresholds: np.ndarray) -> csr_matrix:
    """Return ones where a value is above the threshold of its column."""
    kept = values.copy()
    kept.data = (kept.data > thresholds[kept.indices]).astype(float)
    kept.eliminate_zeros()
    return kept


def _column(matrix: csr_matrix, column: int) -> np.ndarray:
    return np.asarray(matrix[:, [column]].todense()).ravel() > 0
