"""Names for atoms that have none, three ways; each name is one of a vocabulary, or no name.

    text            the concept whose text is nearest to the atom
    correlation     the concept whose similarity to images goes with the code of the atom, over the images
    decomposition   the atom as a sparse nonnegative sum of texts, found and certified by a solver: its largest concept

The first asks where the atom points, the second when it is active, the third what it is made of, and how far that is
from the best sum.

References:
    Rao et al. Discover-then-name: task-agnostic concept bottlenecks via automated concept discovery (DN-CBM). ECCV
    2024 (nearest text).
    Oikarinen, Weng. CLIP-Dissect: automatic description of neuron representations in deep vision networks. ICLR 2023
    (names by what happens over images; theirs is another measure of similarity).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.sparse import csr_matrix
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.types import Dictionary, Solution
from splice_exp.solvers.base import Solver

WAYS = ("text", "correlation", "decomposition")
NO_NAME = -1  # of an atom that is never active, or that no sum of texts explains better than nothing
TILE = 2**22  # similarities of images and concepts at a time


@dataclass(frozen=True, eq=False)
class Names:
    """Names of k atoms.

    Attributes:
        concepts: The vocabulary.
        chosen: By way, the place of each name in it, (k,); `NO_NAME` is none.
        cosine: Of each atom with its nearest text, (k,).
        correlation: With the concept that it is named by, (k,); 0 where it has none.
        sums: The decompositions of the atoms, certified.
    """

    concepts: tuple[str, ...]
    chosen: dict[str, Int64[Tensor, " k"]]
    cosine: Float[Tensor, " k"]
    correlation: Float[Tensor, " k"]
    sums: Solution

    def of(self, way: str) -> list[str]:
        """Return the names by one way, empty where there is none."""
        return [self.concepts[place] if place >= 0 else "" for place in self.chosen[way].tolist()]


def name_atoms(
    atoms: Float[Tensor, "k d"],
    texts: Dictionary,
    solver: Solver,
    codes: Codes,
    targets: Float[Tensor, "n d"],
) -> Names:
    """Name atoms three ways.

    Args:
        atoms: Unit rows.
        texts: The vocabulary, in the same space.
        solver: Decomposes the atoms.
        codes: Of some images over the atoms.
        targets: The same images, centred unit rows.
    """
    cosine, nearest = (atoms @ texts.atoms.T).max(dim=1)
    correlation, going = by_correlation(codes, targets, texts.atoms)
    sums = solver.solve(solver.prepare(texts.atoms), atoms)
    largest = torch.full((len(atoms),), NO_NAME)
    for atom, found in enumerate(sums.codes.named(texts.concepts).top(1)):
        if found:
            largest[atom] = texts.index(found[0][0])
    chosen = dict(zip(WAYS, (nearest, going, largest), strict=True))
    return Names(texts.concepts, chosen, cosine, correlation, sums)


def by_correlation(
    codes: Codes, targets: Float[Tensor, "n d"], texts: Float[Tensor, "v d"]
) -> tuple[Float[Tensor, " k"], Int64[Tensor, " k"]]:
    """Return the largest correlation of each atom's code with the similarity to a text, over images, and which text.

    Args:
        codes: Of n images over k atoms.
        targets: The images, centred unit rows.
        texts: Unit rows in the same space.

    Returns:
        Correlations, 0 for atoms whose code is the same everywhere; and indices of texts, there `NO_NAME`.
    """
    count = len(codes)
    sparse = csr_matrix(
        (codes.values.double().numpy(), codes.indices.numpy(), codes.indptr.numpy()), (count, codes.num_concepts)
    )
    sums = np.asarray(sparse.sum(axis=0)).ravel()
    spread = np.asarray(sparse.multiply(sparse).sum(axis=0)).ravel() - sums**2 / max(count, 1)
    active = spread > 1e-12
    best = np.zeros(codes.num_concepts)
    chosen = np.full(codes.num_concepts, NO_NAME)
    for start in range(0, len(texts), max(1, TILE // max(count, 1))):
        part = texts[start : start + max(1, TILE // max(count, 1))]
        similar = (targets.double() @ part.double().T).numpy()
        similar = similar - similar.mean(axis=0)
        lengths = np.sqrt((similar**2).sum(axis=0)).clip(min=1e-12)
        products = sparse.T @ similar / lengths / np.sqrt(spread.clip(min=1e-12))[:, None]
        place = products.argmax(axis=1)
        value = products[np.arange(len(place)), place]
        better = active & ((value > best) | (chosen == NO_NAME))
        best, chosen = np.where(better, value, best), np.where(better, place + start, chosen)
    return torch.from_numpy(best).float(), torch.from_numpy(chosen)


def agreement(names: Sequence[Int64[Tensor, " k"]]) -> Float[Tensor, " k"]:
    """Return 1 for each atom that all ways give the same name, else 0; no name agrees with nothing.

    Example:
        >>> agreement([torch.tensor([3, 1, -1]), torch.tensor([3, 2, -1])])
        tensor([1., 0., 0.])
    """
    first = names[0]
    same = torch.stack([one == first for one in names]).all(dim=0) & (first >= 0)
    return same.float()
