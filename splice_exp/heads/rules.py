"""From scores to factors of singular values: cut off at a threshold, or scale by relevance.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 5.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError, require_at_least
from splice_exp.core.keys import key_of


@dataclass(frozen=True)
class Rule(ABC):
    """Turns scores into factors; 1 keeps a vector, 0 removes it, −1 flips it."""

    @abstractmethod
    def factors(self, scores: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Return m for each vector."""


@dataclass(frozen=True)
class Above(Rule):
    """Vectors with a score of a threshold or more get a factor, the others stay.

    Args:
        threshold: Of the score.
        factor: m.
    """

    threshold: float
    factor: float = 0.0

    def factors(self, scores: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return torch.where(scores >= self.threshold, float(self.factor), 1.0).double()


@dataclass(frozen=True)
class Highest(Rule):
    """A share of the vectors, those with the highest scores, gets a factor.

    Args:
        share: Of all vectors.
        factor: m.
    """

    share: float
    factor: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise SpliceError(f"{key_of('share')} is {self.share}, but must lie in (0, 1].")

    def factors(self, scores: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        found = torch.ones(len(scores), dtype=torch.float64)
        found[scores.argsort(descending=True, stable=True)[: round(self.share * len(scores))]] = self.factor
        return found


@dataclass(frozen=True)
class Levels(Rule):
    """Scores on a scale, such as a judge's, have a factor each; those that are not named keep their vectors.

    Args:
        levels: Scores, whole numbers; a mean of scores is rounded, halves up.
        factors_of: m of each.
    """

    levels: Sequence[int]
    factors_of: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.levels) != len(self.factors_of) or len(set(self.levels)) != len(self.levels):
            raise SpliceError(
                f"{key_of('levels')} is {list(self.levels)} and {key_of('factors_of')} is "
                f"{list(self.factors_of)}, but each level "
                "needs one factor, and may be there once."
            )

    def factors(self, scores: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        factor = dict(zip(self.levels, self.factors_of, strict=True))
        return torch.tensor([factor.get(floor(score + 0.5), 1.0) for score in scores.tolist()], dtype=torch.float64)


@dataclass(frozen=True)
class ByRelevance(Rule):
    """m = max(floor, score + offset): what is relevant to a task is written more strongly, the rest is damped.

    Args:
        offset: Added to the score.
        floor: The least factor.
    """

    offset: float = 0.3
    floor: float = 0.8

    def __post_init__(self) -> None:
        require_at_least("floor", self.floor, 0)

    def factors(self, scores: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return (scores.double() + self.offset).clamp(min=self.floor)


def energy_of(gains: Float[Tensor, " n"], factors: Float[Tensor, " n"]) -> float:
    """Return how much an edit changes, ‖M' − M‖² = Σ (1 − m)² σ².

    Args:
        gains: σ, the singular values of the vectors.
        factors: m, one for each; 1 leaves a vector as it is.
    """
    return float(((1 - factors.double()).square() * gains.double().square()).sum())


def random_factors(gains: Float[Tensor, " n"], factors: Float[Tensor, " n"], seed: int) -> Float[Tensor, " n"]:
    """Draw an energy-matched edit: the same factors for vectors sampled from all of them, selected or not.

    Vectors are taken in random order until the energy is reached, the last one in part; factors come in random order,
    and again from the first one when all were used.

    Args:
        gains: σ, the singular values of the vectors.
        factors: Of the edit.
        seed: Of both orders.
    """
    random = torch.Generator().manual_seed(seed)
    nonzero = 1 - factors.double()[factors != 1]
    found, left = torch.ones(len(gains), dtype=torch.float64), energy_of(gains, factors)
    changes: list[float] = nonzero[torch.randperm(len(nonzero), generator=random)].tolist()
    for number, place in enumerate(torch.randperm(len(gains), generator=random).tolist()):
        if left <= 0:
            break
        change, energy = changes[number % len(changes)], float(gains[place].square())
        if change**2 * energy > left:
            change *= (left / (change**2 * energy)) ** 0.5
        found[place] = 1 - change
        left -= change**2 * energy
    return found
