import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from splice_exp.solvers import least_squares_on_support as module
from splice_exp.solvers import objective
from splice_exp.solvers.coordinate_descent import CoordinateDescent
from tests.conftest import correlated_atoms, planted_targets, unit_rows


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(2, 20))
def test_equals_lawson_and_hanson(seed, size, dim):
    a = np.random.default_rng(seed).normal(size=(5, dim, size))
    b = np.random.default_rng(seed + 1).normal(size=(5, dim))
    gram = torch.from_numpy(np.einsum("bds,bdt->bst", a, a))
    correlations = torch.from_numpy(np.einsum("bds,bd->bs", a, b))
    values, settled = module.nonnegative_least_squares(gram, correlations)
    assert settled.all()
    found = values.numpy()
    for problem in range(5):
        expected = nnls(a[problem], b[problem])[1]
        assert (found[problem] >= 0).all()
        residual = np.linalg.norm(a[problem] @ found[problem] - b[problem])
        assert residual == pytest.approx(expected, abs=1e-6)


def test_duplicates_share():
    atoms = unit_rows(1, 6, 0, torch.float64).expand(3, 6)
    for nonnegative in (True, False):
        found = module.solve_on_support(atoms[:1] * 0.9, atoms, torch.tensor([[0, 1, 2]]), nonnegative)
        torch.testing.assert_close(found @ atoms, atoms[:1] * 0.9, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(found, torch.full((1, 3), 0.3, dtype=torch.float64), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("nonnegative", [True, False])
def test_problems_that_do_not_settle_are_solved_one_by_one(monkeypatch, nonnegative):
    atoms = correlated_atoms(12, 8, 0, torch.float64)
    targets, support = planted_targets(atoms, 6, 1), torch.arange(5).expand(6, 5)
    expected = module.solve_on_support(targets, atoms, support, nonnegative)

    def unsettled(gram, correlations, *_):
        return module.Settled(torch.zeros_like(correlations), torch.zeros(len(correlations), dtype=torch.bool))

    monkeypatch.setattr(module, "nonnegative_least_squares", unsettled)
    monkeypatch.setattr(module, "_solve_free", unsettled)
    torch.testing.assert_close(module.solve_on_support(targets, atoms, support, nonnegative), expected)


@pytest.mark.parametrize("nonnegative", [True, False])
def test_blocks_do_not_matter(monkeypatch, nonnegative):
    atoms = correlated_atoms(12, 8, 0, torch.float64)
    targets, support = planted_targets(atoms, 6, 1), torch.arange(5).expand(6, 5)
    whole = module.solve_on_support(targets, atoms, support, nonnegative)
    monkeypatch.setattr(module, "MAX_BLOCK_ENTRIES", 1)
    torch.testing.assert_close(module.solve_on_support(targets, atoms, support, nonnegative), whole)


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("block", [2**24, 2**9])
def test_refinement_turns_the_support_into_the_optimum(monkeypatch, nonnegative, block):
    monkeypatch.setattr(module, "MAX_BLOCK_ENTRIES", block)
    atoms = correlated_atoms(40, 16, 0, torch.float64)
    targets = planted_targets(atoms, 12, 1)
    solver = CoordinateDescent(l1_penalty=0.2, nonnegative=nonnegative, tol=1e-14)
    best = solver.solve(solver.prepare(atoms), targets).codes.dense()
    rough = torch.where(best != 0, best * 1.3 + 1e-3 * best.sign(), 0)
    rough[:, 0] = torch.where(rough[:, 0] == 0, 1e-3, rough[:, 0])  # an entry that belongs to no optimum
    refined = module.lasso_on_support(targets, atoms, rough, 0.2)
    certificate = objective.lasso_certificate(targets, atoms, refined, 0.2, nonnegative)
    assert certificate.duality_gap.max() < 1e-10
    torch.testing.assert_close(refined, best, rtol=1e-4, atol=1e-6)


def test_rows_without_support_stay_zero():
    atoms = unit_rows(5, 4, 0, torch.float64)
    assert not module.lasso_on_support(atoms[:2], atoms, torch.zeros(2, 5, dtype=torch.float64), 0.1).any()
