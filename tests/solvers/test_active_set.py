"""What only the active-set method has: engines, an exact Gram matrix where atoms nearly coincide, counted products."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Status
from splice_exp.solvers import active_set, objective
from splice_exp.solvers.active_set import ActiveSet
from tests.conftest import correlated_atoms, planted_targets, unit_rows

pytestmark = pytest.mark.xdist_group("kernels")  # which one worker compiles, and not both at the same time
ATOMS = correlated_atoms(200, 24, seed=0)
TARGETS = planted_targets(ATOMS, 40, seed=1)
WAYS = {
    "rows of the Gram matrix": {},
    "one product a look": {"gram_rows": 0},
    "no Gram matrix": {"gram_mib": 0},
    "few atoms at a time": {"working_set": 2},
    "first look in bfloat16": {"screening": "bfloat16"},
    "first look in bfloat16, no Gram matrix": {"screening": "bfloat16", "gram_mib": 0},
    "first look in bfloat16, few atoms at a time": {"screening": "bfloat16", "working_set": 2},
    "torch": {"engine": "torch"},
    "torch, few atoms at a time": {"engine": "torch", "working_set": 2},
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
both_signs = pytest.mark.parametrize("nonnegative", [True, False])


def solve(atoms=ATOMS, targets=TARGETS, **options):
    solver = ActiveSet(**options)
    return solver.solve(solver.prepare(atoms), targets)


@every_way
@both_signs
@pytest.mark.parametrize("l1_penalty", [0.4, 0.1, 0.01])
def test_every_way_leads_to_the_same_codes(way, nonnegative, l1_penalty):
    options = {"l1_penalty": l1_penalty, "nonnegative": nonnegative, "tol": 1e-11, "kkt_tol": 1e-11}
    expected = solve(ATOMS.double(), TARGETS.double(), **options)
    found = solve(ATOMS.double(), TARGETS.double(), **options, **way)
    assert found.status is expected.status is Status.CONVERGED
    torch.testing.assert_close(found.codes.dense(), expected.codes.dense(), rtol=1e-6, atol=1e-6)


@every_way
@both_signs
@pytest.mark.parametrize("max_iterations", [1, 2, 200])
def test_the_certificate_is_that_of_the_objective(way, nonnegative, max_iterations):
    found = solve(l1_penalty=0.05, nonnegative=nonnegative, max_iterations=max_iterations, **way)
    expected = objective.lasso_certificate(
        TARGETS.double(), ATOMS.double(), found.codes.dense().double(), 0.05, nonnegative
    )
    torch.testing.assert_close(found.duality_gap, expected.duality_gap, rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(found.kkt_violation, expected.kkt_violation, rtol=1e-6, atol=1e-12)
    assert (found.num_iterations <= max_iterations).all()


@every_way
@both_signs
@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-4])
def test_atoms_that_nearly_coincide_are_told_apart(way, nonnegative, distance):
    atoms = correlated_atoms(40, 24, seed=3, dtype=torch.float64)
    twins = normalize(atoms + distance * unit_rows(40, 24, 4, torch.float64), dim=1)
    both = torch.cat([atoms, twins]).float()
    found = solve(both, planted_targets(both, 20, seed=5), l1_penalty=0.05, nonnegative=nonnegative, **way)
    assert found.status is Status.CONVERGED
    assert found.duality_gap.max() <= 1e-6
    assert found.kkt_violation.max() <= 1e-5


@both_signs
def test_of_equal_atoms_one_has_the_code(nonnegative):
    doubled = solve(torch.cat([ATOMS, ATOMS]), l1_penalty=0.1, nonnegative=nonnegative).codes.dense()
    first, second = doubled[:, : len(ATOMS)], doubled[:, len(ATOMS) :]
    assert not ((first != 0) & (second != 0)).any()
    single = solve(l1_penalty=0.1, nonnegative=nonnegative).codes.dense()
    torch.testing.assert_close(first + second, single, rtol=1e-4, atol=1e-6)


@every_way
def test_scaling_row_and_penalty_scales_codes(way):
    unscaled = solve(l1_penalty=0.1, **way).codes.dense()

    @given(factor=st.floats(0.2, 5))
    @settings(max_examples=10 if way.get("engine") == "torch" else 25)  # of half a second each
    def scale(factor):
        scaled = solve(targets=factor * TARGETS, l1_penalty=factor * 0.1, **way).codes.dense()
        torch.testing.assert_close(scaled, factor * unscaled, rtol=1e-4, atol=1e-5)

    scale()


@both_signs
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_from_no_concept_to_all_dimensions(nonnegative, dtype):
    atoms, targets = ATOMS.to(dtype), unit_rows(10, 24, 7, dtype)
    for l1_penalty in (2.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5):
        found = solve(atoms, targets, l1_penalty=l1_penalty, nonnegative=nonnegative)
        assert found.status is Status.CONVERGED
        assert found.codes.l0().max() <= 24
    assert found.codes.l0().min() >= (12 if nonnegative else 24)


def test_one_product_is_enough_where_rows_of_the_gram_matrix_find_and_certify_the_rest():
    assert solve(l1_penalty=0.3).num_iterations.max() == 1
    assert solve(l1_penalty=0.05, gram_rows=0, working_set=2).num_iterations.max() > 3


@pytest.mark.parametrize("precision", ["medium", "high"])
def test_the_precision_of_other_products_is_not_that_of_certificates(precision):
    expected = solve(l1_penalty=0.05)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        state = ActiveSet().prepare(ATOMS)
        found = solve(l1_penalty=0.05)
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)
    assert torch.equal(state.gram, ActiveSet().prepare(ATOMS).gram)
    assert torch.equal(found.codes.dense(), expected.codes.dense())


def test_rows_without_concepts_take_one_product():
    found = solve(l1_penalty=3.0)
    assert found.codes.l0().sum() == 0
    assert (found.num_iterations == 1).all()


@every_way
def test_parts_that_fit_the_memory_do_not_change_the_answer(monkeypatch, way):
    whole = solve(l1_penalty=0.1, **way)
    monkeypatch.setattr(active_set, "MAX_PRODUCT", 7 * len(ATOMS))
    parts = solve(l1_penalty=0.1, **way)
    torch.testing.assert_close(parts.codes.dense(), whole.codes.dense())
    assert len(parts.duality_gap) == len(TARGETS)


def test_more_violated_atoms_than_a_bin_can_tell_apart():
    atoms = torch.cat([ATOMS[:1]] * 500 + [ATOMS])  # 501 equal correlations, more than a working set takes
    found = solve(atoms, ATOMS[:3], l1_penalty=0.1, working_set=8)
    assert found.status is Status.CONVERGED


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"screening": "int8"}, r"^screening is 'int8', but must be one of: auto, float32, bfloat16"),
        ({"engine": "cuda"}, r"^engine is 'cuda', but must be one of: auto, compiled, torch"),
        ({"working_set": 0}, r"^working_set is 0"),
        ({"gram_mib": -1}, r"^gram_mib is -1"),
        ({"gram_rows": -1}, r"^gram_rows is -1"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(SpliceError, match=message):
        ActiveSet(**options)


def test_the_compiled_engine_is_for_the_cpu():
    with pytest.raises(SpliceError, match="runs on the CPU, but the atoms are on 'meta'"):
        ActiveSet(engine="compiled")._engine(ATOMS.to("meta"))


@pytest.mark.slow
def test_the_compiled_code_stays_within_its_arrays(tmp_path):
    """Compiled code does not check its indices; here it does, in a process of its own and in every situation above.

    Not optimised, it is compiled in half of the time, and computes the same but for rounding.
    """
    program = """
