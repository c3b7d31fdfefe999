r"""Find the atoms that match each row best, over dictionaries of any size: tile by tile in float32, decided in float64.

    i* = argmax_i ⟨d_i, q⟩   (|⟨d_i, q⟩| if signed),   i not excluded;   of atoms that tie, the first

The candidates of all tiles are judged again, each row on its own, so that the answer of a row does not depend on the
rows beside it. Memory is bounded by `MAX_TILE_ENTRIES`, whatever the number of atoms.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

MAX_TILE_ENTRIES = 2**24  # correlations at a time: 64 MiB in float32
SPARE = 4  # candidates beyond those asked for: rounding may have put them in a wrong order
TIE = 1e-12  # correlations of unit vectors closer than this are equal: those of duplicate atoms
NONE = -1  # in place of an atom, where there are no more


def highest(
    queries: Float[Tensor, "b d"],
    atoms: Float[Tensor, "k d"],
    count: int,
    nonnegative: bool,
    excluded: Int64[Tensor, "b s"] | None = None,
    forbidden: Bool[Tensor, "b k"] | None = None,
    above: tuple[Float[Tensor, "b d"], float] | None = None,
) -> Int64[Tensor, "b count"]:
    """Return the atoms of the highest correlations with each query, the highest first.

    Args:
        queries: One per row.
        atoms: The dictionary.
        count: How many; fewer are left where the rest is −1.
        nonnegative: Whether correlations count as they are, or by their absolute values.
        excluded: Atoms that are not looked for in each row; −1 is none.
        forbidden: The same as a mask.
        above: Rows with which an atom must correlate by more than a number.
    """
    values, found = _candidates(queries, atoms, count, nonnegative, excluded, forbidden)
    chosen = atoms[found].double()
    exact = torch.einsum("bcd,bd->bc", chosen, queries.double())
    exact = (exact if nonnegative else exact.abs()).masked_fill(values == -torch.inf, -torch.inf)
    if above is None:
        return _ordered(exact, found)[:, :count]
    fits = torch.einsum("bcd,bd->bc", chosen, above[0].double()) > above[1]
    answer = _ordered(exact.masked_fill(~fits, -torch.inf), found)[:, :count]
    # Where too few candidates fit, others may; to look for them takes a second product with all atoms.
    short = ((answer == NONE).any(dim=1) & (values > -torch.inf).all(dim=1)).nonzero()[:, 0]
    for rows in torch.split(short, max(1, MAX_TILE_ENTRIES // len(atoms))):
        unfit = above[0][rows] @ atoms.T <= above[1]
        if forbidden is not None:
            unfit |= forbidden[rows]
        rest = None if excluded is None else excluded[rows]
        answer[rows] = highest(queries[rows], atoms, count, nonnegative, rest, unfit)
    return answer


def _candidates(
    queries: Float[Tensor, "b d"],
    atoms: Float[Tensor, "k d"],
    count: int,
    nonnegative: bool,
    excluded: Int64[Tensor, "b s"] | None,
    forbidden: Bool[Tensor, "b k"] | None,
) -> tuple[Float[Tensor, "b c"], Int64[Tensor, "b c"]]:
    """Return the highest correlations in the precision of the atoms, a few more than asked for, and whose they are."""
    num_candidates = min(len(atoms), count + SPARE)
    tile = max(num_candidates, MAX_TILE_ENTRIES // max(1, len(queries)))
    values = queries.new_full((len(queries), 0), -torch.inf)
    found = torch.zeros(len(queries), 0, dtype=torch.int64, device=queries.device)
    for start in range(0, len(atoms), tile):
        correlations = queries @ atoms[start : start + tile].T
        if not nonnegative:
            correlations = correlations.abs_()
        if forbidden is not None:
            correlations.masked_fill_(forbidden[:, start : start + tile], -torch.inf)
        if excluded is not None:
            _mask(correlations, excluded - start)
        best, place = correlations.topk(min(num_candidates, correlations.shape[1]), dim=1)
        values, found = torch.cat([values, best], dim=1), torch.cat([found, place + start], dim=1)
        values, kept = values.topk(min(num_candidates, values.shape[1]), dim=1)
        found = found.gather(1, kept)
    return values, found


def _mask(correlations: Float[Tensor, "b tile"], places: Int64[Tensor, "b s"]) -> None:
    """Take atoms out of a tile; indices outside it belong to other tiles."""
    inside = (places >= 0) & (places < correlations.shape[1])
    rows = torch.arange(len(places), device=places.device)[:, None].expand_as(places)
    correlations[rows[inside], places[inside]] = -torch.inf


def _ordered(values: Float[Tensor, "b c"], found: Int64[Tensor, "b c"]) -> Int64[Tensor, "b c"]:
    """Sort candidates by value, and those that tie by number; what is excluded becomes −1."""
    found = found.masked_fill(values == -torch.inf, NONE)
    order = found.argsort(dim=1, stable=True)
    found, values = found.gather(1, order), values.gather(1, order)
    # Differences of last bits between duplicates must not decide: a tie is one of rounded values.
    rounded = torch.where(values.isfinite(), (values / TIE).round(), values)
    return found.gather(1, rounded.argsort(dim=1, descending=True, stable=True))
