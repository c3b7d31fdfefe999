r"""Matching pursuit: add the atom that correlates best with the residual, by that correlation, and never refit.

    i* = argmax_i ⟨d_i, r⟩  (|⟨d_i, r⟩| if signed),    w_i* ← ⟨d_i*, r⟩,    r ← r − w_i* d_i*

No atom is chosen twice. Codes are not least squares on their support, and their certificate says by how much.
The loop, `Pursuit`, is that of orthogonal matching pursuit too, which fits in another way.

References:
    Mallat, Zhang. Matching pursuits with time-frequency dictionaries. IEEE Trans. Signal Processing 41, 1993.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.core.errors import require_at_least, require_integer
from splice_exp.solvers.base import Solved, State, SupportSolver, require_enough
from splice_exp.solvers.batched.growing import Factors
from splice_exp.solvers.search import NONE, highest

MAX_ENTRIES = 2**24  # of the atoms and Gram matrices of supports at a time, in float64: 128 MiB


class Progress(NamedTuple):
    """How far some rows are.

    Attributes:
        rows: Their indices in the batch.
        support: Indices of their atoms, of which −1 is none.
        values: The codes of these.
        residuals: What is left of the targets.
        most: How many atoms there are at most; all others are −1.
        factors: Of the supports of the batch, which a fit overwrites; None where nothing is refitted.
    """

    rows: Int64[Tensor, " b"]
    support: Int64[Tensor, "b s"]
    values: Float[Tensor, "b s"]
    residuals: Float[Tensor, "b d"]
    most: int
    factors: Factors | None


@dataclass(frozen=True, kw_only=True)
class Pursuit(SupportSolver):
    """Choose atoms one by one: choose, fit, repeat.

    Args:
        target_l0: Atoms chosen per row. A row stops early when the atom that is chosen next does not correlate with its
            residual by more than `tol`.
        tol: That correlation.

    Raises:
        SpliceError: by `solve`, if the dictionary has fewer atoms than `target_l0`.
    """

    target_l0: int = 10
    tol: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("target_l0", self.target_l0, 1)
        require_at_least("tol", self.tol, 0)

    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> Solved:
        require_enough(state, self.target_l0, of=self)
        shape = (len(targets), self.target_l0)
        support = torch.full(shape, NONE, dtype=torch.int64, device=targets.device)
        values = torch.zeros(shape, dtype=torch.float64, device=targets.device)
        tried = torch.full((len(targets), self._num_picks), NONE, dtype=torch.int64, device=targets.device)
        num_iterations = torch.zeros(len(targets), dtype=torch.int64, device=targets.device)
        factors = self._begin(targets)
        running, residuals = torch.arange(len(targets), device=targets.device), targets.double().clone()
        for pick in range(self._num_picks):
            chosen = self._choose(state, residuals[running], support[running], tried[running, :pick])
            going = chosen != NONE
            running, chosen = running[going], chosen[going]
            if not len(running):
                break
            tried[running, pick] = chosen
            free = (support[running] == NONE).int().argmax(dim=1)
            support[running, free] = chosen
            most = min(pick + 1, self.target_l0)
            so_far = Progress(running, support[running], values[running], residuals[running], most, factors)
            fitted = self._fit(state, targets[running], so_far, free)
            support[running], values[running], residuals[running] = fitted.support, fitted.values, fitted.residuals
            num_iterations[running] += 1
            running = running[(support[running] == NONE).any(dim=1)]
        return self._certified_support(state, targets, support, values, num_iterations)

    def _begin(self, targets: Float[Tensor, "b d"]) -> Factors | None:
        """Return what is known of empty supports; None where nothing is refitted."""
        return None

    def _rows_together(self, state: State) -> int:
        return max(1, min(self.batch_size, MAX_ENTRIES // (self.target_l0 * max(self.target_l0, state.atoms.shape[1]))))

    @property
    def _num_picks(self) -> int:
        """How often an atom is chosen at most."""
        return self.target_l0

    def _choose(
        self,
        state: State,
        residuals: Float[Tensor, "b d"],
        support: Int64[Tensor, "b s"],
        tried: Int64[Tensor, "b t"],
    ) -> Int64[Tensor, " b"]:
        """Return the next atom of each row, none that was tried; −1 where none is left that fits."""
        chosen = highest(residuals.to(state.atoms), state.atoms, 1, self.nonnegative, tried)[:, 0]
        correlations = torch.einsum("bd,bd->b", state.atoms[chosen].double(), residuals)
        fits = (correlations if self.nonnegative else correlations.abs()) > self.tol
        return torch.where(fits, chosen, NONE)

    @abstractmethod
    def _fit(
        self, state: State, targets: Float[Tensor, "b d"], so_far: Progress, place: Int64[Tensor, " b"]
    ) -> Progress:
        """Give the atom that has joined a code.

        Args:
            state: With the dictionary.
            targets: The rows.
            so_far: Its support includes the new atom; codes and residuals do not yet.
            place: Index of the new atom in the support.
        """


@dataclass(frozen=True, kw_only=True)
class MatchingPursuit(Pursuit):
    """Choose `target_l0` atoms one by one, and never refit: the code of an atom is its correlation when it joined."""

    def _fit(
        self, state: State, targets: Float[Tensor, "b d"], so_far: Progress, place: Int64[Tensor, " b"]
    ) -> Progress:
        support, values = so_far.support, so_far.values
        rows = torch.arange(len(support), device=support.device)
        atoms = state.atoms[support[rows, place]].double()
        values[rows, place] = torch.einsum("bd,bd->b", atoms, so_far.residuals)
        return so_far._replace(residuals=so_far.residuals - values[rows, place, None] * atoms)
