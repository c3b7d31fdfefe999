"""The exact solution path of the lasso, row by row: any penalty, any number of concepts, from one pass.

As the penalty falls, the codes of a row move on straight lines, and from time to time an atom joins or leaves. The path
is followed from zero codes on, on working sets, and certified at penalties on the way and where it ends. Where codes
are dense, events are many and each of them costs the square of the support: a small penalty that is asked for by itself
is solved by the active set.

References:
    Osborne, Presnell, Turlach. A new approach to variable selection in least squares problems. IMA JNA 20(3), 2000.
    Efron, Hastie, Johnstone, Tibshirani. Least angle regression. Annals of Statistics 32(2), 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_at_least, require_choice, require_integer
from splice_exp.core.keys import altered, key_of
from splice_exp.core.types import Solution, Status
from splice_exp.solvers.active_set import ENGINES, ActiveSet, ActiveSetState, engine_of, rows_of_a_product
from splice_exp.solvers.base import LassoSolver, Solved, Solver, State
from splice_exp.solvers.objective import Certificate
from splice_exp.solvers.path_compiled import Pursued, pursue_paths

DENSE = 0.08  # penalties below are solved, not followed to: in a third of the time, with hundreds of atoms
FIRST_PENALTY = 1.0  # of the points that are certified on the way
TIE = 1e-6  # relative distance of two events that rounding may put in either order
RATIO = 0.8  # of one of them to the one before


@dataclass(frozen=True, kw_only=True)
class LassoPath(LassoSolver):
    """Follow the path of each row to the penalty, or to the number of concepts, that is asked for.

    `Solution.num_iterations` counts products with the dictionary. Of equal atoms one has the code.

    Args:
        l1_penalty: Where a path ends, unless one of the next two ends it before.
        target_l0: Concepts of each row: its path ends just before one more would join. Where a path has no such point
            (two join at once, or it ends with fewer), the row has fewer, and `Solution.status` says so.
        mean_l0: Concepts of a row on average, or just less: all paths end at the same penalty, right before there are
            more.
        penalties: Penalties of a table: its runs follow the paths once, and share what they find at all of them. A
            run at another penalty follows them once more.
        working_set: Atoms beside the support among which a path is followed.
        gram_mib: Memory that G may take, in MiB; with 0 it is computed again for each working set.
        gram_rows: Changed codes up to which correlations are updated by rows of G rather than by a product.
        engine: `compiled` for the CPU, row by row; `torch` for any device, all rows by few large operations; `auto`
            takes the compiled one on the CPU. Rows whose atoms `torch` cannot tell apart are followed by the compiled
            one.

    Raises:
        SpliceError: by `prepare`, if `engine` is `compiled` and the atoms are not on the CPU.
    """

    prepared: ClassVar[type[State]] = ActiveSetState

    l1_penalty: float = 0.01
    target_l0: int | None = None
    mean_l0: float | None = None
    penalties: Sequence[float] | None = None
    working_set: int = 48
    gram_mib: int = 512
    gram_rows: int = 512
    engine: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target_l0 is not None and self.mean_l0 is not None:
            raise SpliceError(
                f"{key_of('target_l0')} is {self.target_l0} and {key_of('mean_l0')} is {self.mean_l0}, but only "
                "one of them can "
                "end the paths: set the other to null."
            )
        if self.target_l0 is not None:
            require_integer("target_l0", self.target_l0, 1)
        if self.mean_l0 is not None:
            require_at_least("mean_l0", self.mean_l0, 0)
        if self.penalties is not None:
            self._require_a_table()
        require_integer("working_set", self.working_set, 1)
        require_integer("gram_mib", self.gram_mib, 0)
        require_integer("gram_rows", self.gram_rows, 0)
        require_choice("engine", self.engine, ENGINES)

    def _require_a_table(self) -> None:
        if not isinstance(self.penalties, Sequence) or isinstance(self.penalties, str):
            raise SpliceError(
                f"{key_of('penalties', self)} is {self.penalties!r}, but must be a list of penalties, or null."
            )
        for l1_penalty in self.penalties:
            require_at_least("penalties", l1_penalty, 0, of=self)
        if self.target_l0 is not None or self.mean_l0 is not None:
            raise SpliceError(
                f"{key_of('penalties', self)} is {list(self.penalties)}, but {key_of('target_l0', self)} or "
                f"{key_of('mean_l0', self)} ends the paths: "
                f"set both to null, or {key_of('penalties', self)}."
            )

    def _prepare(self, atoms: Float[Tensor, "k d"]) -> State:
        """Compute G if it fits."""
        engine = engine_of(self.engine, atoms, of=self)
        return ActiveSet(gram_mib=self.gram_mib, engine=engine, screening="float32").prepare(atoms)

    def solve(self, state: State, targets: Float[Tensor, "n d"]) -> Solution:
        """Decompose all rows; for `mean_l0`, follow all paths first, to find where they end."""
        if self.mean_l0 is None or not len(targets):
            return super().solve(state, targets)
        return self._at(self.calibrate(state, targets)).solve(state, targets)

    @property
    def row_by_row(self) -> bool:
        return self.mean_l0 is None

    def settled(self, atoms: Float[Tensor, "k d"], targets: Float[Tensor, "n d"]) -> Solver:
        return self if self.row_by_row else self._at(self.calibrate(self.prepare(atoms), targets))

    @property
    def _of_table(self) -> list[float]:
        """The penalties of the table; its own, too, where it is no part of it."""
        penalties = list(self.penalties or ())
        return penalties if self.l1_penalty in penalties else [*penalties, self.l1_penalty]

    def _at(self, l1_penalty: float) -> LassoPath:
        return altered(self, l1_penalty=l1_penalty, mean_l0=None)

    def companions(self) -> list[Solver]:
        return [altered(self, l1_penalty=l1_penalty) for l1_penalty in self._of_table] if self.penalties else [self]

    def solve_companions(self, state: State, targets: Float[Tensor, "n d"]) -> list[Solution]:
        return self.solve_at(state, targets, self._of_table) if self.penalties else [self.solve(state, targets)]

    def solve_at(self, state: State, targets: Float[Tensor, "n d"], penalties: Sequence[float]) -> list[Solution]:
        """Decompose all rows at several penalties, in one pass.

        Args:
            state: From `prepare`.
            targets: Unit rows, in the geometry of the atoms.
            penalties: L of each solution, in any order; no other option that ends paths plays a part.

        Returns:
            One solution per penalty, in the order given.

        Raises:
            SpliceError: if a penalty is negative or not a number, or the widths differ.
        """
        self._require(state, targets)
        for l1_penalty in penalties:
            require_at_least("a penalty", l1_penalty, 0)
        if not penalties:
            return []
        solutions = {}
        for l1_penalty in {one for one in penalties if one < DENSE}:
            solution = self._without_path(l1_penalty).solve(state, targets)
            solutions[l1_penalty] = replace(solution, l1_penalty=_of_each(l1_penalty, len(targets)))
        falling = sorted({*penalties} - {*solutions}, reverse=True)
        if not falling:
            return [solutions[l1_penalty] for l1_penalty in penalties]
        batches = [self._pursue(state, batch, falling, 0) for batch in torch.split(targets, self._rows_together(state))]
        steps = torch.cat([batch.num_products for batch in batches])
        for number, l1_penalty in enumerate(falling):
            codes = Codes.concatenate([batch.codes[number] for batch in batches])
            certificate = Certificate(
                *(torch.cat(parts) for parts in zip(*(batch.certificates[number] for batch in batches), strict=True))
            )
            status = altered(self, l1_penalty=l1_penalty, target_l0=None, penalties=None).status(
                codes, certificate, steps
            )
            solutions[l1_penalty] = Solution(codes, status, *certificate, steps, _of_each(l1_penalty, len(codes)))
        return [solutions[l1_penalty] for l1_penalty in penalties]

    def calibrate(self, state: State, targets: Float[Tensor, "n d"]) -> float:
        """Return the penalty at which rows have, on average, `mean_l0` concepts or just less.

        Args:
            state: From `prepare`.
            targets: Unit rows, in the geometry of the atoms.

        Raises:
            SpliceError: if there are fewer even where the paths end, or paths do not come to an end within
                `max_iterations`.
        """
        assert self.mean_l0 is not None
        self._require(state, targets)
        # A path costs most where it is dense: none is followed much further than asked for.
        for end in (*self._way()[1:-1:2], self.l1_penalty):
            events = self._events(state, targets, end)
            mean_l0 = events.sign().cumsum(dim=0) / len(targets)
            more = (mean_l0 > self.mean_l0).nonzero().flatten()
            if len(more):
                break
        else:
            reached = float(mean_l0[-1]) if len(mean_l0) else 0.0
            raise SpliceError(
                f"{key_of('mean_l0', self)} is {self.mean_l0}, but where the paths end, at "
                f"{key_of('l1_penalty', self)}={self.l1_penalty}, "
                f"there are {reached:.1f} concepts on average: lower {key_of('l1_penalty', self)} or "
                f"{key_of('mean_l0', self)}."
            )
        last = int(more[0])
        while last and events[last - 1].abs() - events[last].abs() <= TIE * events[last].abs():
            last -= 1
        before = events[last - 1].abs() if last else 2 * events[last].abs()
        return float(before + events[last].abs()) / 2  # between two events, where no code is about to vanish

    def _events(self, state: State, targets: Float[Tensor, "n d"], end: float) -> Float[Tensor, " e"]:
        """Return the penalties, down to `end`, where a concept joins a code, and minus those where one leaves it.

        Raises:
            SpliceError: if paths do not come to this end within `max_iterations`.
        """
        way = self._way(end)
        batches = [self._pursue(state, batch, way, 0) for batch in torch.split(targets, self._rows_together(state))]
        unfinished = sum(int(batch.certificates[-1].kkt_violation.isinf().sum()) for batch in batches)
        if unfinished:
            raise SpliceError(
                f"{key_of('max_iterations', self)} is {self.max_iterations}, but {unfinished} paths do not come "
                "to an end "
                f"by then: raise {key_of('max_iterations', self)} or {key_of('l1_penalty', self)}."
            )
        events = torch.cat([batch.events for batch in batches])
        return events[events.abs().argsort(descending=True)]

    def _rows_together(self, state: State) -> int:
        return rows_of_a_product(self.batch_size, state)

    def _way(self, end: float | None = None) -> list[float]:
        """Return falling penalties that are certified on the way to `end`, by default the last."""
        end = self.l1_penalty if end is None else end
        way, l1_penalty = [], FIRST_PENALTY
        while l1_penalty > max(end / RATIO, 1e-6):
            way.append(l1_penalty)
            l1_penalty *= RATIO
        return [*way, end]

    def _pursue(self, state: State, targets: Tensor, penalties: Sequence[float], most_atoms: int) -> Pursued:
        state, targets = cast(ActiveSetState, state), targets.detach().to(state.atoms).contiguous()
        if engine_of(self.engine, state.atoms, of=self) == "compiled":
            return self._pursue_compiled(state.atoms, state.gram, targets, penalties, most_atoms)
        from splice_exp.solvers.batched import path

        pursued = path.pursue_paths(
            state.atoms, state.exact_atoms, state.gram, targets, penalties, most_atoms, self, self.working_set
        )
        left = pursued.certificates[-1].kkt_violation.isinf().nonzero().flatten()
        if not len(left):
            return pursued
        atoms, rows = state.atoms.cpu(), targets[left.to(targets.device)].cpu()
        return pursued.replaced(left, self._pursue_compiled(atoms, atoms.new_zeros(0, 0), rows, penalties, most_atoms))

    def _pursue_compiled(
        self,
        atoms: Float[Tensor, "k d"],
        gram: Float[Tensor, "g g"],
        targets: Float[Tensor, "b d"],
        penalties: Sequence[float],
        most_atoms: int,
    ) -> Pursued:
        return pursue_paths(
            atoms,
            gram,
            targets,
            torch.tensor(penalties, dtype=torch.float64),
            most_atoms,
            self,
            self.working_set,
            self.gram_rows,
        )

    def _without_path(self, l1_penalty: float) -> ActiveSet:
        """Return the solver of a penalty at which codes are dense."""
        return ActiveSet(
            l1_penalty=l1_penalty,
            nonnegative=self.nonnegative,
            batch_size=self.batch_size,
            tol=self.tol,
            kkt_tol=self.kkt_tol,
            max_iterations=self.max_iterations,
            working_set=self.working_set,
            gram_mib=self.gram_mib,
            gram_rows=self.gram_rows,
            engine=self.engine,
            screening="float32",
        )

    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> Solved:
        if not self.target_l0 and self.l1_penalty < DENSE:
            solved = self._without_path(self.l1_penalty)._solve_batch(state, targets)
            return solved._replace(l1_penalty=_of_each(self.l1_penalty, len(targets)))
        pursued = self._pursue(state, targets, self._way(), self.target_l0 or 0)
        return Solved(pursued.codes[-1], pursued.certificates[-1], pursued.num_products, pursued.l1_penalty)

    def status(self, codes: Codes, certificate: Certificate, num_iterations: Int[Tensor, " n"]) -> Status:
        converged = self.converged(certificate) & (certificate.duality_gap <= self.tol if self.target_l0 else True)
        if not converged.all():
            return Status.MAX_ITERATIONS if (num_iterations >= self.max_iterations).any() else Status.PRECISION
        missed = self.target_l0 is not None and (codes.l0() != self.target_l0).any()
        return Status.TARGET_MISSED if missed else Status.CONVERGED


def _of_each(l1_penalty: float, num_rows: int) -> Float[Tensor, " n"]:
    return torch.full((num_rows,), l1_penalty, dtype=torch.float64)
