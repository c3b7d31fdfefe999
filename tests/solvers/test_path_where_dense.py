"""Small penalties, where paths have many events, are solved one by one: the same codes, certified alike."""

import pytest
import torch

from splice_exp.core.types import Status
from splice_exp.solvers import path
from splice_exp.solvers.path import DENSE, LassoPath
from tests.conftest import correlated_atoms, planted_targets

pytestmark = pytest.mark.xdist_group("kernels")  # which one worker compiles, and not both at the same time
ATOMS = correlated_atoms(200, 24, seed=0)
TARGETS = planted_targets(ATOMS, 40, seed=1)
PENALTIES = (0.3, 0.01, 0.1, DENSE, 0.05, 0.01)


@pytest.fixture
def followed(monkeypatch):
    """List the penalties to which paths are followed."""
    found, pursue = [], LassoPath._pursue

    def recorded(self, state, targets, penalties, most_atoms):
        found.extend(penalties)
        return pursue(self, state, targets, penalties, most_atoms)

    monkeypatch.setattr(LassoPath, "_pursue", recorded)
    return found


@pytest.mark.parametrize("engine", ["compiled", "torch"])
@pytest.mark.parametrize("nonnegative", [True, False])
def test_a_table_is_that_of_paths(nonnegative, engine, followed, monkeypatch):
    solver = LassoPath(nonnegative=nonnegative, engine=engine, batch_size=16)
    state = solver.prepare(ATOMS)
    found = solver.solve_at(state, TARGETS, PENALTIES)
    assert {*followed} == {0.3, 0.1, DENSE}
    monkeypatch.setattr(path, "DENSE", 0.0)
    for one, other, l1_penalty in zip(found, solver.solve_at(state, TARGETS, PENALTIES), PENALTIES, strict=True):
        torch.testing.assert_close(one.codes.dense(), other.codes.dense(), rtol=1e-4, atol=1e-5)
        assert one.status is Status.CONVERGED
        assert one.duality_gap.max() <= 1e-6
        assert (one.l1_penalty == l1_penalty).all()
        assert len(one.num_iterations) == len(TARGETS)


def test_a_table_of_small_penalties_alone_follows_no_path(followed):
    solver = LassoPath()
    (found,) = solver.solve_at(solver.prepare(ATOMS), TARGETS, [0.02])
    assert followed == []
    assert found.status is Status.CONVERGED


def test_one_penalty_is_what_the_table_has_of_it(followed):
    alone = LassoPath(l1_penalty=0.02)
    state = alone.prepare(ATOMS)
    single, (listed,) = alone.solve(state, TARGETS), LassoPath().solve_at(state, TARGETS, [0.02])
    assert torch.equal(single.codes.dense(), listed.codes.dense())
    assert torch.equal(single.l1_penalty, listed.l1_penalty)
    assert followed == []


def test_a_number_of_concepts_is_reached_along_the_path(followed):
    solver = LassoPath(l1_penalty=0.02, target_l0=3)
    found = solver.solve(solver.prepare(ATOMS), TARGETS)
    assert 0.02 in followed
    assert (found.codes.l0() == 3).all()


def test_limits_are_those_of_the_path():
    solver = LassoPath(l1_penalty=0.02, max_iterations=1, gram_rows=0)
    assert solver.solve(solver.prepare(ATOMS), TARGETS).status is Status.MAX_ITERATIONS
