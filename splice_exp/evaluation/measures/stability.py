r"""Which concepts of a code could as well be others: what an exchange would cost, and which atoms nearly coincide.

Take atom i out of the codes w of a row, and put atom j in its place with the best coefficient for it. With residual r,
h = L / 2, s the sign of w_i and G = D Dᵀ the objective rises by at most

    cost(i → j) = w_i² − max(0, s ⟨d_j, r⟩ + |w_i| G_ij − h)²        cost(i → nothing) = w_i²

(at most, because the other codes could give way, too). Atoms with a cost below ε are interchangeable: a solution that
names j instead of i is as good, to ε. At the optimum of the lasso no cost is negative.

References:
    Meinshausen, Bühlmann. Stability selection. JRSS B 72(4), 2010 (the frequency of selection).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.codes import Codes
from splice_exp.core.errors import require_at_least, require_integer
from splice_exp.core.types import Dictionary
from splice_exp.solvers.base import LassoSolver

TILE = 2**24  # entries of a product that are in memory at once


def interchangeable(
    codes: Codes,
    targets: Float[Tensor, "n d"],
    dictionary: Dictionary,
    l1_penalty: float | Float[Tensor, " n"],
    epsilon: float,
) -> pd.DataFrame:
    """List all exchanges of one concept of a row for one that it does not have, that cost less than ε.

    Args:
        codes: Solutions of the lasso, n rows.
        targets: What they are codes of, in the geometry of the atoms.
        dictionary: The atoms and their names.
        l1_penalty: L of the objective, of all rows or of each.
        epsilon: In units of the objective; targets have unit norm.

    Returns:
        One line an exchange: row, concept, other (empty for none at all), code, cost; the cheapest of a concept first.
    """
    require_at_least("epsilon", epsilon, 0)
    atoms = dictionary.atoms.double()
    h = torch.as_tensor(l1_penalty, dtype=torch.float64).expand(len(codes)) / 2
    residuals = targets.double() - codes @ atoms
    exchanges = []
    for part in _tiles(len(codes.values), len(atoms)):
        rows, own, values = codes.rows[part], codes.indices[part], codes.values[part].double()
        sign = values.sign()[:, None]
        correlations = sign * (residuals[rows] @ atoms.T) + values.abs()[:, None] * (atoms[own] @ atoms.T)
        cost = values.square()[:, None] - (correlations - h[rows, None]).clamp(min=0).square()
        cost[torch.isin(_pairs(rows, len(atoms)), codes.rows * len(atoms) + codes.indices)] = torch.inf
        entry, other = (cost < epsilon).nonzero().unbind(dim=1)
        alone = (values.square() < epsilon).nonzero().flatten()  # dispensable: nothing need take its place
        nothing = torch.full_like(alone, len(atoms))
        exchanges += [(rows[entry], own[entry], other, values[entry], cost[entry, other])]
        exchanges += [(rows[alone], own[alone], nothing, values[alone], values[alone].square())]
    of_rows, removed, added, weights, costs = (torch.cat(of).numpy() for of in zip(*exchanges, strict=True))
    names = np.array([*dictionary.concepts, ""], dtype=object)
    found = pd.DataFrame(
        {"row": of_rows, "concept": names[removed], "other": names[added], "code": weights, "cost": costs}
    )
    return found.sort_values(["row", "concept", "cost"], ignore_index=True)


def _pairs(rows: Tensor, num_atoms: int) -> Tensor:
    return rows[:, None] * num_atoms + torch.arange(num_atoms)


def _tiles(length: int, width: int) -> Iterator[Tensor]:
    yield from torch.split(torch.arange(length), max(1, TILE // width))


def near_duplicates(dictionary: Dictionary, least_cosine: float) -> list[tuple[str, ...]]:
    """Return groups of concepts that hang together by cosines of at least `least_cosine`, the largest group first.

    Args:
        dictionary: The atoms and their names.
        least_cosine: Of two atoms that nearly coincide.
    """
    atoms, size = dictionary.atoms, len(dictionary)
    first, second = [], []
    for part in _tiles(size, size):
        left, right = (atoms[part] @ atoms.T >= least_cosine).nonzero().unbind(dim=1)
        first.append(part[left].numpy())
        second.append(right.numpy())
    rows, columns = np.concatenate(first), np.concatenate(second)
    graph = coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    groups: dict[int, list[str]] = {}
    for concept, group in zip(dictionary.concepts, label.tolist(), strict=True):
        groups.setdefault(group, []).append(concept)
    return sorted((tuple(group) for group in groups.values() if len(group) > 1), key=len, reverse=True)


def selection_frequency(
    solver: LassoSolver, targets: Float[Tensor, "n d"], atoms: Float[Tensor, "k d"], resamples: int, seed: int
) -> Codes:
    """Return how often each concept is in the support of a row, when the dimensions are resampled with replacement.

    Targets and atoms are normalised again in each resample. A concept is reliable if its frequency is near 1; those
    that share theirs with a near-duplicate are not.

    Args:
        solver: Of the lasso.
        targets: Unit rows, in the geometry of the atoms.
        atoms: Unit rows.
        resamples: Number of resamples.
        seed: Of the resampling.
    """
    require_integer("resamples", resamples, 1)
    random = np.random.default_rng(seed)
    selected = []
    for _ in range(resamples):
        drawn = torch.from_numpy(random.integers(targets.shape[1], size=targets.shape[1]))
        state = solver.prepare(normalize(atoms[:, drawn], dim=1))
        found = solver.solve(state, normalize(targets[:, drawn], dim=1)).codes
        selected.append(found.rows * len(atoms) + found.indices)
    places, counts = torch.unique(torch.cat(selected), return_counts=True)
    indptr = torch.searchsorted(places, torch.arange(len(targets) + 1) * len(atoms))
    return Codes(indptr, places % len(atoms), counts.double() / resamples, len(atoms))
