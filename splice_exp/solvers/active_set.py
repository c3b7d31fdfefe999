r"""The active-set method: look at every atom, solve exactly among the few that matter, look again.

    C = X Dᵀ  →  working sets  →  exact solutions W  →  C = (X − W D) Dᵀ  →  certified, or more atoms  →  …

No atom violates the conditions of optimality: that is the certificate. Rows that are certified leave the batch. Where
G = D Dᵀ fits the memory and few codes changed, or where the residual hardly moved, atoms that became violated are
found, and rows certified, without another product.

References:
    Lee, Battle, Raina, Ng. Efficient sparse coding algorithms. NeurIPS 2006.
    Massias, Gramfort, Salmon. Celer: a fast solver for the lasso with dual extrapolation. ICML 2018 (working sets).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.keys import key_of
from splice_exp.solvers.base import LassoSolver, Solved, State
from splice_exp.solvers.rounds import CoarseAtoms, has_bfloat16, multiply

ENGINES = ("auto", "compiled", "torch")
SCREENINGS = ("auto", "float32", "bfloat16")
SPARSE = 0.2  # L from which a first look in bfloat16 is faster: below, too many atoms are in doubt
MOST_COARSE = 2**28  # bytes of rounded atoms
ROWS = 2**14  # of atoms that are looked at together
MAX_PRODUCT = 2**25  # entries of a product: 128 MiB in float32


@dataclass(frozen=True, eq=False)
class ActiveSetState(State):
    """A dictionary, its Gram matrix, and its atoms rounded for a coarse first look.

    Attributes:
        gram: G = D Dᵀ, or (0, 0) where it is not needed or too large.
        coarse: D in bfloat16, or (0, 0) where the first look is not coarse.
        coarse_error: max ‖d_j − d̃_j‖, how far rounding has moved an atom at most.
    """

    gram: Float[Tensor, "g g"]
    coarse: Tensor
    coarse_error: Float[Tensor, ""]


def rows_of_a_product(batch_size: int, state: State) -> int:
    """Return how many rows are multiplied together: a batch, or as many as fit `MAX_PRODUCT`.

    Args:
        batch_size: Rows of a batch.
        state: With the dictionary.
    """
    return max(1, min(batch_size, MAX_PRODUCT // len(state.atoms)))


def engine_of(engine: str, atoms: Tensor, of: object) -> str:
    """Return the engine that is meant for a dictionary: `compiled` or `torch`.

    Args:
        engine: One of `ENGINES`.
        atoms: D.
        of: The solver that has `engine`, for the error.

    Raises:
        SpliceError: if it is `compiled`, and the atoms are not on the CPU.
    """
    if engine == "compiled" and atoms.device.type != "cpu":
        raise SpliceError(
            f"{key_of('engine', of)} is 'compiled', which runs on the CPU, but the atoms are on "
            f"{atoms.device.type!r}: "
            f"set {key_of('engine', of)}=auto or trainer=cpu."
        )
    if engine == "auto":
        return "compiled" if atoms.device.type == "cpu" else "torch"
    return engine


@dataclass(frozen=True, kw_only=True)
class ActiveSet(LassoSolver):
    """Solve the lasso exactly, with few products of the rows with the dictionary.

    `Solution.num_iterations` counts them: the first looks at every atom; where what follows can be bounded, it is the
    last, too. Of equal atoms one has the code, the same in every run; the engine `torch` may share it among them.

    Args:
        working_set: Most violated atoms that a row takes in at once; `torch` takes in as many as fill the next power of
            two.
        gram_mib: Memory that G may take, in MiB; with 0 it is computed again for each working set.
        gram_rows: Changed codes up to which violated atoms are found by rows of G rather than by a product.
        engine: `compiled` for the CPU, row by row; `torch` for any device, all rows by few large operations; `auto`
            takes the compiled one on the CPU. Rows that `torch` does not certify are solved by the compiled one.
        screening: Arithmetic of the first look at all atoms by the compiled engine: `float32`, `bfloat16`, or `auto`,
            which takes bfloat16 where the processor has it and L is not too small for its rounding. Certificates are
            in float64 all the same.

    Raises:
        SpliceError: by `prepare`, if `engine` is `compiled` and the atoms are not on the CPU.
    """

    prepared: ClassVar[type[State]] = ActiveSetState

    max_iterations: int = 200
    working_set: int = 48
    gram_mib: int = 512
    gram_rows: int = 512
    engine: str = "auto"
    screening: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("working_set", self.working_set, 1)
        require_integer("gram_mib", self.gram_mib, 0)
        require_integer("gram_rows", self.gram_rows, 0)
        require_choice("engine", self.engine, ENGINES)
        require_choice("screening", self.screening, SCREENINGS)

    def _prepare(self, atoms: Float[Tensor, "k d"]) -> ActiveSetState:
        """Compute G if it fits."""
        fits = atoms.element_size() * len(atoms) ** 2 <= self.gram_mib * 2**20
        if not fits:
            return ActiveSetState(atoms, atoms.new_zeros(0, 0), *self._rounded(atoms))
        # Entries of G are gathered from all over. NumPy asks for large pages of memory, torch does not; with small ones
        # finding an address takes as long as reading what is there.
        on_cpu = atoms.device.type == "cpu"
        shape = (len(atoms), len(atoms))
        gram = torch.from_numpy(np.empty(shape, atoms.numpy().dtype)) if on_cpu else atoms.new_empty(shape)
        return ActiveSetState(atoms, multiply(atoms, atoms, gram), *self._rounded(atoms))

    def _looks_coarsely(self, atoms: Float[Tensor, "k d"]) -> bool:
        """Decide by solver and dictionary alone, and not by how many rows there are."""
        if self._engine(atoms) == "torch" or self.screening != "auto":
            return self._engine(atoms) != "torch" and self.screening == "bfloat16"
        fits = 2 * atoms.numel() <= MOST_COARSE
        return fits and self.l1_penalty >= SPARSE and atoms.dtype == torch.float32 and has_bfloat16()

    def _rounded(self, atoms: Float[Tensor, "k d"]) -> tuple[Tensor, Float[Tensor, ""]]:
        """Return D̃ and max ‖d_j − d̃_j‖; nothing where the first look is not coarse."""
        if not self._looks_coarsely(atoms):
            return torch.zeros(0, 0, dtype=torch.bfloat16), torch.zeros((), dtype=torch.float64)
        coarse = atoms.bfloat16()
        parts = zip(torch.split(atoms, ROWS), torch.split(coarse, ROWS), strict=True)
        moved = [(exact.double() - rounded.double()).norm(dim=1).max() for exact, rounded in parts]
        return coarse, torch.stack(moved).max()

    def _engine(self, atoms: Tensor) -> str:
        return engine_of(self.engine, atoms, of=self)

    def _rows_together(self, state: State) -> int:
        return rows_of_a_product(self.batch_size, state)

    def _solve_batch(self, state: State, targets: Float[Tensor, "b d"]) -> Solved:
        state = cast(ActiveSetState, state)
        if self._engine(state.atoms) == "compiled":
            there = state.coarse.shape == state.atoms.shape and state.coarse.dtype == torch.bfloat16  # and not cast
            looks_coarsely = there and self._looks_coarsely(state.atoms)
            coarse = CoarseAtoms(state.coarse, float(state.coarse_error)) if looks_coarsely else None
            return self._solve_compiled(state.atoms, state.gram, targets, coarse)
        from splice_exp.solvers.batched import active_set  # late, as is the other: what it needs takes a while

        solved = active_set.solve(self, self.working_set, state.atoms, state.exact_atoms, state.gram, targets)
        left = (~self.converged(solved.certificate)).nonzero().flatten()
        if not len(left):
            return solved
        atoms = state.atoms.cpu()
        return solved.replace(left.cpu(), self._solve_compiled(atoms, atoms.new_zeros(0, 0), targets[left].cpu(), None))

    def _solve_compiled(
        self, atoms: Float[Tensor, "k d"], gram: Float[Tensor, "g g"], targets: Tensor, coarse: CoarseAtoms | None
    ) -> Solved:
        from splice_exp.solvers import active_set_compiled

        return active_set_compiled.solve(self, self.working_set, self.gram_rows, atoms, gram, targets, coarse)
