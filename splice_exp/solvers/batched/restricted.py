r"""The lasso on a working set for many rows at once, by a semismooth Newton method.

    minimise over w ≥ 0    ½ wᵀ G w − bᵀ w,    b = D_W x − h

With w on a guess F of the support, G_FF w_F = b_F, and its gradient g = b − G w, the next guess is {w + g > 0}: atoms
of F with a positive code stay, others join where g > 0. A guess that repeats itself is the solution. Every step is one
batched Cholesky factorisation of whole matrices, in which a barrier on the diagonal keeps what is not in F at zero. The
number of steps does not depend on the data: what has not settled by then goes
on in the next round, and no row is certified by what this returns.

References:
    Lawson, Hanson. Solving least squares problems, chapter 23. SIAM 1995 (what is done carefully).
    Hintermüller, Ito, Kunisch. The primal-dual active set strategy as a semismooth Newton method. SIAM J. Optimization
    13(3), 2002.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import threshold

# Atoms that depend on others make G singular; so little on the diagonal makes them share, and moves nothing else.
RIDGE = {torch.float32: 1e-7, torch.float64: 1e-12}
# Where w + g is negative, this many times as much on the diagonal keeps a code at zero, but for what is NOTHING.
BARRIER = {torch.float32: 1e20, torch.float64: 1e30}
NOTHING = {torch.float32: 1e-9, torch.float64: 1e-15}
MAX_ENTRIES = 2**25  # of Gram matrices, and of the atoms they are computed from, at a time: 128 MiB in float32


class Newton(NamedTuple):
    """Where the last step led.

    Attributes:
        values: w.
        factor: Upper Cholesky factors of the systems that were solved: G on the support, a barrier beside it.
    """

    values: Float[Tensor, "b m"]
    factor: Float[Tensor, "b m m"]


def solve_restricted(
    gram: Float[Tensor, "b m m"], linear: Float[Tensor, "b m"], free: Bool[Tensor, "b m"], steps: int
) -> Newton:
    """Do some Newton steps on every problem of the batch; where a matrix is not positive definite, codes mean nothing.

    Args:
        gram: G, of which the diagonal is overwritten.
        linear: b.
        free: The first guess of the support.
        steps: How many.

    Returns:
        The codes, 0 or more, after the last step, and the factors of its systems.
    """
    own, barrier = gram.diagonal(dim1=1, dim2=2) + RIDGE[gram.dtype], BARRIER[gram.dtype]
    gram.diagonal(dim1=1, dim2=2).sub_(1)  # so that w + g is b − G w
    newton = solved(gram, torch.where(free, own, barrier), linear)
    for _ in range(steps - 1):
        ahead = torch.baddbmm(linear[:, :, None], gram, newton.values[:, :, None], beta=-barrier, alpha=barrier)
        newton = solved(gram, torch.maximum(own, ahead[:, :, 0]), linear)
    return Newton(feasible(newton.values, gram.dtype), newton.factor)


def solve_carefully(
    gram: Float[Tensor, "b m m"], linear: Float[Tensor, "b m"], values: Float[Tensor, "b m"], steps: int
) -> Newton:
    """Do some steps of the method of Lawson and Hanson, each of which lowers the objective.

    Codes go towards the minimum on their support until one of them is zero, which then leaves it; from a minimum on,
    atoms with at least half of the largest gradient join.

    Args:
        gram: G.
        linear: b.
        values: Nonnegative codes to begin with.
        steps: How many.

    Returns:
        The codes, 0 or more, after the last step, and the factors of its systems.
    """
    own, barrier, nothing = (
        gram.diagonal(dim1=1, dim2=2) + RIDGE[gram.dtype],
        BARRIER[gram.dtype],
        NOTHING[gram.dtype],
    )
    free, newton = values > 0, Newton(values, gram)
    for _ in range(steps):
        gain = torch.baddbmm(linear[:, :, None], gram, values[:, :, None], alpha=-1)[:, :, 0]
        gain = gain.masked_fill(free, -torch.inf)
        at_rest = (values - newton.values).abs().amax(dim=1, keepdim=True) <= nothing
        joins = at_rest & (gain > nothing) & (2 * gain >= gain.amax(dim=1, keepdim=True))
        free = free | joins
        newton = solved(gram, torch.where(free, own, barrier), linear)
        newton = Newton(torch.where(free, newton.values, 0.0), newton.factor)
        falls = free & (newton.values <= 0)
        way = (values - newton.values).clamp(min=nothing)
        share = torch.where(falls, values / way, 1.0).amin(dim=1, keepdim=True)
        values = values + share * (newton.values - values)
        free = free & ~(falls & (values <= nothing))
        values = torch.where(free, values, 0.0).clamp(min=0)
    return Newton(values, newton.factor)


def solved(gram: Float[Tensor, "b m m"], diagonal: Float[Tensor, "b m"], linear: Float[Tensor, "b m"]) -> Newton:
    """Factorise Gram matrices with another diagonal, and solve.

    Args:
        gram: G of each problem, whose diagonal plays no part.
        diagonal: What takes its place.
        linear: b.

    Returns:
        The solutions, which may be negative, and the factors.
    """
    system = torch.diagonal_scatter(gram, diagonal, dim1=1, dim2=2)
    factor, _ = torch.linalg.cholesky_ex(system, upper=True)  # a third faster than the lower one on CPUs
    return Newton(solve_system(factor, linear), factor)


def solve_system(factor: Float[Tensor, "b m m"], right: Float[Tensor, "b m"]) -> Float[Tensor, "b m"]:
    """Solve for one right side of each problem.

    Args:
        factor: Upper Cholesky factors.
        right: The right sides.

    Returns:
        The solutions.
    """
    return torch.cholesky_solve(right[:, :, None], factor, upper=True)[:, :, 0]


def feasible(values: Float[Tensor, "b m"], dtype: torch.dtype) -> Float[Tensor, "b m"]:
    """Put to zero what is negative, or nothing in the precision of the systems.

    Args:
        values: Codes.
        dtype: The precision of the systems.

    Returns:
        The codes, 0 or more.
    """
    return threshold(values, NOTHING[dtype], 0.0)


def gram_of(
    working: Int64[Tensor, "b m"], atoms: Float[Tensor, "k d"], gram: Float[Tensor, "g g"]
) -> Float[Tensor, "b m m"]:
    """Gather the Gram matrix of each row's working set, or compute it where there is no G.

    Args:
        working: Indices of the atoms of each row.
        atoms: D.
        gram: G = D Dᵀ, or (0, 0).

    Returns:
        G on the working set of each row.
    """
    if len(gram):
        # One list of indices takes a sixth of the time of two.
        places = torch.add(working[:, None, :], working[:, :, None], alpha=len(gram))
        return gram.view(-1).index_select(0, places.view(-1)).view(places.shape)
    chosen = atoms[working]
    return chosen @ chosen.mT


def solve_on(
    working: Int64[Tensor, "b m"],
    signs: Float[Tensor, "b m"] | None,
    linear: Float[Tensor, "b m"],
    free: Bool[Tensor, "b m"],
    atoms: Float[Tensor, "k d"],
    gram: Float[Tensor, "g g"],
    steps: int,
    begin: Float[Tensor, "b m"] | None = None,
) -> Newton:
    """Solve on the working sets of some rows, as many at a time as fit `MAX_ENTRIES`.

    Args:
        working: Atoms of each row, all different.
        signs: Those that codes may have; None: all are positive.
        linear: b, of atoms times their signs.
        free: The first guess of the support.
        atoms: D, in the precision in which to compute.
        gram: G = D Dᵀ, or (0, 0).
        steps: How many.
        begin: Codes from which to go on carefully; None: Newton steps from the first guess.

    Returns:
        Of |w|.
    """
    width = working.shape[1]
    together = max(1, MAX_ENTRIES // (width * (width if len(gram) else width + atoms.shape[1])))
    parts = []
    for start in range(0, len(working), together):
        part = slice(start, start + together)
        g = gram_of(working[part], atoms, gram)
        if signs is not None:
            g = g * signs[part, :, None] * signs[part, None, :]
        if begin is None:
            parts.append(solve_restricted(g, linear[part], free[part], steps))
        else:
            parts.append(solve_carefully(g, linear[part], begin[part], steps))
    return parts[0] if len(parts) == 1 else Newton(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))
