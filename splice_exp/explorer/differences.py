"""What tells two images apart: the concepts whose codes differ, and how alike the images are."""

from __future__ import annotations

from dataclasses import dataclass

from splice_exp.decomposition.splice import Decomposition
from splice_exp.evaluation.measures.likeness import likeness
from splice_exp.explorer.model import Seen

MOST = 20  # concepts


@dataclass(frozen=True)
class Difference:
    """One concept of two images.

    Attributes:
        concept: Its name.
        first: Its code in the first image.
        second: Its code in the second image.
    """

    concept: str
    first: float
    second: float

    @property
    def change(self) -> float:
        """By how much the second image has more of it."""
        return self.second - self.first


@dataclass(frozen=True)
class Comparison:
    """Two images.

    Attributes:
        differences: Concepts, the largest differences first.
        cosine: Of the embeddings.
        cosine_of_codes: Of the codes.
        shared: Jaccard overlap of the active concepts.
    """

    differences: tuple[Difference, ...]
    cosine: float
    cosine_of_codes: float
    shared: float


def compare(first: Seen, second: Seen, of_first: Decomposition, of_second: Decomposition) -> Comparison:
    """Compare two images by their codes at one penalty.

    Args:
        first: One image.
        second: The other.
        of_first: Codes of the first.
        of_second: Codes of the second.

    Returns:
        Concepts by the size of their difference, and how alike both are.
    """
    one, other = (dict(found.top(found.codes.num_concepts)[0]) for found in (of_first, of_second))
    differences = [Difference(name, one.get(name, 0.0), other.get(name, 0.0)) for name in {**one, **other}]
    differences.sort(key=lambda found: -abs(found.change))
    alike = likeness(of_first.codes, of_second.codes)
    return Comparison(
        tuple(differences[:MOST]),
        float((first.features.double() @ second.features.double().T)[0, 0]),
        float(alike["cosine"][0]),
        float(alike["shared"][0]),
    )
