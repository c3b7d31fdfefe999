"""A corpus, or a foil: representations that carry a meaning, as their mean, and how sure that mean is.

    cosine   μ = mean_i σ(g(c_i))          dot   μ = mean_i g(c_i)          σ = L2 normalisation

Each representation is normalised before the mean is taken, and the mean is not normalised again: then the similarity to
μ is the mean similarity to the members.

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023.
    Hoeffding. Probability inequalities for sums of bounded random variables. JASA 58, 1963.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError, require_choice

SIMILARITIES = ("cosine", "dot")
UNIT = 2e-3  # of a length that is meant to be one
EPSILON = 1e-6  # of a norm: a representation of zeros has a similarity of zero to everything


@dataclass(frozen=True, eq=False)
class Corpus:
    """The means of m representations.

    Attributes:
        name: What they have in common.
        size: m.
        unit_mean: Mean of the normalised representations, (d,) float32.
        raw_mean: Mean of the representations, (d,) float32.
        unit: Whether they all have length one, as texts and stored embeddings: then their lengths say nothing.
    """

    name: str
    size: int
    unit_mean: Float[Tensor, " d"]
    raw_mean: Float[Tensor, " d"]
    unit: bool

    @classmethod
    def of(cls, name: str, batches: Iterable[Tensor]) -> Corpus:
        """Add up representations, (b, d) each, batch by batch: nothing but sums is kept.

        Args:
            name: Of the corpus, for errors and records.
            batches: Representations of the members, not normalised, (b, d) each; at least one member in all.

        Raises:
            SpliceError: if there is none.
        """
        unit: Tensor | float = 0.0
        raw: Tensor | float = 0.0
        size, units = 0, True
        for batch in batches:
            batch = batch.double()
            units = units and is_unit(batch)
            unit = unit + normalize(batch, dim=1, eps=EPSILON).sum(dim=0)
            raw = raw + batch.sum(dim=0)
            size += len(batch)
        if not size:
            raise SpliceError(f"The corpus {name!r} is empty, but needs one representation or more.")
        assert isinstance(unit, Tensor)
        assert isinstance(raw, Tensor)
        return cls(name, size, (unit / size).float(), (raw / size).float(), units)

    def mean(self, similarity: str) -> Float[Tensor, " d"]:
        """Return μ of a similarity, `cosine` or `dot`."""
        require_choice("similarity", similarity, SIMILARITIES)
        return self.unit_mean if similarity == "cosine" else self.raw_mean

    @property
    def standard_error(self) -> float:
        """Root mean square distance of μ (cosine) from that of the population: sqrt((1 − ‖μ‖²) / (m − 1)).

        No score of any masked image, and no pixel of a map of kept shares, can be farther from that of the population
        than μ is. Of a single member nothing is known: infinite.
        """
        if self.size == 1:
            return math.inf
        return math.sqrt(max(0.0, 1 - float(self.unit_mean.double().square().sum())) / (self.size - 1))


def is_unit(representations: Float[Tensor, "m d"]) -> bool:
    """Say whether all have length one, as far as half precision allows."""
    return bool(((representations.norm(dim=1) - 1).abs() < UNIT).all())


def foil_size(error: float, confidence: float, nonnegative: bool) -> int:
    """Return how many members suffice for a cosine similarity of one image: n ≥ (b − a)² ln(2 / δ) / (2 ε²).

    Args:
        error: ε, of the mean similarity.
        confidence: 1 − δ.
        nonnegative: Whether representations have no negative entries: then cosines lie in [0, 1], else in [−1, 1].

    Example:
        >>> foil_size(0.05, 0.99, nonnegative=True), foil_size(0.05, 0.99, nonnegative=False)
        (1060, 4239)
    """
    if not error > 0 or not 0 < confidence < 1:
        raise SpliceError(
            f"error is {error} and confidence {confidence}, but they must be positive, and the latter below 1."
        )
    width = 1 if nonnegative else 2
    return math.ceil(width**2 * math.log(2 / (1 - confidence)) / (2 * error**2))


def uniform_error(size: int, confidence: float) -> float:
    """Return how far all similarities at once can be off: n^(−1/2) (1 + sqrt(2 ln(1 / δ))), by McDiarmid's inequality.

    Args:
        size: n members.
        confidence: 1 − δ.

    Example:
        >>> round(uniform_error(1500, 0.99), 3)
        0.104
    """
    return (1 + math.sqrt(2 * math.log(1 / (1 - confidence)))) / math.sqrt(size)
