"""Least squares on supports that grow are those of SciPy, also among atoms that nearly depend on each other."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls

from splice_exp.solvers import matching_pursuit
from splice_exp.solvers.base import State
from splice_exp.solvers.batched.growing import Factors
from splice_exp.solvers.omp import OMP
from tests.conftest import correlated_atoms, planted_targets, unit_rows

ATOMS = correlated_atoms(60, 24, seed=0, dtype=torch.float64)
TARGETS = planted_targets(ATOMS, 12, seed=1).double()
SUPPORT = torch.stack([torch.randperm(60, generator=torch.Generator().manual_seed(row))[:8] for row in range(12)])


def expected(atoms, support, nonnegative):
    """Return the fits of all rows; codes on atoms that nearly depend on each other are not unique."""
    pairs = [(atoms[row[row >= 0]].numpy().T, x) for row, x in zip(support, TARGETS.numpy(), strict=True)]
    codes = [nnls(a, x)[0] if nonnegative else np.linalg.lstsq(a, x, rcond=None)[0] for a, x in pairs]
    return np.stack([a @ w for (a, _), w in zip(pairs, codes, strict=True)])


def grown(state, support):
    """Take in the atoms of a support one by one."""
    factors, rows = Factors.none(*support.shape, torch.device("cpu")), torch.arange(len(support))
    for size in range(1, support.shape[1] + 1):
        factors.grow(rows, state, TARGETS, support[:, :size], torch.full_like(rows, size - 1))
    return factors, rows


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("distance", [None, 1e-3, 0.0])
def test_codes_are_least_squares(nonnegative, distance):
    atoms = ATOMS.clone()
    if distance is not None:  # in every row, the fifth atom is nearly the first
        twins = ATOMS[SUPPORT[:, 0]] + distance * unit_rows(12, 24, 3, torch.float64)
        atoms = torch.cat([ATOMS, torch.nn.functional.normalize(twins, dim=1)])
    support = SUPPORT.clone()
    if distance is not None:
        support[:, 4] = 60 + torch.arange(12)
    state = State(atoms)
    factors, rows = grown(state, support)
    assert factors.poor.all() if distance == 0 else not factors.poor.any()
    values = factors.solve(rows, state, TARGETS, support, nonnegative)
    fits = (values[:, :, None] * atoms[support]).sum(dim=1).numpy()
    np.testing.assert_allclose(fits, expected(atoms, support, nonnegative), atol=1e-7)


def test_atoms_that_leave_are_forgotten():
    state = State(ATOMS)
    factors, rows = grown(state, SUPPORT)
    order = torch.tensor([0, 2, 3, 5, 7, 1, 4, 6]).expand(12, -1)
    there = (torch.arange(8) < 5).expand(12, -1)
    factors.reorder(rows[3:], order[3:], there[3:])
    support = SUPPORT.clone()
    support[3:] = SUPPORT[3:].gather(1, order[3:]).masked_fill(~there[3:], -1)
    values = factors.solve(rows, state, TARGETS, support, nonnegative=False)
    fits = (values[:, :, None] * state.atoms_of(support)).sum(dim=1).numpy()
    np.testing.assert_allclose(fits, expected(ATOMS, support, nonnegative=False), atol=1e-9)
    assert not values[3:, 5:].any()


def test_fewer_rows_at_a_time_do_not_change_the_answer(monkeypatch):
    solver = OMP(target_l0=5)
    whole = solver.solve(solver.prepare(ATOMS), TARGETS)
    monkeypatch.setattr(matching_pursuit, "MAX_ENTRIES", 5 * 24 * 3)
    assert solver._rows_together(State(ATOMS)) == 3
    parts = solver.solve(solver.prepare(ATOMS), TARGETS)
    torch.testing.assert_close(parts.codes.dense(), whole.codes.dense())
