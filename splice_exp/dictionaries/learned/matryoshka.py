"""Matryoshka autoencoders: codes that reconstruct from their first atoms alone, or from their largest values alone.

    prefixes    mean over m of ‖x − w[:m] D[:m]‖²               the first atoms learn what is general
    levels      mean over k of ‖x − largest(w, k) D‖²           the largest codes are good at any sparsity

References:
    Bussmann, Nabeshima, Karvonen, Nanda. Learning multi-level features with matryoshka sparse autoencoders. ICML 2025,
    arXiv 2503.17547 (prefixes).
    Zaigrajew, Baniecki, Biecek. Interpreting CLIP with hierarchical sparse autoencoders. ICML 2025, arXiv 2502.20578
    (levels).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of
from splice_exp.dictionaries.learned.autoencoder import largest
from splice_exp.dictionaries.learned.batch_top_k import BatchTopK
from splice_exp.dictionaries.learned.top_k import TopK, TopKAutoencoder


class Prefixes(BatchTopK):
    """A BatchTopK autoencoder whose first atoms reconstruct alone, too.

    Args:
        dim: Width of the inputs.
        size: Number of atoms.
        target_l0: Active atoms of a row, on average.
        ends: Numbers m of first atoms, ascending, the last of which is all of them.
    """

    def __init__(self, dim: int, size: int, target_l0: int, ends: Sequence[int]) -> None:
        super().__init__(dim, size, target_l0)
        self._ends = tuple(ends)

    def errors(self, targets: Float[Tensor, "n d"], codes: Float[Tensor, "n k"]) -> list[Float[Tensor, "n d"]]:
        atoms, left, found, start = self.atoms(), targets, [], 0
        for end in self._ends:
            left = left - self.compose(codes[:, start:end], atoms[start:end])
            found.append(left)
            start = end
        return found


class Levels(TopK):
    """A TopK autoencoder whose largest codes reconstruct at several sparsities.

    Args:
        dim: Width of the inputs.
        size: Number of atoms.
        target_l0: Active atoms of a row when it encodes.
        levels: Numbers of active atoms beside it in the loss.
    """

    def __init__(self, dim: int, size: int, target_l0: int, levels: Sequence[int]) -> None:
        super().__init__(dim, size, target_l0)
        self._levels = tuple(levels)

    def select(self, scores: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        return largest(scores, max(self.target_l0, *self._levels) if self.training else self.target_l0)

    def errors(self, targets: Float[Tensor, "n d"], codes: Float[Tensor, "n k"]) -> list[Float[Tensor, "n d"]]:
        atoms = self.atoms()
        return [targets - self.compose(largest(codes, count), atoms) for count in (*self._levels, self.target_l0)]


@dataclass(frozen=True, kw_only=True, eq=False)
class MatryoshkaAutoencoder(TopKAutoencoder):
    """An autoencoder whose first atoms reconstruct alone.

    Args:
        train: See `AutoencoderDictionary`, as for all arguments but the last two.
        size: Number of atoms.
        seed: Of weights and order.
        epochs: Passes over the rows.
        batch_size: Rows in a step.
        learning_rate: Of Adam.
        trained: Whether it is.
        target_l0: Active atoms of a row, on average.
        shares: Of the atoms that reconstruct alone, ascending, in (0, 1); all of them always do.
    """

    shares: Sequence[float] = (1 / 16, 1 / 8, 1 / 4, 1 / 2)

    def __post_init__(self) -> None:
        super().__post_init__()
        numbers = not isinstance(self.shares, str) and all(type(share) in (int, float) for share in self.shares)
        ascending = numbers and all(one < other for one, other in zip(self.shares, self.shares[1:], strict=False))
        if not self.shares or not ascending or not 0 < self.shares[0] <= self.shares[-1] < 1:
            raise SpliceError(f"{key_of('shares')} is {self.shares}, but must be ascending numbers between 0 and 1.")

    def network(self, targets: Float[Tensor, "n d"]) -> Prefixes:
        ends = dict.fromkeys([*(max(1, round(share * self.size)) for share in self.shares), self.size])
        return Prefixes(targets.shape[1], self.size, self.target_l0, tuple(ends))


@dataclass(frozen=True, kw_only=True, eq=False)
class LevelsAutoencoder(TopKAutoencoder):
    """An autoencoder that is good at several sparsities.

    Args:
        train: See `AutoencoderDictionary`, as for all arguments but the last two.
        size: Number of atoms.
        seed: Of weights and order.
        epochs: Passes over the rows.
        batch_size: Rows in a step.
        learning_rate: Of Adam.
        trained: Whether it is.
        target_l0: Active atoms of a row when it encodes, at most.
        levels: Active atoms of a row that are in the loss, beside `target_l0`.
    """

    levels: Sequence[int] = (4, 20, 40)

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = not isinstance(self.levels, str) and all(type(level) is int for level in self.levels)
        if not whole or not self.levels or not 1 <= min(self.levels) <= max(self.levels) <= self.size:
            raise SpliceError(
                f"{key_of('levels')} is {self.levels}, but must be integers from 1 to {key_of('size')}={self.size}."
            )

    def network(self, targets: Float[Tensor, "n d"]) -> Levels:
        return Levels(targets.shape[1], self.size, self.target_l0, self.levels)
