r"""Exact least squares on small supports, batched: min ‖x − w D_S‖², optionally over w ≥ 0.

In Gram form: G = D_S D_Sᵀ (b, s, s), c = D_S x (b, s). The nonnegative problem is solved by block principal
pivoting: guess which entries are free, solve for them, exchange every entry that contradicts the guess, all
at once while this makes progress, one by one when it does not (which is finite).

References:
    Portugal, Júdice, Vicente. A comparison of block pivoting and interior-point algorithms for linear
    least squares problems with nonnegative variables. Mathematics of Computation 63, 1994.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

# Duplicate atoms in a support make G singular; so little on the diagonal makes them share, and moves nothing else.
RIDGE = 1e-12
# An entry below this times the scale of the problem is zero up to rounding, not a contradiction.
SIGNIFICANT = 1e-12
BLOCK_EXCHANGES = 3
MAX_BLOCK_ENTRIES = 2**24  # float64 numbers gathered at a time: 128 MiB


def _solve_free(
    gram: Float[Tensor, "b s s"], correlations: Float[Tensor, "b s"], free: Bool[Tensor, "b s"]
) -> Float[Tensor, "b s"]:
    """Solve G_FF w_F = c_F, with w = 0 elsewhere."""
    both = free[:, :, None] & free[:, None, :]
    diagonal = torch.where(free, RIDGE, 1.0)
    system = torch.where(both, gram, 0.0) + torch.diag_embed(diagonal)
    solution = torch.linalg.solve(system, torch.where(free, correlations, 0.0))
    return torch.where(free, solution, 0.0)


def nonnegative_least_squares(
    gram: Float[Tensor, "b s s"],
    correlations: Float[Tensor, "b s"],
    allowed: Bool[Tensor, "b s"] | None = None,
) -> Float[Tensor, "b s"]:
    """Minimise wᵀGw − 2cᵀw over w ≥ 0, exactly, for every problem of the batch.

    Args:
        gram: G, symmetric positive semidefinite.
        correlations: c.
        allowed: Entries that may be nonzero (padding may not); all by default.

    Raises:
        RuntimeError: if the pivoting cycles, which the single exchanges exclude.
    """
    num_problems, size = correlations.shape
    scale = SIGNIFICANT * correlations.abs().amax(dim=1, keepdim=True).clamp(min=1e-30)
    allowed = torch.ones_like(correlations, dtype=torch.bool) if allowed is None else allowed
    free = allowed
    fewest = torch.full((num_problems,), size + 1, device=gram.device)
    patience = torch.full((num_problems,), BLOCK_EXCHANGES, device=gram.device)
    positions = torch.arange(size, device=gram.device)
    for _ in range(100 * (size + 1)):
        w = _solve_free(gram, correlations, free)
        gradient = torch.einsum("bst,bt->bs", gram, w) - correlations
        wrong = torch.where(free, w < -scale, gradient < -scale) & allowed
        num_wrong = wrong.sum(dim=1)
        if not num_wrong.any():
            return w.clamp(min=0)
        progress = num_wrong < fewest
        fewest = torch.where(progress, num_wrong, fewest)
        patience = torch.where(progress, BLOCK_EXCHANGES, patience - 1)
        last = torch.where(wrong, positions, -1).amax(dim=1, keepdim=True)
        exchange = torch.where((patience >= 0)[:, None], wrong, wrong & (positions == last))
        free = free ^ exchange
    raise RuntimeError("block principal pivoting did not end: the Gram matrix is not positive semidefinite")


def solve_on_support(
    targets: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], support: Int64[Tensor, "b s"], nonnegative: bool
) -> Float[Tensor, "b s"]:
    """Return the least-squares codes on each row's own support, computed in float64."""
    chosen = atoms[support].double()
    gram = chosen @ chosen.mT
    correlations = torch.einsum("bsd,bd->bs", chosen, targets.double())
    if nonnegative:
        return nonnegative_least_squares(gram, correlations)
    return _solve_free(gram, correlations, torch.ones_like(correlations, dtype=torch.bool))


def lasso_on_support(
    targets: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], codes: Float[Tensor, "b k"], l1_penalty: float
) -> Float[Tensor, "b k"]:
    r"""Solve the lasso exactly in float64 among codes with the support and the signs of those given.

    With w = σ ∘ v for signs σ, the problem is nonnegative in v: minimise vᵀ(σσᵀ ∘ G)v − 2(σ ∘ c − L/2)ᵀv.
    Entries that belong to no optimum come out as zero.

    Args:
        targets: Unit rows.
        atoms: The dictionary, float64.
        codes: Any codes whose support is to be kept or shrunk.
        l1_penalty: L.
    """
    sizes = (codes != 0).sum(dim=1)
    refined = torch.zeros(codes.shape, dtype=torch.float64, device=codes.device)
    # Rows of like support size go together, so that padding and memory stay small.
    order = sizes.argsort(stable=True)
    order = order[sizes[order] > 0]
    while len(order):
        largest = int(sizes[order[-1]])
        count = max(1, MAX_BLOCK_ENTRIES // (largest * (largest + atoms.shape[1])))
        rows, order = order[-count:], order[:-count]
        support = codes[rows].abs().topk(largest, dim=1).indices
        signs = codes[rows].gather(1, support).sign().double()
        chosen = atoms[support] * signs[:, :, None]  # padding has sign zero: a zero atom, never free
        correlations = torch.einsum("bsd,bd->bs", chosen, targets[rows].double()) - l1_penalty / 2
        values = signs * nonnegative_least_squares(chosen @ chosen.mT, correlations, allowed=signs != 0)
        refined[rows] = torch.zeros_like(refined[rows]).scatter_(1, support, values)
    return refined


def scatter(
    values: Float[Tensor, "b s"], support: Int64[Tensor, "b s"], num_atoms: int, dtype: torch.dtype
) -> Float[Tensor, "b k"]:
    """Spread codes on supports into dense rows."""
    dense = torch.zeros(len(values), num_atoms, dtype=dtype, device=values.device)
    return dense.scatter_(1, support, values.to(dtype))
