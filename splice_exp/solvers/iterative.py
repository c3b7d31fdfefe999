"""The loop that first-order methods share: step, refine, look at the certificate, let finished rows go.

First-order iterates find the support long before they find its values to many digits, and in float32 they
never do. So whenever a row comes near, the lasso is solved exactly on its support, in float64, and the row is
done when that solution is certified on the full dictionary.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import require_integer
from splice_exp.solvers import objective
from splice_exp.solvers.base import LassoSolver, Solved, State
from splice_exp.solvers.least_squares_on_support import lasso_on_support

REFINE_BELOW = 1e-3  # duality gap from which on it pays to try


def soft_threshold(values: Tensor, threshold: float | Tensor, nonnegative: bool) -> Tensor:
    """Apply the proximal map of threshold · ‖w‖₁, over w ≥ 0 if nonnegative.

    Args:
        values: Where it is applied.
        threshold: By how much values move towards zero: a number, or a tensor that broadcasts with them.
        nonnegative: Whether negative values become zero, too.

    Returns:
        sign(v) max(|v| − threshold, 0), or max(v − threshold, 0) if nonnegative.
    """
    if nonnegative:
        return (values - threshold).clamp_(min=0)
    return values.sign() * (values.abs() - threshold).clamp_(min=0)


@dataclass(frozen=True, kw_only=True)
class IterativeSolver(LassoSolver):
    """A batched first-order method whose rows stop one by one, each at its own duality gap.

    Args:
        check_every: Iterations between two looks at the gap.
    """

    check_every: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("check_every", self.check_every, 1)

    @abstractmethod
    def _start(self, state: State, targets: Float[Tensor, "b d"]) -> tuple[Tensor, ...]:
        """Make the iterates: a named tuple of tensors with one row a target, the codes first."""

    @abstractmethod
    def _step(self, state: State, iterates: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Do one iteration for all rows."""

    def _reconsider(
        self, state: State, iterates: tuple[Tensor, ...], iteration: int
    ) -> tuple[State, tuple[Tensor, ...]]:
        """Change parameters of the method for the rows that are still running; by default none."""
        return state, iterates

    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> Solved:
        exact_atoms = state.exact_atoms
        codes = torch.zeros(len(targets), len(state.atoms), dtype=torch.float64, device=targets.device)
        num_iterations = torch.full((len(targets),), self.max_iterations, device=targets.device)
        running = torch.arange(len(targets), device=targets.device)
        iterates = self._start(state, targets)
        for iteration in range(1, self.max_iterations + 1):
            iterates = self._step(state, iterates)
            last = iteration == self.max_iterations
            if iteration % self.check_every and not last:
                continue
            current = iterates[0]
            gap = objective.lasso_certificate(
                targets[running], state.atoms, current, self.l1_penalty, self.nonnegative
            ).duality_gap
            near = gap <= (torch.inf if last or self.l1_penalty == 0 else REFINE_BELOW)
            rows = running[near]
            refined = lasso_on_support(targets[rows], exact_atoms, current[near], self.l1_penalty)
            exact = objective.lasso_certificate(
                targets[rows].double(), exact_atoms, refined, self.l1_penalty, self.nonnegative
            )
            done = self.converged(exact)
            codes[rows] = refined
            num_iterations[rows[done]] = iteration
            keep = ~near
            keep[near] = ~done
            if done.any():
                running = running[keep]
                iterates = type(iterates)(*(values[keep] for values in iterates))
            if not len(running):
                break
            state, iterates = self._reconsider(state, iterates, iteration)
        return self._certified(state, targets, codes, num_iterations)
