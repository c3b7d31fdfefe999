import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from splice_exp.core.types import Status
from splice_exp.solvers import objective
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.batched.looks import Look, composed, correlate, pattern_of
from splice_exp.solvers.batched.restricted import gram_of, solve_carefully, solve_on, solve_restricted
from tests.conftest import correlated_atoms, planted_targets, unit_rows

BOTH = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


@BOTH
@given(seed=st.integers(0, 10_000), size=st.integers(1, 12), spare=st.integers(8, 20))
def test_equals_lawson_and_hanson(dtype, seed, size, spare):
    """Of random atoms in twice as many dimensions, a Newton step after the other settles."""
    random = np.random.default_rng(seed)
    atoms = torch.from_numpy(random.normal(size=(5, size, size + spare)))
    atoms = atoms / atoms.norm(dim=2, keepdim=True)
    targets = torch.from_numpy(random.normal(size=(5, size + spare)))
    gram, linear = atoms @ atoms.mT, torch.einsum("bsd,bd->bs", atoms, targets)
    found = solve_restricted(gram.to(dtype), linear.to(dtype), linear > 0, 12).values.double()
    for problem in range(5):
        expected = torch.from_numpy(nnls(atoms[problem].T.numpy(), targets[problem].numpy())[0])
        torch.testing.assert_close(found[problem], expected, rtol=1e-4, atol=1e-5)
    assert (found >= 0).all()


@given(seed=st.integers(0, 10_000), size=st.integers(1, 24), dim=st.integers(2, 12))
def test_careful_steps_solve_what_depends_on_each_other(seed, size, dim):
    """More atoms than dimensions, all in one half of the space, and each one twice."""
    random = np.random.default_rng(seed)
    atoms = torch.from_numpy(np.abs(random.normal(size=(5, size, dim)))).repeat(1, 2, 1)
    atoms = atoms / atoms.norm(dim=2, keepdim=True)
    targets = torch.from_numpy(random.normal(size=(5, dim)))
    gram, linear = atoms @ atoms.mT, torch.einsum("bsd,bd->bs", atoms, targets)
    found = solve_carefully(gram, linear, torch.zeros_like(linear), 200).values
    assert (found >= 0).all()
    left = (targets - torch.einsum("bs,bsd->bd", found, atoms)).norm(dim=1)
    for problem in range(5):
        expected = nnls(atoms[problem].T.numpy(), targets[problem].numpy())[1]
        assert float(left[problem]) == pytest.approx(expected, abs=1e-6)


def test_a_matrix_that_is_not_positive_definite_does_not_disturb_others():
    good = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
    bad = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    linear = torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    found = solve_restricted(torch.stack([bad, good]), linear, linear > 0, 3).values
    torch.testing.assert_close(found[1], torch.full((2,), 1 / 1.5))


@BOTH
def test_gathered_and_computed_gram_matrices_are_the_same(dtype):
    atoms = unit_rows(30, 8, 0, dtype)
    working = torch.stack([torch.randperm(30)[:7] for _ in range(4)])
    gathered = gram_of(working, atoms, atoms @ atoms.T)
    torch.testing.assert_close(gathered, gram_of(working, atoms, atoms.new_empty(0, 0)))
    torch.testing.assert_close(gathered, atoms[working] @ atoms[working].mT)


def test_signs_turn_atoms_around():
    atoms, targets = unit_rows(30, 8, 0, torch.float64), unit_rows(4, 8, 1, torch.float64)
    working = torch.stack([torch.randperm(30)[:4] for _ in range(4)])
    linear = torch.einsum("bsd,bd->bs", atoms[working], targets)
    signs, none = linear.sign(), atoms.new_empty(0, 0)
    found = solve_on(working, signs, linear * signs, linear != 0, atoms, none, 9).values
    for row in range(4):
        turned = (atoms[working[row]] * signs[row, :, None]).T.numpy()
        torch.testing.assert_close(found[row], torch.from_numpy(nnls(turned, targets[row].numpy())[0]))


def test_correlations_and_compositions_of_working_sets():
    atoms, residuals = unit_rows(30, 8, 0, torch.float64), unit_rows(4, 8, 1, torch.float64)
    working = torch.stack([torch.randperm(30)[:7] for _ in range(4)])
    found = correlate(residuals, atoms, pattern_of(working, len(atoms)))
    torch.testing.assert_close(found, (residuals @ atoms.T).gather(1, working))
    dense = torch.zeros(4, 30, dtype=torch.float64).scatter(1, working, found)
    torch.testing.assert_close(composed(found, atoms, working), dense @ atoms)


@pytest.mark.parametrize("nonnegative", [True, False])
def test_the_strongest_beside_the_support_and_beside_a_working_set(nonnegative):
    product = torch.tensor([[0.5, -0.9, 0.7, 0.1], [0.2, 0.3, -0.4, 0.8]])
    look = Look.at(product.clone(), torch.tensor([[2], [3]]), 2, nonnegative)
    assert look.found.tolist() == ([[0, 3], [1, 0]] if nonnegative else [[1, 0], [2, 1]])
    assert look.correlations.tolist() == product.gather(1, look.found).tolist()
    assert look.count_above(0.45) == (1 if nonnegative else 2)
    rest = look.strongest_but(torch.tensor([[0, 1], [1, 0]]))
    torch.testing.assert_close(rest, torch.tensor([0.1, -0.4 if nonnegative else 0.4]))
    assert look.strongest_but(torch.arange(4).expand(2, 4)).tolist() == [0, 0]


@pytest.mark.parametrize("nonnegative", [True, False])
def test_atoms_that_float32_cannot_tell_apart_are_told_apart_in_float64(monkeypatch, nonnegative):
    atoms = correlated_atoms(40, 24, seed=3, dtype=torch.float64)
    twins = atoms + 1e-3 * unit_rows(40, 24, 4, torch.float64)
    both = torch.cat([atoms, twins / twins.norm(dim=1, keepdim=True)]).float()
    targets = planted_targets(both, 20, seed=5)
    monkeypatch.setattr(ActiveSet, "_solve_compiled", None)  # which is not needed
    solver = ActiveSet(engine="torch", l1_penalty=0.1, nonnegative=nonnegative)
    found = solver.solve(solver.prepare(both), targets)
    assert found.status is Status.CONVERGED
    expected = objective.lasso_certificate(
        targets.double(), both.double(), found.codes.dense().double(), 0.1, nonnegative
    )
    torch.testing.assert_close(found.kkt_violation, expected.kkt_violation, rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(found.duality_gap, expected.duality_gap, rtol=1e-6, atol=1e-12)
