"""The classical methods of scikit-learn: principal and independent components, clusters, dictionary learning.

Components have a sign that means nothing, so each is there twice, as itself and turned round: codes stay nonnegative.

    pca, ica    atoms [D; −D]       codes [max(s, 0), max(−s, 0)]  of the scores s
    k-means     atoms: centres      code of a row: ⟨x, centre⟩ at its nearest centre, zero elsewhere

References:
    Mairal, Bach, Ponce, Sapiro. Online dictionary learning for sparse coding. ICML 2009.
    Hyvärinen, Oja. Independent component analysis: algorithms and applications. Neural Networks 13, 2000.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA, FastICA, MiniBatchDictionaryLearning
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError, require_at_least, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.types import Encoder
from splice_exp.dictionaries.learned.base import LearnedDictionary, State, require_rows
from splice_exp.solvers.objective import to_half_square


class LinearEncoder(Encoder):
    """Scores of components, their signs parted: max(s, 0) and max(−s, 0), in lengths of unit atoms.

    Args:
        weights: Of the scores, for unit atoms, (c, d).
        shift: What is subtracted first, (d,).
    """

    def __init__(self, weights: Float[Tensor, "c d"], shift: Float[Tensor, " d"]) -> None:
        self._weights, self.shift = weights, shift

    def encode(self, targets: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Return nonnegative codes over [D; −D]."""
        scores = (targets - self.shift) @ self._weights.T
        return torch.cat([scores.relu(), (-scores).relu()], dim=1)


class NearestEncoder(Encoder):
    """One active atom per row: that of the nearest centre.

    Args:
        centres: Of any length, (k, d).
    """

    def __init__(self, centres: Float[Tensor, "k d"]) -> None:
        self._centres, self._unit = centres, normalize(centres, dim=1)
        self.shift = torch.zeros(centres.shape[1])

    def encode(self, targets: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Return codes with one entry per row, zero where the row is opposite to its centre."""
        nearest = (2 * targets @ self._centres.T - self._centres.square().sum(dim=1)).argmax(dim=1)
        values = (targets * self._unit[nearest]).sum(dim=1).relu()
        return targets.new_zeros(len(targets), len(self._centres)).scatter(1, nearest[:, None], values[:, None])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Components(LearnedDictionary):
    """Components of both signs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 2:
            raise SpliceError(f"{key_of('size')} is {self.size}, but must be even: each component is there twice.")

    @abstractmethod
    def _fitted(self, rows: Float[Tensor, "n d"], count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return directions (c, d), weights of scores (c, d) and what is subtracted (d,)."""

    def fit(self, targets: Float[Tensor, "n d"], folder: Path) -> State:
        count = self.size // 2
        if count > min(targets.shape):
            raise SpliceError(
                f"{key_of('size', self)} is {self.size}, but must be at most {2 * min(targets.shape)}, twice the width "
                "and twice the number of rows."
            )
        directions, weights, shift = self._fitted(targets.double(), count)
        lengths = directions.norm(dim=1, keepdim=True)  # scores grow as atoms become shorter
        atoms = torch.cat([directions, -directions]) / lengths.repeat(2, 1)
        return {"atoms": atoms.float(), "weights": (weights * lengths).float(), "shift": shift.float()}

    def read(self, state: State, targets: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "k d"], Encoder]:
        return state["atoms"], LinearEncoder(state["weights"], state["shift"])


class PrincipalComponents(_Components):
    """Principal components, of both signs; arguments are those of `LearnedDictionary`."""

    def _fitted(self, rows: Float[Tensor, "n d"], count: int) -> tuple[Tensor, Tensor, Tensor]:
        found = PCA(count, random_state=self.seed).fit(rows.numpy())
        components = torch.from_numpy(found.components_)
        return components, components, torch.from_numpy(found.mean_)


@dataclass(frozen=True, kw_only=True, eq=False)
class IndependentComponents(_Components):
    """Independent components, of both signs.

    Args:
        train: See `LearnedDictionary`.
        size: Number of atoms, twice that of components.
        seed: Of the start.
        max_iter: Steps, at most.
    """

    max_iter: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("max_iter", self.max_iter, 1)

    def _fitted(self, rows: Float[Tensor, "n d"], count: int) -> tuple[Tensor, Tensor, Tensor]:
        learner = FastICA(count, max_iter=self.max_iter, whiten="unit-variance", random_state=self.seed)
        with warnings.catch_warnings():  # components are a dictionary, converged or not
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = learner.fit(rows.numpy())
        return tuple(map(torch.from_numpy, (found.mixing_.T.copy(), found.components_, found.mean_)))  # type: ignore[return-value]


class KMeans(LearnedDictionary):
    """Centres of clusters; arguments are those of `LearnedDictionary`."""

    def fit(self, targets: Float[Tensor, "n d"], folder: Path) -> State:
        require_rows(targets, self.size, "size", self)
        found = MiniBatchKMeans(self.size, random_state=self.seed, n_init=3, batch_size=4096).fit(targets.numpy())
        return {"atoms": torch.from_numpy(found.cluster_centers_).float()}

    def read(self, state: State, targets: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "k d"], Encoder]:
        return state["atoms"], NearestEncoder(state["atoms"])


@dataclass(frozen=True, kw_only=True, eq=False)
class DictionaryLearning(LearnedDictionary):
    """Online dictionary learning with nonnegative codes.

    Args:
        train: See `LearnedDictionary`.
        size: Number of atoms.
        seed: Of the start and the order.
        l1_penalty: L of the codes while learning.
        max_iter: Passes over the rows.
    """

    l1_penalty: float = 0.25
    max_iter: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("l1_penalty", self.l1_penalty, 0)
        require_integer("max_iter", self.max_iter, 1)

    def fit(self, targets: Float[Tensor, "n d"], folder: Path) -> State:
        learner = MiniBatchDictionaryLearning(
            self.size,
            alpha=to_half_square(self.l1_penalty),
            max_iter=self.max_iter,
            fit_algorithm="cd",
            positive_code=True,
            random_state=self.seed,
        )
        with warnings.catch_warnings():  # of inner lasso problems; our solver finds and certifies the codes
            warnings.simplefilter("ignore", ConvergenceWarning)
            return {"atoms": torch.from_numpy(learner.fit(targets.double().numpy()).components_).float()}