import itertools
import numpy as np
import torch
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.kernels.active_set import Answer, pack
from splice_exp.solvers.path import LassoPath
from tests.conftest import correlated_atoms, planted_targets, unit_rows

atoms = correlated_atoms(60, 16, seed=0)
atoms = torch.cat([atoms, atoms[:20], atoms[:1].expand(40, 16)])
targets = torch.cat([planted_targets(atoms, 3, seed=1), unit_rows(3, 16, 2), torch.zeros(1, 16)])
ways = ({}, {"gram_rows": 0}, {"gram_mib": 0}, {"working_set": 1})
answer = Answer(np.zeros((1, 1), np.int64), np.zeros((1, 1)), np.array([2]), np.zeros((1, 1)), np.zeros((1, 2)))
try:
    pack(answer, np.array([0, 2]), np.zeros(2, np.int64), np.zeros(2))
    raise SystemExit("indices are not checked")
except IndexError:
    pass
for way, nonnegative in itertools.product(ways, (True, False)):
    for l1_penalty, tol in itertools.product((3.0, 0.3, 0.03, 1e-3, 0.0), (1e-6, 1e-11)):
        solver = ActiveSet(l1_penalty=l1_penalty, tol=tol, nonnegative=nonnegative, max_iterations=20, **way)
        assert solver.solve(solver.prepare(atoms), targets).codes.values.isfinite().all()
    for target_l0 in (None, 1, 9, 40):
        path = LassoPath(l1_penalty=1e-3, target_l0=target_l0, nonnegative=nonnegative, max_iterations=50, **way)
        assert path.solve(path.prepare(atoms), targets).codes.values.isfinite().all()
"""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "0", "NUMBA_CACHE_DIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
