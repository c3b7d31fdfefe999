"""What singular vectors mean: each of the two poles of a vector as a sparse code over concepts.

    x = σ(z − μ),  z = σ(projection of ±v)       x ≈ w D,  w ≥ 0 sparse

As images in SpLiCE: normalised, centred, normalised. A vector and its negative are the same channel of a head, which
may write either; they mean different things, and both are explained.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.types import Dictionary, Solution
from splice_exp.heads.projection import Projection
from splice_exp.solvers.base import Solver

POLES = ("+", "−")


@dataclass(frozen=True, eq=False)
class Explanations:
    """Codes of directions, and how well they say what they explain.

    Attributes:
        vectors: Directions of the residual stream, unit rows, (m, d) float64.
        targets: x, (m, e) float64.
        lengths: Of the projections, before they are normalised, (m,).
        scales: ‖z − μ‖, (m,).
        mean: μ, (e,); zeros where nothing was taken away.
        solution: Codes of the targets with their certificates.
        dictionary: Of the codes.
        projection: The way from vectors to targets.
    """

    vectors: Float[Tensor, "m d"]
    targets: Float[Tensor, "m e"]
    lengths: Float[Tensor, " m"]
    scales: Float[Tensor, " m"]
    mean: Float[Tensor, " e"]
    solution: Solution
    dictionary: Dictionary
    projection: Projection

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def composed(self) -> Float[Tensor, "m e"]:
        """W D."""
        return self.solution.codes @ self.dictionary.atoms.double()

    def top(self, count: int) -> list[list[tuple[str, float]]]:
        """Name the concepts of each direction, the largest first."""
        return self.solution.codes.named(self.dictionary.concepts).top(count)

    def fidelity(self) -> dict[str, Float[Tensor, " m"]]:
        """Return how well codes stand for the directions, as cosines.

        `joint`: of w D and x; `stream`: of the direction that comes back through the whole way (its lengths kept) and
        v; `ceiling`: the same for a perfect code; `published`: as the authors go back, by P alone and without lengths,
        and `published_ceiling`: the same for a perfect code.
        """
        composed = self.composed
        found = {"joint": _cosine(composed, self.targets)}
        for suffix, x in (("", composed), ("ceiling", self.targets)):
            points = (self.scales[:, None] * x + self.mean) * self.lengths[:, None]
            found[suffix or "stream"] = _cosine(self.projection.back(points), self.vectors)
            plain = normalize(normalize(x, dim=1) + self.mean, dim=1)
            name = "_".join(filter(None, ("published", suffix)))
            found[name] = _cosine(self.projection.back_as_published(plain), self.vectors)
        return found


def explain(
    vectors: Float[Tensor, "m d"],
    projection: Projection,
    dictionary: Dictionary,
    solver: Solver,
    mean: Float[Tensor, " e"] | None = None,
) -> Explanations:
    """Explain directions of the residual stream by concepts.

    Args:
        vectors: Unit rows; the poles of a vector are two of them (`both_poles`).
        projection: Into the joint space.
        dictionary: Concepts, centred as for images.
        solver: Finds codes.
        mean: μ of image embeddings, to be taken away from points; None: nothing is, as for directions without a place.
    """
    vectors = vectors.double()
    projected = projection.project(vectors)
    centre = torch.zeros(projected.shape[1], dtype=torch.float64) if mean is None else mean.double()
    difference = normalize(projected, dim=1) - centre
    targets = normalize(difference, dim=1)
    solution = solver.solve(solver.prepare(dictionary.atoms), targets.float())
    return Explanations(
        vectors, targets, projected.norm(dim=1), difference.norm(dim=1), centre, solution, dictionary, projection
    )


def both_poles(vectors: Float[Tensor, "n d"], names: Sequence[str]) -> tuple[Float[Tensor, "m d"], list[str]]:
    """Return each direction and its negative, one after the other, and their names.

    Example:
        >>> both_poles(torch.eye(2), ["L0.H0.0", "L0.H0.1"])[1]
        ['L0.H0.0+', 'L0.H0.0−', 'L0.H0.1+', 'L0.H0.1−']
    """
    signed = torch.stack([vectors, -vectors], dim=1).flatten(0, 1)
    return signed, [f"{name}{pole}" for name in names for pole in POLES]


def random_directions(count: int, width: int, seed: int) -> Float[Tensor, "n d"]:
    """Draw unit directions that a residual stream may have, without a mean over d: what means nothing."""
    drawn = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return normalize(drawn - drawn.mean(dim=1, keepdim=True), dim=1)


def _cosine(first: Float[Tensor, "m d"], second: Float[Tensor, "m d"]) -> Float[Tensor, " m"]:
    return (normalize(first.double(), dim=1) * normalize(second.double(), dim=1)).sum(dim=1)
