r"""The one objective, and everything that can be said about it without solving it.

    minimise over W    ‖x − w D‖² + L ‖w‖₁    for every row,    w ≥ 0 unless signed

Symbols in this package: X targets (n, d); D atoms (k, d), unit rows; W codes (n, k); R = X − W D
residuals; C = R Dᵀ correlations of residual and atoms; G = D Dᵀ; L the `l1_penalty`.

Its dual has one variable θ (d,) a row, the optimal residual:

    maximise    2⟨θ, x⟩ − ‖θ‖²    subject to    2⟨d_i, θ⟩ ≤ L    (|2⟨d_i, θ⟩| ≤ L if signed)

so a residual, shrunk until it is feasible, gives a lower bound of the optimum, and the distance to
it bounds how far any code is from optimal: the duality gap. At the optimum 2⟨d_i, r⟩ = L on the
support and ≤ L elsewhere; the largest deviation is the KKT violation.

References:
    Kim, Koh, Lustig, Boyd, Gorinevsky. An interior-point method for large-scale l1-regularized least
    squares. IEEE JSTSP 1(4), 2007 (the dual point).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Certificate(NamedTuple):
    """How far codes are from optimal, one value per row.

    Attributes:
        duality_gap: How far the objective of a row may be above its minimum, in the units of ‖x‖²; NaN where no bound
            is known.
        kkt_violation: Largest deviation of a gradient 2⟨d_i, r⟩ from the conditions of optimality, in the units of L.
    """

    duality_gap: Float[Tensor, " n"]
    kkt_violation: Float[Tensor, " n"]


def residual(
    targets: Float[Tensor, "n d"], atoms: Float[Tensor, "k d"], codes: Float[Tensor, "n k"]
) -> Float[Tensor, "n d"]:
    """Return the residuals R = X − W D.

    Args:
        targets: X.
        atoms: D.
        codes: W.
    """
    return torch.addmm(targets, codes, atoms, alpha=-1)


def value(
    targets: Float[Tensor, "n d"], atoms: Float[Tensor, "k d"], codes: Float[Tensor, "n k"], l1_penalty: float
) -> Float[Tensor, " n"]:
    """Return the objective ‖x − w D‖² + L ‖w‖₁ of each row.

    Args:
        targets: X.
        atoms: D.
        codes: W.
        l1_penalty: L.
    """
    fit = residual(targets, atoms, codes).square().sum(dim=1)
    return fit + l1_penalty * codes.abs().sum(dim=1)


def lambda_max(
    targets: Float[Tensor, "n d"], atoms: Float[Tensor, "k d"], nonnegative: bool = True
) -> Float[Tensor, " n"]:
    """Return the smallest penalty at which all codes of a row are zero: 2 max_i ⟨d_i, x⟩, or of |⟨d_i, x⟩| if signed.

    Args:
        targets: X.
        atoms: D.
        nonnegative: Whether codes must be 0 or more; the penalty is then at least 0.
    """
    correlations = 2 * targets @ atoms.T
    largest = correlations.amax(dim=1) if nonnegative else correlations.abs().amax(dim=1)
    return largest.clamp(min=0)


def lasso_certificate(
    targets: Float[Tensor, "n d"],
    atoms: Float[Tensor, "k d"],
    codes: Float[Tensor, "n k"],
    l1_penalty: float,
    nonnegative: bool = True,
) -> Certificate:
    """Bound how far codes are from the optimum, on the full dictionary and in the precision of the arguments.

    Args:
        targets: X.
        atoms: D, all of it.
        codes: W.
        l1_penalty: L.
        nonnegative: Whether codes must be 0 or more: the KKT violation of a row with a negative code is infinite.

    Returns:
        The duality gap and the KKT violation of each row.
    """
    r = residual(targets, atoms, codes)
    return certificate_of_residual(targets, r, 2 * r @ atoms.T, codes, l1_penalty, nonnegative)


def certificate_of_residual(
    targets: Float[Tensor, "n d"],
    residuals: Float[Tensor, "n d"],
    gradient: Float[Tensor, "n k"],
    codes: Float[Tensor, "n k"],
    l1_penalty: float | Float[Tensor, " n"],
    nonnegative: bool = True,
) -> Certificate:
    """Bound how far codes are from the optimum, given R and 2 R Dᵀ.

    The dual point is θ = s r with the best s that is feasible: s = min(⟨r, x⟩ / ‖r‖², L / max_i 2⟨d_i, r⟩).

    Args:
        targets: X.
        residuals: R = X − W D.
        gradient: 2 R Dᵀ.
        codes: W.
        l1_penalty: L, of all rows or of each.
        nonnegative: Whether codes must be 0 or more: the KKT violation of a row with a negative code is infinite.

    Returns:
        The duality gap and the KKT violation of each row.
    """
    r = residuals
    r_dot_r, r_dot_x = r.square().sum(dim=1), (r * targets).sum(dim=1)
    l1_norm = codes.abs().sum(dim=1)

    steepest = (gradient if nonnegative else gradient.abs()).amax(dim=1)
    feasible = torch.where(steepest > 0, l1_penalty / steepest, torch.inf)
    smallest = torch.finfo(r.dtype).tiny
    scale = torch.minimum(r_dot_x / r_dot_r.clamp(min=smallest), feasible).clamp(min=0)
    # primal − dual = ‖r‖² + L‖w‖₁ − 2s⟨r, x⟩ + s²‖r‖², ordered to lose few digits near s = 1, where
    # ⟨r, x⟩ − ‖r‖² = ⟨r, w D⟩ is small: (1 − s)²‖r‖² + L‖w‖₁ − 2s⟨r, x − r⟩.
    duality_gap = (1 - scale).square() * r_dot_r
    if isinstance(l1_penalty, Tensor):
        duality_gap, l1_penalty = duality_gap.addcmul(l1_norm, l1_penalty), l1_penalty[:, None]
    else:
        duality_gap = duality_gap.add(l1_norm, alpha=l1_penalty)
    duality_gap = duality_gap.addcmul(scale, r_dot_x - r_dot_r, value=-2)

    slack = gradient - l1_penalty if nonnegative else gradient.abs() - l1_penalty
    active = slack.abs() if nonnegative else (gradient - l1_penalty * codes.sign()).abs()
    violation = torch.where(codes != 0, active, slack.clamp(min=0))
    if nonnegative:  # the gradient does not see a tiny penalty with the wrong sign
        violation = violation.masked_fill(codes < 0, torch.inf)
    return Certificate(duality_gap.clamp(min=0), violation.amax(dim=1))


def support_certificate(
    targets: Float[Tensor, "n d"], atoms: Float[Tensor, "k d"], codes: Float[Tensor, "n k"]
) -> Certificate:
    """Check least squares on the chosen support: there 2⟨d_i, r⟩ must vanish.

    Args:
        targets: X.
        atoms: D.
        codes: W, whose nonzero entries are the support.

    Returns:
        max |2⟨d_i, r⟩| over the support of each row. The choice of a support of given size is not convex, so there is
        no gap to report: NaN.
    """
    gradient = 2 * residual(targets, atoms, codes) @ atoms.T
    violation = torch.where(codes != 0, gradient.abs(), 0).amax(dim=1)
    return Certificate(torch.full_like(violation, torch.nan), violation)


def certificate_on_support(
    targets: Float[Tensor, "n d"], chosen: Float[Tensor, "n s d"], values: Float[Tensor, "n s"]
) -> Certificate:
    """Check least squares on a support as `support_certificate` does, given its atoms alone; zero atoms are none.

    Args:
        targets: X.
        chosen: The atoms of each row's support.
        values: Their codes; where one is zero, its atom is not checked.

    Returns:
        As of `support_certificate`.
    """
    r = targets - torch.einsum("ns,nsd->nd", values, chosen)
    gradient = 2 * torch.einsum("nsd,nd->ns", chosen, r)
    violation = torch.where(values != 0, gradient.abs(), 0).amax(dim=1)
    return Certificate(torch.full_like(violation, torch.nan), violation)


def to_sklearn_alpha(l1_penalty: float, dim: int) -> float:
    """Return α of scikit-learn's Lasso, which minimises ‖·‖²/(2d) + α‖w‖₁: α = L / (2d).

    Args:
        l1_penalty: L.
        dim: d, the width of the targets.
    """
    return l1_penalty / (2 * dim)


def to_half_square(l1_penalty: float) -> float:
    """Return λ of the convention ½‖·‖² + λ‖w‖₁, and of the SpLiCE paper's ‖·‖² + 2λ‖w‖₁: λ = L / 2."""
    return l1_penalty / 2
