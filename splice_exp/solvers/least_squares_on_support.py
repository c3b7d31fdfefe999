r"""Exact least squares on small supports, batched: min ‖x − w D_S‖², optionally over w ≥ 0, optionally with a penalty.

In Gram form: G = D_S D_Sᵀ (b, s, s), c = D_S x (b, s). The nonnegative problem is solved by block principal
pivoting: guess which entries are free, solve for them, exchange every entry that contradicts the guess, all
at once while this makes progress, one by one when it does not.

References:
    Portugal, Júdice, Vicente. A comparison of block pivoting and interior-point algorithms for linear
    least squares problems with nonnegative variables. Mathematics of Computation 63, 1994.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

# Duplicate atoms in a support make G singular; so little on the diagonal makes them share, and moves nothing else.
RIDGE = 1e-12
# What contradicts a guess by less than this, relative to the numbers it is computed from, is rounding.
SIGNIFICANT = 1e-12
BLOCK_EXCHANGES = 3
MAX_BLOCK_ENTRIES = 2**24  # float64 numbers gathered at a time: 128 MiB


class Settled(NamedTuple):
    """Solutions of a batch of problems.

    Attributes:
        values: w; zero where there is none.
        settled: Which problems have a solution: a singular system or endless pivoting leaves one open.
    """

    values: Float[Tensor, "b s"]
    settled: Bool[Tensor, " b"]


def _solve_free(gram: Float[Tensor, "b s s"], correlations: Float[Tensor, "b s"], free: Bool[Tensor, "b s"]) -> Settled:
    """Solve G_FF w_F = c_F by Cholesky, with w = 0 elsewhere."""
    both = free[:, :, None] & free[:, None, :]
    system = torch.where(both, gram, 0.0) + torch.diag_embed(torch.where(free, RIDGE, 1.0).to(gram))
    factor, info = torch.linalg.cholesky_ex(system)
    right = torch.where(free, correlations, 0.0)
    solution = torch.cholesky_solve(right[:, :, None], factor)[:, :, 0]
    return Settled(torch.where(free, solution, 0.0), (info == 0) & solution.isfinite().all(dim=1))


def nonnegative_least_squares(
    gram: Float[Tensor, "b s s"],
    correlations: Float[Tensor, "b s"],
    allowed: Bool[Tensor, "b s"] | None = None,
) -> Settled:
    """Minimise wᵀGw − 2cᵀw over w ≥ 0, exactly, for every problem of the batch.

    Args:
        gram: G, symmetric positive semidefinite.
        correlations: c.
        allowed: Entries that may be nonzero (padding may not); all by default.

    Returns:
        The minimisers, and which of the problems are solved.
    """
    num_problems, size = correlations.shape
    values = torch.zeros_like(correlations)
    settled = torch.zeros(num_problems, dtype=torch.bool, device=gram.device)
    allowed = torch.ones_like(settled)[:, None].expand_as(correlations) if allowed is None else allowed
    free = allowed.clone()
    fewest = torch.full((num_problems,), size + 1, device=gram.device)
    patience = torch.full((num_problems,), BLOCK_EXCHANGES, device=gram.device)
    positions = torch.arange(size, device=gram.device)
    going = torch.arange(num_problems, device=gram.device)
    for _ in range(10 * size + 20):
        g, c, f = gram[going], correlations[going], free[going]
        w, solved = _solve_free(g, c, f)
        largest = w.abs().amax(dim=1, keepdim=True)
        rounding = SIGNIFICANT * torch.maximum(c.abs().amax(dim=1, keepdim=True), largest).clamp(min=1e-300)
        gradient = torch.einsum("bst,bt->bs", g, w) - c
        wrong = torch.where(f, w < -rounding, gradient < -rounding) & allowed[going]
        num_wrong = wrong.sum(dim=1)
        right = solved & (num_wrong == 0)
        values[going[right]], settled[going[right]] = w[right].clamp(min=0), True
        progress = num_wrong < fewest[going]
        fewest[going] = torch.where(progress, num_wrong, fewest[going])
        patience[going] = torch.where(progress, BLOCK_EXCHANGES, patience[going] - 1)
        last = torch.where(wrong, positions, -1).amax(dim=1, keepdim=True)
        exchange = torch.where((patience[going] >= 0)[:, None], wrong, wrong & (positions == last))
        free[going] = f ^ exchange
        going = going[solved & ~right]
        if not len(going):
            break
    return Settled(values, settled)


def _blocks(support_size: int, dim: int, num_rows: int) -> Iterator[slice]:
    """Cut rows so that their gathered atoms and Gram matrices stay within `MAX_BLOCK_ENTRIES`."""
    count = max(1, MAX_BLOCK_ENTRIES // max(1, support_size * (support_size + dim)))
    for start in range(0, num_rows, count):
        yield slice(start, start + count)


def solve_on_support(
    targets: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], support: Int64[Tensor, "b s"], nonnegative: bool
) -> Float[Tensor, "b s"]:
    """Return the least-squares codes on each row's own support, computed in float64.

    Args:
        targets: X.
        atoms: D.
        support: Indices of the atoms of each row; every one counts, so −1 is not allowed.
        nonnegative: Whether codes must be 0 or more.
    """
    values = torch.zeros(support.shape, dtype=torch.float64, device=targets.device)
    for rows in _blocks(support.shape[1], atoms.shape[1], len(targets)):
        chosen, x = atoms[support[rows]].double(), targets[rows].double()
        gram, correlations = chosen @ chosen.mT, torch.einsum("bsd,bd->bs", chosen, x)
        if nonnegative:
            found, settled = nonnegative_least_squares(gram, correlations)
        else:
            found, settled = _solve_free(gram, correlations, torch.ones_like(correlations, dtype=torch.bool))
        for row in (~settled).nonzero().flatten().tolist():  # too ill-conditioned for the Gram form
            found[row] = torch.from_numpy(_solve_alone(chosen[row], x[row], nonnegative)).to(found)
        values[rows] = found
    return values


def _solve_alone(atoms: Float[Tensor, "s d"], target: Float[Tensor, " d"], nonnegative: bool) -> np.ndarray:
    """Solve one problem by the orthogonal methods of SciPy and NumPy."""
    from scipy.optimize import nnls  # late: it takes half a second

    a, b = atoms.T.cpu().numpy(), target.cpu().numpy()
    return np.asarray(nnls(a, b)[0] if nonnegative else np.linalg.lstsq(a, b, rcond=None)[0])


def lasso_on_support(
    targets: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], codes: Float[Tensor, "b k"], l1_penalty: float
) -> Float[Tensor, "b k"]:
    r"""Solve the lasso exactly in float64 among codes with the support and the signs of those given.

    With w = σ ∘ v for signs σ, the problem is nonnegative in v: minimise vᵀ(σσᵀ ∘ G)v − 2(σ ∘ c − L/2)ᵀv.
    Entries that belong to no optimum come out as zero. A row whose support is larger than d + 1 is far from any
    optimum; it is returned as it is, and so is one that pivoting does not settle.

    Args:
        targets: Unit rows.
        atoms: The dictionary, float64.
        codes: Any codes whose support is to be kept or shrunk; overwritten if they are float64.
        l1_penalty: L.

    Returns:
        The codes of all rows, float64.
    """
    sizes = (codes != 0).sum(dim=1)
    refined = codes.double()
    # Rows of like support size go together, so that padding stays small; the largest first.
    order = sizes.argsort(descending=True, stable=True)
    order = order[(sizes[order] > 0) & (sizes[order] <= atoms.shape[1] + 1)]
    while len(order):
        largest = int(sizes[order[0]])
        rows = order[next(_blocks(largest, atoms.shape[1], len(order)))]
        order = order[len(rows) :]
        support = codes[rows].abs().topk(largest, dim=1).indices
        signs = codes[rows].gather(1, support).sign().double()
        chosen = atoms[support] * signs[:, :, None]  # padding has sign zero: a zero atom, never free
        correlations = torch.einsum("bsd,bd->bs", chosen, targets[rows].double()) - l1_penalty / 2
        values, settled = nonnegative_least_squares(chosen @ chosen.mT, correlations, allowed=signs != 0)
        exact = torch.zeros_like(refined[rows]).scatter_(1, support, signs * values)
        refined[rows[settled]] = exact[settled]
    return refined
