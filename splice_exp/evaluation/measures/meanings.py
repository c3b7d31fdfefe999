"""What each atom is about: by its name, or by what its code goes with in images whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from scipy.sparse import csr_matrix

from splice_exp.core.codes import Codes
from splice_exp.core.truth import GroundTruth

Meanings: TypeAlias = tuple[frozenset[str], ...]  # of each atom the concepts that it is about, together; none: nothing


def named_meanings(names: Sequence[str], truth: GroundTruth) -> Meanings:
    """Return the concepts that the name of each atom is made of; of a name with a word that stands for nothing, none.

    Args:
        names: Of the atoms.
        truth: Knows what words stand for.
    """
    found = (truth.named(name) for name in names)
    return tuple(concepts if concepts <= truth.known else frozenset() for concepts in found)


def matched_meanings(codes: Codes, truth: GroundTruth) -> Meanings:
    """Return, for each atom, the concept whose presence its code goes with most: many atoms can share one.

        score(atom, concept) = min(r of the even samples, r of the odd samples)
        r = Pearson's correlation of the code with 1 where the concept is, 0 where it is not

    Unlike F1, r does not favour frequent concepts; that both halves are to agree, keeps rare atoms from being matched
    with rare concepts that they met once.

    Args:
        codes: Of n samples over k atoms, n at least 2.
        truth: Of the same samples.

    Returns:
        Nothing for an atom that goes with no concept in both halves.
    """
    concepts = list(truth.kind_of)
    place = {concept: index for index, concept in enumerate(concepts)}
    there = np.zeros((len(truth), len(concepts)))
    for sample in range(len(truth)):
        there[sample, [place[concept] for concept in truth.concepts(sample) if concept in place]] = 1
    values = as_matrix(codes)
    score = np.minimum(*(correlations(values[half::2], there[half::2]) for half in (0, 1)))
    best = score.argmax(axis=1)
    return tuple(
        frozenset((concepts[concept],)) if score[atom, concept] > 0 else frozenset()
        for atom, concept in enumerate(best.tolist())
    )


def as_matrix(codes: Codes) -> csr_matrix:
    """Return codes as a sparse matrix, (n, k) in float64."""
    parts = codes.values.double().numpy(), codes.indices.numpy(), codes.indptr.numpy()
    return csr_matrix(parts, (len(codes), codes.num_concepts))


def correlations(values: csr_matrix, there: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of each column of one matrix with each of another, (k, c); 0 where one is constant.

    Args:
        values: (n, k).
        there: (n, c).
    """
    count = len(there)
    means, squares = np.asarray(values.mean(axis=0)).ravel(), np.asarray(values.multiply(values).mean(axis=0)).ravel()
    spread, wanted = np.sqrt((squares - means**2).clip(min=0)), there.std(axis=0)
    covariance = np.asarray(values.T @ there) / count - np.outer(means, there.mean(axis=0))
    scale = np.outer(spread, wanted)
    # Of a constant column rounding leaves a variance of about 1e-16 of its square.
    varies = np.outer(spread > 1e-7 * np.sqrt(squares), wanted > 0)
    return np.divide(covariance, scale, out=np.zeros_like(covariance), where=varies & (scale > 0))
