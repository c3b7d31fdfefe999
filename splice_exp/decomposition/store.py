"""Solutions on disk, keyed by content: computed in shards, on any number of processes, at one penalty or at several.

A path with `penalties` leaves what it finds at all of them, so that one pass serves every row of a table.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.runs.code import code_of
from splice_exp.core.tensors import tensor_digest
from splice_exp.core.types import Solution
from splice_exp.distributed.batches import RowModule, Rows, RowSource
from splice_exp.distributed.cache import Cache
from splice_exp.distributed.shards import Shards
from splice_exp.embeddings.geometry import directions
from splice_exp.solvers.base import Solver, State, require_targets
from splice_exp.solvers.objective import Certificate

KIND = "codes"
NOT_IN_KEY = ("batch_size", "penalties")  # they do not change the answer


class Targets(RowSource):
    """Embeddings that are centred batch by batch: all targets at a time would take as much memory as these.

    Args:
        features: Unit rows.
        image_mean: What is subtracted; zero if they are not centred.
    """

    def __init__(self, features: Float[Tensor, "n d"], image_mean: Float[Tensor, " d"]) -> None:
        self.features, self._image_mean = features, image_mean

    def load(self, rows: range) -> Float[Tensor, "b d"]:
        return directions(self.features[rows.start : rows.stop], self._image_mean)

    def all(self) -> Float[Tensor, "n d"]:
        """Return all of them, for what depends on all."""
        return self.load(range(len(self.features)))


class Solve(RowModule):
    """Batches of targets → the solutions of a solver and of those solved jointly with it, by index.

    Args:
        solver: Any solver of the protocol.
        atoms: Unit rows.
    """

    def __init__(self, solver: Solver, atoms: Float[Tensor, "k d"]) -> None:
        super().__init__()
        self._solver = solver
        self._state: State | None = None
        self.register_buffer("atoms", atoms)

    def rows(self, inputs: Any) -> Rows:
        assert isinstance(self.atoms, Tensor)
        if self._state is None:
            self._state = self._solver.prepare(self.atoms)
        solutions = self._solver.solve_companions(self._state, inputs)
        return {str(place): _tensors(solution) for place, solution in enumerate(solutions)}


def solve(cache: Cache, solver: Solver, atoms: Float[Tensor, "k d"], targets: Targets, source: str) -> Solution:
    """Return a solution; compute and keep what is missing of it, and of those that come with it.

    Args:
        cache: Where solutions are kept, and the machine that finds them.
        solver: Any solver of the protocol.
        atoms: Unit rows.
        targets: Unit rows in the same space, at least one.
        source: Identity of the targets.

    Raises:
        SpliceError: if the widths differ; or naming a shard that is damaged.
    """
    require_targets(atoms, targets.features)
    solver = solver if solver.row_by_row else solver.settled(atoms, targets.all())
    stores = solution_shards(cache, solver, atoms, source, len(targets.features))
    cache.fill(Solve(solver, atoms), targets, stores, solver.batch_size)
    return _read(stores[str(solver.companions().index(solver))], solver)


def solution_shards(
    cache: Cache, solver: Solver, atoms: Float[Tensor, "k d"], source: str, num_rows: int
) -> dict[str, Shards]:
    """Return where the solutions of a solver and of those solved jointly with it lie, by index.

    Args:
        cache: Where solutions are kept.
        solver: Any solver of the protocol.
        atoms: Unit rows.
        source: Identity of the targets.
        num_rows: n.
    """
    problem = {"code": code_of(solver), "targets": source, "atoms": tensor_digest(atoms)}
    found = {}
    for place, companion in enumerate(solver.companions()):
        options = {name: value for name, value in asdict(companion).items() if name not in NOT_IN_KEY}
        key = {**problem, "solver": {"name": type(companion).__name__, **options}}
        found[str(place)] = cache.shards(KIND, key, num_rows)
    return found


def _tensors(solution: Solution) -> dict[str, Tensor]:
    """Return a solution as what a shard holds."""
    codes = solution.codes
    tensors = {
        "indptr": codes.indptr,
        "indices": codes.indices,
        "values": codes.values,
        "num_concepts": torch.tensor(codes.num_concepts),
        "duality_gap": solution.duality_gap,
        "kkt_violation": solution.kkt_violation,
        "num_iterations": solution.num_iterations,
    }
    return tensors if solution.l1_penalty is None else {**tensors, "l1_penalty": solution.l1_penalty}


def _read(shards: Shards, solver: Solver) -> Solution:
    """Put the shards of a solution together, and judge it as a whole; no more than one tensor is there twice."""
    found: dict[str, list[Tensor]] = {}
    for _, tensors in shards.read():
        for name, tensor in tensors.items():
            found.setdefault(name, []).append(tensor.clone())  # else the file stays mapped

    def together(name: str) -> Tensor:
        return torch.cat(found.pop(name))

    num_concepts = int(found.pop("num_concepts")[0])
    counts = torch.cat([boundaries.diff() for boundaries in found.pop("indptr")])
    indptr = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
    codes = Codes(indptr, together("indices"), together("values"), num_concepts)
    certificate = Certificate(together("duality_gap"), together("kkt_violation"))
    steps = together("num_iterations")
    chosen = together("l1_penalty") if "l1_penalty" in found else None
    return Solution(codes, solver.status(codes, certificate, steps), *certificate, steps, chosen)
