"""The most correlated concepts, each with its correlation as its code: nothing is refitted."""

from dataclasses import dataclass

import torch

from splice_exp.core.errors import require_integer
from splice_exp.solvers.base import SupportSolver, require_enough


@dataclass(frozen=True, kw_only=True)
class Correlations(SupportSolver):
    target_l0: int = 4

    def __post_init__(self):
        super().__post_init__()
        require_integer("target_l0", self.target_l0, 1)

    def _solve_batch(self, state, targets):
        require_enough(state, self.target_l0, of=self)
        values, support = (targets @ state.atoms.T).topk(self.target_l0)
        once = torch.ones(len(targets), dtype=torch.int64)
        return self._certified_support(state, targets, support, values.clamp(min=0), once)
