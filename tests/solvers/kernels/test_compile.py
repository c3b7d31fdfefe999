"""Machine code of earlier processes is used until any kernel changes, and computes what it did when it was compiled."""

import os
import subprocess
import sys

import pytest

from splice_exp.solvers.kernels import compile as compiling
from splice_exp.solvers.kernels.active_set import advance

SOLVE = """
import torch
from splice_exp.core.tensors import tensor_digest
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.path import LassoPath
from tests.conftest import correlated_atoms, planted_targets

torch.set_num_threads(1)
atoms = correlated_atoms(200, 48, seed=0, dtype=torch.float32)
for method in (ActiveSet, LassoPath):
    solver = method(l1_penalty=0.1)
    solution = solver.solve(solver.prepare(atoms), planted_targets(atoms, 50, seed=1))
    print("digest", tensor_digest(solution.codes.values), tensor_digest(solution.duality_gap))
"""


def test_the_stamp_of_compiled_code_is_that_of_all_kernels(monkeypatch):
    function = advance.py_func
    assert advance._cache._cache_file._source_stamp == compiling.sources()
    monkeypatch.setattr(compiling, "sources", lambda: "another kernel has changed")
    assert compiling.KernelCache(function)._cache_file._source_stamp == "another kernel has changed"


def test_every_kernel_counts(monkeypatch, tmp_path):
    before = compiling.sources()
    for name in ("looks", "restricted"):
        (tmp_path / f"{name}.py").write_text("# changed")
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compile.py"))
    compiling.sources.cache_clear()
    try:
        assert compiling.sources() != before
    finally:
        compiling.sources.cache_clear()


@pytest.mark.slow
def test_the_process_that_compiles_finds_the_same_bits_as_those_that_load(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    found, compiled = [], []
    for _ in range(2):
        output = subprocess.run(
            [sys.executable, "-c", SOLVE], check=True, capture_output=True, text=True, env=environment
        ).stdout
        found.append([line for line in output.splitlines() if line.startswith("digest")])
        compiled.append({path.name for path in tmp_path.rglob("*.nbc")})
    assert len(found[0]) == 2
    assert found[0] == found[1]
    assert compiled[0] == compiled[1], "the second process should have found compiled code"
    assert {name.partition("-")[0] for name in compiled[0]} >= {"active_set.advance", "path.pursue"}
