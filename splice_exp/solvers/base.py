"""The solver protocol: hyper-parameters when built, `prepare` once a dictionary, `solve` for any number of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_at_least, require_bool, require_integer
from splice_exp.core.types import Solution, Status
from splice_exp.solvers import objective
from splice_exp.solvers.objective import Certificate


@dataclass(frozen=True, eq=False)
class State:
    """What a solver needs to know about a dictionary, computed once: picklable, and moves between devices."""

    atoms: Float[Tensor, "k d"]

    def to(self, *args: Any, **kwargs: Any) -> State:
        """Move or cast all tensors, like `Tensor.to`."""
        moved = {f.name: getattr(self, f.name).to(*args, **kwargs) for f in fields(self)}
        return replace(self, **moved)


class DenseCodes(NamedTuple):
    """Codes of one batch, still dense, and the iterations each row took."""

    codes: Float[Tensor, "b k"]
    num_iterations: Int[Tensor, " b"]


@dataclass(frozen=True, kw_only=True)
class Solver(ABC):
    """Decompose rows over a dictionary; memory is bounded by `batch_size` × atoms.

    Args:
        nonnegative: Allow only codes ≥ 0.
        batch_size: Rows solved together.
    """

    nonnegative: bool = True
    batch_size: int = 1024

    def __post_init__(self) -> None:
        require_bool("solver.nonnegative", self.nonnegative)
        require_integer("solver.batch_size", self.batch_size, 1)

    def prepare(self, atoms: Float[Tensor, "k d"]) -> State:
        """Do everything that depends on the dictionary alone.

        Args:
            atoms: Unit rows; their device and floating point type are those of the solve.
        """
        return State(atoms)

    def solve(self, state: State, targets: Float[Tensor, "n d"]) -> Solution:
        """Decompose all rows, batch by batch, and certify each in float64 on the full dictionary.

        Args:
            state: From `prepare`.
            targets: Unit rows, in the geometry of the atoms.

        Raises:
            SpliceError: if the widths differ.
        """
        num_atoms, dim = state.atoms.shape
        if targets.shape[1] != dim:
            raise SpliceError(
                f"The embeddings are {targets.shape[1]} wide, but the atoms of the dictionary are {dim} wide: "
                "take backbone and data of the same embedding space."
            )
        certifying_atoms = state.atoms.double()
        parts, certificates, iterations = [], [], []
        for start in range(0, len(targets), self.batch_size):
            batch = targets[start : start + self.batch_size].to(state.atoms)
            dense, num_iterations = self._solve_batch(state, batch)
            certificates.append(self._certify(batch.double(), certifying_atoms, dense.double()))
            parts.append(Codes.from_dense(dense))
            iterations.append(num_iterations)
        if not parts:
            parts = [Codes.from_dense(torch.zeros(0, num_atoms, dtype=state.atoms.dtype))]
        gap = torch.cat([c.duality_gap.cpu() for c in certificates] or [torch.zeros(0, dtype=torch.float64)])
        kkt = torch.cat([c.kkt_violation.cpu() for c in certificates] or [torch.zeros(0, dtype=torch.float64)])
        steps = torch.cat([steps.cpu() for steps in iterations] or [torch.zeros(0, dtype=torch.int64)])
        return Solution(Codes.concatenate(parts), self._status(Certificate(gap, kkt), steps), gap, kkt, steps)

    @abstractmethod
    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> DenseCodes:
        """Decompose one batch on the device and in the type of the state."""

    @abstractmethod
    def _certify(
        self, targets: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], codes: Float[Tensor, "b k"]
    ) -> Certificate:
        """Judge codes by the function of `objective` that fits the method."""

    @abstractmethod
    def _status(self, certificate: Certificate, num_iterations: Int[Tensor, " n"]) -> Status:
        """Say how the solve ended."""


@dataclass(frozen=True, kw_only=True)
class LassoSolver(Solver):
    """A solver of ‖x − w D‖² + `l1_penalty` ‖w‖₁: convex, so every row gets a certificate.

    Args:
        l1_penalty: L of the objective. At L a concept enters only if its correlation with the residual exceeds L / 2.
        tol: A row is done when its duality gap is at most `tol` (targets have unit norm: relative to zero codes) …
        kkt_tol: … and its KKT violation at most `kkt_tol`.
        max_iterations: Rows that are not done by then are returned as they are; `Solution.status` says so.
    """

    l1_penalty: float = 0.25
    tol: float = 1e-6
    kkt_tol: float = 1e-5
    max_iterations: int = 5000

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("solver.l1_penalty", self.l1_penalty, 0)
        require_at_least("solver.tol", self.tol, 0)
        require_at_least("solver.kkt_tol", self.kkt_tol, 0)
        require_integer("solver.max_iterations", self.max_iterations, 1)

    def _certify(self, targets: Tensor, atoms: Tensor, codes: Tensor) -> Certificate:
        return objective.lasso_certificate(targets, atoms, codes, self.l1_penalty, self.nonnegative)

    def _converged(self, certificate: Certificate) -> Tensor:
        """Say which rows are certified; without a penalty no residual is dual feasible, and KKT alone decides."""
        stationary = certificate.kkt_violation <= self.kkt_tol
        return stationary if self.l1_penalty == 0 else stationary & (certificate.duality_gap <= self.tol)

    def _status(self, certificate: Certificate, num_iterations: Tensor) -> Status:
        converged = self._converged(certificate)
        if converged.all():
            return Status.CONVERGED
        exhausted = (num_iterations >= self.max_iterations)[~converged].any()
        return Status.MAX_ITERATIONS if exhausted else Status.PRECISION


@dataclass(frozen=True, kw_only=True)
class SupportSolver(Solver):
    """A solver that chooses a support and then does least squares on it: certified on that support only."""

    def _certify(self, targets: Tensor, atoms: Tensor, codes: Tensor) -> Certificate:
        return objective.support_certificate(targets, atoms, codes)

    def _status(self, certificate: Certificate, num_iterations: Tensor) -> Status:
        return Status.FINISHED
