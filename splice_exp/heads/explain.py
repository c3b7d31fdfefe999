"""What singular vectors mean: each of the two signed directions of a vector as a sparse code over concepts.

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

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.measures import Measure, Unit
from splice_exp.core.types import Dictionary, Solution
from splice_exp.heads.projection import Projection
from splice_exp.solvers.base import Solver
from splice_exp.solvers.least_squares_on_support import solve_on_support

POLES = ("+", "−")

FIDELITY = (
    Measure("sith/joint", "cosine in the joint space", Unit.COSINE, True),
    Measure("sith/stream", "cosine in the residual stream", Unit.COSINE, True),
    Measure("sith/ceiling", "residual stream, perfect code", Unit.COSINE),
    Measure("sith/published", "residual stream, published inverse map", Unit.COSINE, True),
    Measure("sith/published_ceiling", "published inverse map, perfect code", Unit.COSINE),
)  # of `Explanations.fidelity`


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

    def directions(self, composed: Float[Tensor, "m e"]) -> Float[Tensor, "m d"]:
        """Estimate the directions from reconstructed targets by least mean squared error; 0 where these say nothing.

        What they miss is known, as its mean square over the coordinates of the joint space (`Projection.back`).

        Args:
            composed: Reconstructions, in place of the targets; the lengths of the projections are kept.
        """
        exact, points = self._points(self.targets), self._points(composed)
        return self.projection.back(points, (points - exact).square().mean(dim=1))

    def published_directions(self, composed: Float[Tensor, "m e"]) -> Float[Tensor, "m d"]:
        """Return unit directions as the authors do: by the pseudoinverse of P alone, without lengths."""
        return self.projection.back_as_published(normalize(normalize(composed.double(), dim=1) + self.mean, dim=1))

    def by_chance(self, seed: int) -> Float[Tensor, "m e"]:
        """Return the best nonnegative sums of concepts sampled at random, as many as the longest code has.

        Args:
            seed: Of everything that is sampled.
        """
        size = int(self.solution.codes.l0().max())
        random = np.random.default_rng(seed)
        drawn = [random.choice(len(self.dictionary), size, replace=False) for _ in range(len(self))]
        support, atoms = torch.from_numpy(np.stack(drawn)), self.dictionary.atoms
        values = solve_on_support(self.targets, atoms, support, nonnegative=True)
        return torch.einsum("ms,msd->md", values, atoms[support].double())

    def fidelity(self) -> dict[str, Float[Tensor, " m"]]:
        """Return how well codes stand for the directions, as cosines.

        `joint`: of w D and x; `stream`: of the direction that comes back (`directions`) and v; `ceiling`: the same for
        a perfect code; `published`: as the authors go back, and `published_ceiling`: the same for a perfect code.
        """
        composed = self.composed
        return {
            "joint": _cosine(composed, self.targets),
            "stream": _cosine(self.directions(composed), self.vectors),
            "ceiling": _cosine(self.directions(self.targets), self.vectors),
            "published": _cosine(self.published_directions(composed), self.vectors),
            "published_ceiling": _cosine(self.published_directions(self.targets), self.vectors),
        }

    def _points(self, x: Float[Tensor, "m e"]) -> Float[Tensor, "m e"]:
        """Return the points of the joint space, with their lengths, that have some targets."""
        return (self.scales[:, None] * x.double() + self.mean) * self.lengths[:, None]


def explain(
    vectors: Float[Tensor, "m d"],
    projection: Projection,
    dictionary: Dictionary,
    solver: Solver,
    mean: Float[Tensor, " e"] | None = None,
    device: torch.device | None = None,
) -> Explanations:
    """Explain directions of the residual stream by concepts.

    Args:
        vectors: Unit rows; the signed directions of a vector are two of them (`both_poles`).
        projection: Into the joint space.
        dictionary: Concepts, centred as for images.
        solver: Finds codes.
        mean: μ of image embeddings, to be taken away from points; None: nothing is, as for directions, which have no
            position.
        device: On which codes are found; None: where the atoms are.

    Returns:
        Codes of each direction, with what else is known of it.
    """
    vectors = vectors.double()
    projected = projection.project(vectors)
    centre = torch.zeros(projected.shape[1], dtype=torch.float64) if mean is None else mean.double()
    difference = normalize(projected, dim=1) - centre
    targets = normalize(difference, dim=1)
    atoms = dictionary.atoms if device is None else dictionary.atoms.to(device)
    solution = solver.solve(solver.prepare(atoms), targets.to(atoms))
    return Explanations(
        vectors, targets, projected.norm(dim=1), difference.norm(dim=1), centre, solution, dictionary, projection
    )


def both_poles(vectors: Float[Tensor, "n d"], names: Sequence[str]) -> tuple[Float[Tensor, "m d"], list[str]]:
    """Return each direction and its negative, one after the other, and their names.

    Args:
        vectors: n of them.
        names: One for each.

    Returns:
        2n rows, and as many names, which end with + or −.

    Example:
        >>> both_poles(torch.eye(2), ["L0.H0.0", "L0.H0.1"])[1]
        ['L0.H0.0+', 'L0.H0.0−', 'L0.H0.1+', 'L0.H0.1−']
    """
    signed = torch.stack([vectors, -vectors], dim=1).flatten(0, 1)
    return signed, [f"{name}{pole}" for name in names for pole in POLES]


def random_directions(count: int, width: int, seed: int) -> Float[Tensor, "n d"]:
    """Draw unit directions that a residual stream may have, without a mean over d: what means nothing.

    Args:
        count: n.
        width: d, of the residual stream.
        seed: Of the sampling.

    Returns:
        Unit rows, float64.
    """
    drawn = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return normalize(drawn - drawn.mean(dim=1, keepdim=True), dim=1)


def _cosine(first: Float[Tensor, "m d"], second: Float[Tensor, "m d"]) -> Float[Tensor, " m"]:
    return (normalize(first.double(), dim=1) * normalize(second.double(), dim=1)).sum(dim=1)
