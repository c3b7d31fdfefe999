"""Machine code of earlier processes is used until any kernel changes, and computes what it did when it was compiled."""

import importlib
import os
import pickle
import subprocess
import sys

import numba
import pytest

from splice_exp.solvers.kernels import compile as compiling
from splice_exp.solvers.kernels.active_set import advance

SOLVE = """
import torch
from splice_exp.core.tensors import tensor_digest
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.kernels.active_set import advance
from splice_exp.solvers.kernels.path import pursue
from splice_exp.solvers.path import LassoPath
from tests.conftest import correlated_atoms, planted_targets

torch.set_num_threads(1)
atoms = correlated_atoms(200, 48, seed=0, dtype=torch.float64)
for method in (ActiveSet, LassoPath):
    solver = method(l1_penalty=0.1)
    solution = solver.solve(solver.prepare(atoms), planted_targets(atoms, 50, seed=1))
    print("digest", tensor_digest(solution.codes.values), tensor_digest(solution.duality_gap))
for kernel in (advance, pursue):
    print("compiled", sum(kernel.stats.cache_misses.values()))
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


@pytest.mark.parametrize("index", [b"cno_such_module\nWorkingSet\n.", b"half of a"])
def test_a_list_of_kernels_that_cannot_be_read_is_written_again(tmp_path, monkeypatch, index):
    """After an update it names types that have moved; they are not found when it is read."""
    (tmp_path / "some_kernel.py").write_text("def double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "some_kernel", raising=False)
    double = importlib.import_module("some_kernel").double
    assert compiling.compiled(double)(2.0) == 4.0
    (kept,) = tmp_path.rglob("*.nbi")
    whole = kept.read_bytes()
    kept.write_bytes(pickle.dumps(numba.__version__, protocol=-1) + index)
    again = compiling.compiled(double)
    assert again(2.0) == 4.0
    assert sum(again.stats.cache_misses.values()) == 1
    assert kept.read_bytes() == whole
    later = compiling.compiled(double)
    assert later(2.0) == 4.0
    assert sum(later.stats.cache_hits.values()) == 1


def compile_and_solve(**environment):
    """Solve in a process of its own; return digests of what it finds, and how many kernels it compiled."""
    output = subprocess.run(
        [sys.executable, "-c", SOLVE], check=True, capture_output=True, text=True, env={**os.environ, **environment}
    ).stdout.splitlines()
    digests = [line for line in output if line.startswith("digest")]
    return digests, [int(line.split()[1]) for line in output if line.startswith("compiled")]


@pytest.mark.slow
@pytest.mark.xdist_group("kernels")
def test_the_process_that_compiles_finds_the_same_bits_as_those_that_load(tmp_path):
    """In a fresh clone it compiles what the tests after it need, and no command: kernels for float64."""
    cache = {}
    digests, missed = compile_and_solve()
    if not min(missed):  # they are there from an earlier run
        cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
        digests, missed = compile_and_solve(**cache)
    found, missed_again = compile_and_solve(**cache)
    assert len(digests) == 2
    assert digests == found
    assert min(missed) > 0
    assert missed_again == [0, 0], "the second process should have found compiled code"
