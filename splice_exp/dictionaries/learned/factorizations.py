"""Matrix factorisations X ≈ W D with nonnegative codes W, by multiplicative updates.

    nmf          D = D₊ − D₋, both nonnegative, of [X₊, X₋] ≈ W [D₊, D₋]         centred rows have both signs
    semi-NMF     D free:  D = (WᵀW)⁺ Wᵀ X
    convex NMF   D = Gᵀ C, G ≥ 0: atoms are nonnegative sums of some rows C of the data

References:
    Lee, Seung. Learning the parts of objects by non-negative matrix factorization. Nature 401, 1999.
    Ding, Li, Jordan. Convex and semi-nonnegative matrix factorizations. IEEE TPAMI 32(1), 2010.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from sklearn.decomposition import MiniBatchNMF
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.keys import key_of
from splice_exp.dictionaries.learned.base import LearnedDictionary, State, require_rows

SMALLEST = 1e-10  # of a denominator
SPREAD = 0.2  # weight with which an atom starts at all points beside its own: what is zero stays zero


@dataclass(frozen=True, kw_only=True, eq=False)
class _Factorization(LearnedDictionary):
    """A factorisation.

    Args:
        train: See `LearnedDictionary`.
        size: Number of atoms.
        seed: Of the start.
        max_iter: Updates.
    """

    max_iter: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("max_iter", self.max_iter, 1)


class NonnegativeFactorization(_Factorization):
    """NMF of the positive and the negative parts side by side."""

    def fit(self, targets: Float[Tensor, "n d"], folder: Path) -> State:
        parted = torch.cat([targets.relu(), (-targets).relu()], dim=1)
        learner = MiniBatchNMF(self.size, init="random", max_iter=self.max_iter, random_state=self.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            positive, negative = torch.from_numpy(learner.fit(parted.numpy()).components_).float().chunk(2, dim=1)
        return {"atoms": positive - negative}


class SemiNonnegativeFactorization(_Factorization):
    """Semi-NMF: only the codes are nonnegative."""

    def fit(self, targets: Float[Tensor, "n d"], folder: Path) -> State:
        rows, codes = targets.double(), _start(len(targets), self)
        for _ in range(self.max_iter):
            atoms = _least_squares(codes, rows)
            (up, down), (positive, negative) = _parts(rows @ atoms.T), _parts(atoms @ atoms.T)
            codes = codes * _root(up + codes @ negative, down + codes @ positive)
        return {"atoms": _least_squares(codes, rows).float()}


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvexFactorization(_Factorization):
    """Convex NMF: atoms are nonnegative sums of rows; in the paper of all rows, here of some, for the sake of memory.

    Args:
        train: See `LearnedDictionary`.
        size: Number of atoms.
        seed: Of the start and the draw of rows.
        max_iter: Updates.
        num_points: Rows that atoms are sums of, sampled at random.
    """

    num_points: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("num_points", self.num_points, 1)
        if self.num_points < self.size:
            raise SpliceError(f"{key_of('num_points')} is {self.num_points}, but must be at least size={self.size}.")

    def fit(self, targets: Float[Tensor, "n d"], folder: Path) -> State:
        require_rows(targets, self.num_points, "num_points", self)
        rows = targets.double()
        drawn = torch.randperm(len(rows), generator=torch.Generator().manual_seed(self.seed))[: self.num_points]
        points = rows[drawn]
        codes = _start(len(rows), self)
        sums = torch.eye(len(points), self.size, dtype=torch.float64) + SPREAD / len(points)  # atoms start at points
        across, gram = rows @ points.T, points @ points.T
        for _ in range(self.max_iter):
            atoms_gram = [sums.T @ part @ sums for part in _parts(gram)]
            up, down = (part @ sums for part in _parts(across))
            codes = codes * _root(up + codes @ atoms_gram[1], down + codes @ atoms_gram[0])
            product = sums @ (codes.T @ codes)
            up, down = (part.T @ codes for part in _parts(across))
            positive, negative = _parts(gram)
            sums = sums * _root(up + negative @ product, down + positive @ product)
        return {"atoms": (sums.T @ points).float()}


def _start(count: int, of: LearnedDictionary) -> Float[Tensor, "n k"]:
    return torch.rand(count, of.size, generator=torch.Generator().manual_seed(of.seed), dtype=torch.float64) + 0.1


def _least_squares(codes: Float[Tensor, "n k"], rows: Float[Tensor, "n d"]) -> Float[Tensor, "k d"]:
    return torch.linalg.pinv(codes.T @ codes, hermitian=True) @ (codes.T @ rows)


def _parts(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the positive and the negative part, M = M₊ − M₋."""
    return matrix.relu(), (-matrix).relu()


def _root(above: Float[Tensor, "n k"], below: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    """Return the factor of a multiplicative update."""
    return (above / below.clamp(min=SMALLEST)).sqrt()
