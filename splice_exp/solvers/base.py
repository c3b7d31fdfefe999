"""The solver protocol: hyper-parameters when built, `prepare` once a dictionary, `solve` for any number of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_at_least, require_bool, require_integer, shown
from splice_exp.core.keys import key_of
from splice_exp.core.types import Solution, Status
from splice_exp.solvers import objective
from splice_exp.solvers.objective import Certificate

ROWS_TOGETHER = 2**16  # atoms whose lengths are looked at at a time
LENGTH_TOLERANCE = 1e-2  # by which an atom may be longer than 1; certificates hold for these, but not for any length


@dataclass(frozen=True, eq=False)
class State:
    """What a solver needs to know about a dictionary, computed once: picklable, and moves between devices.

    Attributes:
        atoms: D, unit rows.
    """

    atoms: Float[Tensor, "k d"]

    @cached_property
    def exact_atoms(self) -> Float[Tensor, "k d"]:
        """The atoms in float64."""
        return self.atoms.double()

    def atoms_of(self, support: Int64[Tensor, "b s"]) -> Float[Tensor, "b s d"]:
        """Return the atoms of a support in float64; −1 is an atom of zeros."""
        return self.atoms[support.clamp(min=0)].double() * (support >= 0)[:, :, None]

    def to(self, *args: Any, **kwargs: Any) -> State:
        """Move or cast all tensors, like `Tensor.to`.

        Args:
            *args: A device, a type or both, as `Tensor.to` takes them.
            **kwargs: Likewise, by name.

        Returns:
            A state of the same kind; this one stays as it is.
        """
        moved = {f.name: getattr(self, f.name).to(*args, **kwargs) for f in fields(self)}
        return replace(self, **moved)


class Solved(NamedTuple):
    """What one batch gives: its codes, and how good they are.

    Attributes:
        codes: W.
        certificate: Duality gap and KKT violation of each row.
        num_iterations: Iterations that each row took.
        l1_penalty: L of each row, if the solver chose it.
    """

    codes: Codes
    certificate: Certificate
    num_iterations: Int[Tensor, " b"]
    l1_penalty: Float[Tensor, " b"] | None = None

    def replace(self, rows: Int64[Tensor, " m"], other: Solved) -> Solved:
        """Return the same with some rows solved again; `l1_penalty` is left out.

        Args:
            rows: Indices of the rows.
            other: What they are replaced by, in the same order.
        """
        order = torch.arange(len(self.codes))
        order[rows] = len(self.codes) + torch.arange(len(rows))

        def merge(first: Tensor, second: Tensor) -> Tensor:
            return torch.cat([first.cpu(), second.cpu()])[order]

        return Solved(
            Codes.concatenate([self.codes, other.codes]).select(order),
            Certificate(
                merge(self.certificate.duality_gap, other.certificate.duality_gap),
                merge(self.certificate.kkt_violation, other.certificate.kkt_violation),
            ),
            merge(self.num_iterations, other.num_iterations),
        )


def require_matrix(name: str, rows: object) -> None:
    """Refuse what is not a matrix of finite numbers: a comparison with NaN is false, and would certify it.

    Args:
        name: What the rows are, in the plural, for the error.
        rows: What was given.

    Raises:
        SpliceError: naming the type or the shape, or the rows that are not finite.
    """
    if not isinstance(rows, Tensor):
        raise SpliceError(f"The {name} are of type {type(rows).__name__}, but must be a torch tensor: torch.as_tensor.")
    if rows.ndim != 2 or not rows.is_floating_point():
        raise SpliceError(
            f"The {name} are of shape {tuple(rows.shape)} and type {rows.dtype}, but must be a matrix of floating "
            "point numbers, one per row."
        )
    # The sum of a row is finite where all of it is, and takes no memory of the size of the rows.
    flawed = (~rows.sum(dim=1).isfinite()).nonzero().flatten().tolist()
    if flawed:
        raise SpliceError(f"The {name} have NaN or infinite values in rows {shown(flawed)}: remove or repair them.")


def require_atoms(atoms: Tensor) -> None:
    """Refuse what is no dictionary.

    Raises:
        SpliceError: naming shape, type, or the rows that are not finite, or longer than 1.
    """
    require_matrix("atoms", atoms)
    if atoms.dtype not in (torch.float32, torch.float64) or not len(atoms):
        raise SpliceError(
            f"There are {len(atoms)} atoms of type {atoms.dtype}, but a dictionary needs one or more, float32 or "
            "float64."
        )
    lengths = torch.cat([part.double().norm(dim=1) for part in torch.split(atoms, ROWS_TOGETHER)])
    long = (lengths > 1 + LENGTH_TOLERANCE).nonzero().flatten().tolist()
    if long:
        raise SpliceError(
            f"Atoms {shown(long)} are longer than 1 (up to {float(lengths.max()):.4g}), but certificates need unit "
            "rows: normalise them."
        )


def require_targets(atoms: Float[Tensor, "k d"], targets: Tensor) -> None:
    """Refuse targets of another space, or with values that are not finite.

    Args:
        atoms: D.
        targets: What was given.

    Raises:
        SpliceError: if they are no matrix of floating point numbers, or the widths differ; or naming the rows that are
            not finite.
    """
    require_matrix("targets", targets)
    dim = atoms.shape[1]
    if targets.shape[1] != dim:
        raise SpliceError(
            f"The embeddings are {targets.shape[1]} wide, but the atoms of the dictionary are {dim} wide: "
            "take backbone and data of the same embedding space."
        )


def require_enough(state: State, target_l0: int, of: object) -> None:
    """Refuse to choose more atoms than there are.

    Args:
        state: With the dictionary.
        target_l0: How many atoms are to be chosen.
        of: The solver that has `target_l0`, for the error.

    Raises:
        SpliceError: naming both numbers.
    """
    if target_l0 > len(state.atoms):
        raise SpliceError(
            f"{key_of('target_l0', of)} is {target_l0}, but the dictionary has only {len(state.atoms)} atoms."
        )


@dataclass(frozen=True, kw_only=True)
class Solver(ABC):
    """Decompose rows over a dictionary; memory is bounded by `batch_size` × atoms.

    Args:
        nonnegative: Allow only codes ≥ 0.
        batch_size: Rows solved together.
    """

    prepared: ClassVar[type[State]] = State  # what `prepare` returns and `solve` needs

    nonnegative: bool = True
    batch_size: int = 1024

    def __post_init__(self) -> None:
        require_bool("nonnegative", self.nonnegative)
        require_integer("batch_size", self.batch_size, 1)

    def prepare(self, atoms: Float[Tensor, "k d"]) -> State:
        """Do everything that depends on the dictionary alone.

        Args:
            atoms: Unit rows; their device and floating point type are those of the solve.

        Returns:
            What `solve` needs to know of the dictionary.

        Raises:
            SpliceError: if they are no matrix of finite numbers, float32 or float64, if there are none, or if one is
                longer than 1.
        """
        require_atoms(atoms)
        return self._prepare(atoms.detach().contiguous())

    def _prepare(self, atoms: Float[Tensor, "k d"]) -> State:
        """Compute what this method needs to know of the dictionary."""
        return State(atoms)

    def solve(self, state: State, targets: Float[Tensor, "n d"]) -> Solution:
        """Decompose all rows, batch by batch, and certify each in float64 on the full dictionary.

        Args:
            state: From `prepare`.
            targets: Unit rows, in the geometry of the atoms.

        Returns:
            Codes, certificate and iterations of each row, and how the solve ended.

        Raises:
            SpliceError: if the widths differ, targets are not finite, or another kind of solver has prepared the atoms.
        """
        self._require(state, targets)
        batches = torch.split(targets, self._rows_together(state)) if len(targets) else ()
        parts = [self._solve_batch(state, batch.detach().to(state.atoms).contiguous()) for batch in batches]
        none = torch.zeros(0, dtype=torch.float64)
        codes = [part.codes for part in parts] or [
            Codes.from_dense(none.new_zeros(0, len(state.atoms)).to(state.atoms.dtype))
        ]
        certificate = Certificate(
            torch.cat([part.certificate.duality_gap.cpu() for part in parts] or [none]),
            torch.cat([part.certificate.kkt_violation.cpu() for part in parts] or [none]),
        )
        steps = torch.cat([part.num_iterations.cpu() for part in parts] or [none.to(torch.int64)])
        chosen = [part.l1_penalty for part in parts if part.l1_penalty is not None]
        together, penalties = Codes.concatenate(codes), torch.cat(chosen) if chosen else None
        return Solution(together, self.status(together, certificate, steps), *certificate, steps, penalties)

    def _require(self, state: State, targets: Float[Tensor, "n d"]) -> None:
        if not isinstance(state, self.prepared):
            raise SpliceError(
                f"{type(self).__name__} needs a {self.prepared.__name__}, but was given a {type(state).__name__}: "
                "prepare the atoms with the solver that solves."
            )
        require_targets(state.atoms, targets)

    def companions(self) -> list[Solver]:
        """Return the solvers whose answers one pass of this one gives, itself among them."""
        return [self]

    def solve_companions(self, state: State, targets: Float[Tensor, "n d"]) -> list[Solution]:
        """Decompose all rows for each of the solvers that are solved jointly, in one pass.

        Args:
            state: From `prepare`.
            targets: Unit rows, in the geometry of the atoms.

        Returns:
            One solution per solver, in the order of `companions`.

        Raises:
            SpliceError: as `solve`.
        """
        return [self.solve(state, targets)]

    @property
    def row_by_row(self) -> bool:
        """Say whether the answer of a row depends on that row alone; else `settled` decides what depends on all."""
        return True

    def settled(self, atoms: Float[Tensor, "k d"], targets: Float[Tensor, "n d"]) -> Solver:
        """Return the solver that does row by row what this one does, when what depends on all rows is decided.

        Args:
            atoms: Unit rows.
            targets: All rows, in the geometry of the atoms.
        """
        return self

    def _rows_together(self, state: State) -> int:
        """Return how many rows are a batch of this dictionary."""
        return self.batch_size

    @abstractmethod
    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> Solved:
        """Decompose one batch on the device and in the type of the state, and certify it in float64."""

    def _certified(
        self,
        state: State,
        targets: Float[Tensor, "b d"],
        codes: Float[Tensor, "b k"],
        num_iterations: Int[Tensor, " b"],
    ) -> Solved:
        """Judge dense codes on the full dictionary, and make them sparse."""
        certificate = self._certify(targets.double(), state.exact_atoms, codes.double())
        return Solved(Codes.from_dense(codes), certificate, num_iterations)

    @abstractmethod
    def _certify(
        self, targets: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], codes: Float[Tensor, "b k"]
    ) -> Certificate:
        """Judge codes by the function of `objective` that fits the method."""

    @abstractmethod
    def status(self, codes: Codes, certificate: Certificate, num_iterations: Int[Tensor, " n"]) -> Status:
        """Say how the solve of some rows ended.

        Args:
            codes: Of all rows.
            certificate: Their duality gaps and KKT violations.
            num_iterations: Iterations that each row took.
        """


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
        require_at_least("l1_penalty", self.l1_penalty, 0)
        require_at_least("tol", self.tol, 0)
        require_at_least("kkt_tol", self.kkt_tol, 0)
        require_integer("max_iterations", self.max_iterations, 1)

    def _certify(self, targets: Tensor, atoms: Tensor, codes: Tensor) -> Certificate:
        return objective.lasso_certificate(targets, atoms, codes, self.l1_penalty, self.nonnegative)

    def converged(self, certificate: Certificate) -> Tensor:
        """Say which rows are certified; without a penalty no residual is dual feasible, and KKT alone decides."""
        stationary = certificate.kkt_violation <= self.kkt_tol
        return stationary if self.l1_penalty == 0 else stationary & (certificate.duality_gap <= self.tol)

    def status(self, codes: Codes, certificate: Certificate, num_iterations: Tensor) -> Status:
        converged = self.converged(certificate)
        if converged.all():
            return Status.CONVERGED
        exhausted = (num_iterations >= self.max_iterations)[~converged].any()
        return Status.MAX_ITERATIONS if exhausted else Status.PRECISION


@dataclass(frozen=True, kw_only=True)
class SupportSolver(Solver):
    """A solver that chooses a support and then does least squares on it: certified on that support only."""

    def _certify(self, targets: Tensor, atoms: Tensor, codes: Tensor) -> Certificate:
        return objective.support_certificate(targets, atoms, codes)

    def _certified_support(
        self,
        state: State,
        targets: Float[Tensor, "b d"],
        support: Int64[Tensor, "b s"],
        values: Float[Tensor, "b s"],
        num_iterations: Int[Tensor, " b"],
    ) -> Solved:
        """Judge codes that are zero outside a support, whatever the size of the dictionary.

        Args:
            state: With the dictionary.
            targets: The rows.
            support: Their atoms; −1 is none.
            values: Their codes.
            num_iterations: Steps of each row.
        """
        codes = Codes.from_support(support.cpu(), values.to(targets.dtype).cpu(), len(state.atoms))
        rounded = values.to(targets.dtype).double()  # what is handed on is what is judged
        certificate = objective.certificate_on_support(targets.double(), state.atoms_of(support), rounded)
        return Solved(codes, certificate, num_iterations)

    def status(self, codes: Codes, certificate: Certificate, num_iterations: Tensor) -> Status:
        return Status.FINISHED
