"""Solutions on disk, keyed by content: one pass along the paths of all rows serves every penalty of a table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from splice_exp import solvers
from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import digest, file_sha256, read_json, read_tensors, sidecar, write_json, write_tensors
from splice_exp.core.types import Solution, Status

log = logging.getLogger(__name__)


@cache
def solver_code() -> str:
    """Digest the source code of all solvers: what other code has found is not read."""
    (folder,) = solvers.__path__
    return digest([path.read_text() for path in sorted(Path(folder).rglob("*.py"))])


class SolutionStore:
    """A folder of solutions; a manifest beside each file, written last, says what it is and that it is whole.

    Args:
        directory: Where the files are; made when the first one is written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def solution(
        self, key: Mapping[str, Any], l1_penalty: float, compute: Callable[[], Mapping[float, Solution]]
    ) -> Solution:
        """Return the stored solution at a penalty, or compute and store those at all penalties.

        Args:
            key: Targets, atoms and solver, as JSON.
            l1_penalty: Of the solution.
            compute: Solves at several penalties, this one among them.

        Raises:
            SpliceError: if a file is damaged.
        """
        key = {**key, "code": solver_code()}
        path = self._path(key, l1_penalty)
        if sidecar(path).is_file():
            log.info("codes read from %s", path)
            return self._read(path)
        solutions = compute()
        for penalty, solution in solutions.items():
            if not sidecar(self._path(key, penalty)).is_file():  # what is whole stays as it is
                self._write(self._path(key, penalty), solution)
        return solutions[l1_penalty]

    def _path(self, key: Mapping[str, Any], l1_penalty: float) -> Path:
        return self._directory / f"{digest({**key, 'l1_penalty': float(l1_penalty) + 0.0})}.safetensors"

    def _write(self, path: Path, solution: Solution) -> None:
        codes = solution.codes
        tensors = {
            "indptr": codes.indptr,
            "indices": codes.indices,
            "values": codes.values,
            "duality_gap": solution.duality_gap,
            "kkt_violation": solution.kkt_violation,
            "num_iterations": solution.num_iterations,
        }
        if solution.l1_penalty is not None:
            tensors["l1_penalty"] = solution.l1_penalty
        write_tensors(path, tensors)
        manifest = {"status": solution.status.name, "num_concepts": codes.num_concepts, "sha256": file_sha256(path)}
        write_json(sidecar(path), manifest)

    def _read(self, path: Path) -> Solution:
        manifest = read_json(sidecar(path))
        if not path.is_file() or file_sha256(path) != manifest.get("sha256"):
            raise SpliceError(f"{path} is damaged or not what its manifest says: delete it and its .json.")
        tensors = read_tensors(path)
        codes = Codes(tensors["indptr"], tensors["indices"], tensors["values"], manifest["num_concepts"])
        return Solution(
            codes,
            Status[manifest["status"]],
            tensors["duality_gap"],
            tensors["kkt_violation"],
            tensors["num_iterations"],
            tensors.get("l1_penalty"),
        )
