"""From directions of the residual stream to points of the joint space, and back.

    published    z = σ(LN_post(w) P)                    LN_post(w) = γ ⊙ (w − mean(w)) / std(w) + β
    linear       z = σ((γ ⊙ (w − mean(w))) P)           what w in the residual stream adds to the embedding, but for β
    jacobian     z = σ(J w)                             its first-order effect on z at a given residual stream

σ = L2 normalisation. `published` puts the constant βP into every direction, so that the two signed directions ±w are
not opposite; the other two are linear. Intermediate layers are read as if nothing came after them (the direct path).

The inverse map accounts for how wrong a point is. For unit directions without a preferred one, y = w A + noise of
variance ν² in each coordinate has the linear estimate of least mean squared error

    ŵ = y A⁺_ν      A⁺_ν = V diag(s / (s² + d ν²)) Uᵀ,   A = U diag(s) Vᵀ        (the pseudoinverse where ν = 0)

so that directions which the map makes short are not blown up by what a code has missed.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 3 (published).
    Wiener. Extrapolation, interpolation, and smoothing of stationary time series. MIT Press, 1949 (the inverse map).
    nostalgebraist. Interpreting GPT: the logit lens. 2020 (the direct path).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import layer_norm, normalize

from splice_exp.backbones.towers import Tower
from splice_exp.core.errors import SpliceError, require_choice

PROJECTIONS = ("published", "linear", "jacobian")


class Projection:
    """The map from a tower's residual stream into the joint space, for directions.

    Args:
        tower: The tower of the residual stream.
        kind: One of `PROJECTIONS`.
        at: For `jacobian`: the residual stream of a token before the last LayerNorm, (d,), for example a mean over
            images.
    """

    def __init__(self, tower: Tower, kind: str = "published", at: Float[Tensor, " d"] | None = None) -> None:
        require_choice("projection", kind, PROJECTIONS)
        if (kind == "jacobian") != (at is not None):
            raise SpliceError(f"projection={kind} {'needs' if at is None else 'does not take'} a residual stream (at).")
        self._kind = kind
        norm = tower.norm
        # In the memory of the CPU, wherever the model is: directions are few.
        self._gain, self._bias = (one.detach().double().cpu() for one in (norm.weight, norm.bias))
        self._eps, self._projection = norm.eps, tower.projection.detach().double().cpu()
        self._linear = _centred(self._gain[:, None] * self._projection)
        if at is not None:
            self._linear = self._linear_at(at.double().cpu())

    def _linear_at(self, stream: Float[Tensor, " d"]) -> Float[Tensor, "d e"]:
        """Return the Jacobian of the unit embedding at a state of the residual stream."""
        centred = stream - stream.mean()
        spread = (centred.square().mean() + self._eps).sqrt()
        unit = centred / spread
        # d LN₀ = (I − 11ᵀ/d − x̂ x̂ᵀ/d) / std: the length of the residual stream does not matter.
        inner = self._gain[:, None] * self._projection
        through = (_centred(inner) - torch.outer(unit, unit @ inner) / len(unit)) / spread
        embedding = (self._gain * unit + self._bias) @ self._projection
        direction = normalize(embedding, dim=0)
        return (through - torch.outer(through @ direction, direction)) / embedding.norm()

    def project(self, vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n e"]:
        """Return where directions point in the joint space, not normalised."""
        vectors = vectors.double()
        if self._kind != "published":
            return vectors @ self._linear
        return layer_norm(vectors, vectors.shape[-1:], self._gain, self._bias, self._eps) @ self._projection

    def points(self, vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n e"]:
        """Return where directions point, as unit rows."""
        return normalize(self.project(vectors), dim=1)

    def back(self, points: Float[Tensor, "n e"], noise: Float[Tensor, " n"] | None = None) -> Float[Tensor, "n d"]:
        """Estimate the unit directions of the residual stream behind points; the less is known, the shorter they are.

        Args:
            points: With the lengths that `project` gave.
            noise: ν², mean square over the coordinates of what points miss; None: they are exact.
        """
        rest = points.double()
        gain = 1.0
        if self._kind == "published":
            rest = rest - self._bias @ self._projection
            gain = (1 / len(self._linear) + self._eps) ** -0.5  # of the LayerNorm, for a unit direction without a mean
        u, values, vh = torch.linalg.svd(gain * self._linear, full_matrices=False)
        known = values > values[0] * len(u) * torch.finfo(torch.float64).eps
        u, values, vh = u[:, known], values[known], vh[known]
        variance = torch.zeros(len(rest), dtype=torch.float64) if noise is None else noise.double()
        weights = values / (values.square() + len(u) * variance[:, None])
        return ((rest @ vh.T) * weights) @ u.T

    def back_as_published(self, points: Float[Tensor, "n e"]) -> Float[Tensor, "n d"]:
        """Return directions as the authors do: by the pseudoinverse of P alone, as if LN_post were not there."""
        return normalize(points.double() @ torch.linalg.pinv(self._projection), dim=1)

    def ceiling(self, vectors: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Return the cosines of directions with what comes back of them: no explanation can do better."""
        back = normalize(self.back(self.project(vectors)), dim=1)
        return (back * normalize(vectors.double(), dim=1)).sum(dim=1)


def _centred(matrix: Float[Tensor, "d e"]) -> Float[Tensor, "d e"]:
    """Take away what the mean of a direction would contribute."""
    return matrix - matrix.mean(dim=0, keepdim=True)
