"""Are the concepts of a signed direction true of the images that drive it?

drive of direction ±v_j on image x   ±c_j(x)        c_j: what the head writes along v_j (`pictures_of_heads`)
area of a concept                      P(drive of an image where it is true > drive of another one)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata

from splice_exp.core.truth import GroundTruth
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.sith.head_activations import along_vectors, head_writes
from splice_exp.heads.explain import Explanations
from splice_exp.heads.reading import Reading
from splice_exp.heads.spectra import Spectra


def drives(study: Study, reading: Reading, spectra: Spectra) -> Float[np.ndarray, "n m"]:
    """Return how much each image drives each signed direction, in the order of the explanations.

    Args:
        study: Its images, and the backbone that looks at them.
        reading: Which vectors of the heads are read.
        spectra: All vectors of these heads.
    """
    places = torch.tensor(reading.chosen(spectra))
    along = along_vectors(head_writes(study, spectra.layers), spectra).flatten(1)[:, places]
    return torch.stack([along, -along], dim=2).flatten(1).numpy()


def most_driving(drive: Float[np.ndarray, "n m"], count: int) -> np.ndarray:
    """Return the images that drive each signed direction most, (m, count), the first one most.

    Args:
        drive: How much each of n images drives each of m signed directions.
        count: Images per signed direction.

    Returns:
        Their indices.
    """
    return np.argsort(-drive, axis=0, kind="stable")[:count].T


@dataclass(frozen=True, eq=False)
class Grounding:
    """Which concepts of explanations can be true of images, and of which they are.

    Attributes:
        first: For each signed direction the number of its first concept, or −1 where it stands for nothing in any
            image.
        codes: Share of each code that goes to each concept, of those that stand for something, (m, k).
        holds: Which concepts are true of which images, (k, n).
    """

    first: np.ndarray
    codes: np.ndarray
    holds: np.ndarray

    @classmethod
    def of(cls, found: Explanations, truth: GroundTruth) -> Grounding:
        """Look up the concepts that occur in the explanations; those of no image and those of every image say nothing.

        Args:
            found: Explanations of signed directions.
            truth: What is in each image.
        """
        codes = found.solution.codes
        used = np.unique(codes.indices.numpy())
        meant = {int(column): truth.named(found.dictionary.concepts[column]) for column in used}
        known = truth.known
        numbers: dict[frozenset[str], int] = {}
        rows: list[np.ndarray] = []
        for named in dict.fromkeys(meant.values()):
            row = np.array([truth.holds(named, sample) for sample in range(len(truth))])
            if named and named <= known and 0 < row.sum() < len(row):
                numbers[named] = len(rows)
                rows.append(row)
        weights = np.zeros((len(found), len(rows)))
        for pole, column, value in zip(codes.rows.tolist(), codes.indices.tolist(), codes.values.tolist(), strict=True):
            if meant[column] in numbers:
                weights[pole, numbers[meant[column]]] += value
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        tops = (truth.named(concepts[0][0]) if concepts else frozenset() for concepts in found.top(1))
        first = np.array([numbers.get(named, -1) for named in tops])
        holds = np.stack(rows) if rows else np.zeros((0, len(truth)), dtype=bool)
        return cls(first, weights, holds)

    def areas(self, drive: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "m k"]:
        """Return the area of each concept by the drive of each signed direction; 1/2: the drive says nothing of it."""
        ranks = rankdata(drive, axis=0)
        inside = self.holds.sum(axis=1)
        sums = self.holds.astype(float) @ ranks  # of the ranks of images where it is true, (k, m)
        above = sums - (inside * (inside + 1) / 2)[:, None]
        return (above / (inside * (len(drive) - inside))[:, None]).T

    def shares(self, pictures: np.ndarray) -> Float[np.ndarray, "m k"]:
        """Return of what share of some images, (m, p), each concept is true."""
        return self.holds[:, pictures].mean(axis=2).T
