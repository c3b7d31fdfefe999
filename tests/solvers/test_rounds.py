"""What products are off by, and which rows they are of."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from splice_exp.solvers import active_set, objective
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.rounds import COARSE, CoarseAtoms, errors_of, in_rounds, multiply, multiply_coarsely
from tests.conftest import correlated_atoms, planted_targets, unit_rows


def beside_ties(dim, seed):
    """Return unit rows whose entries lie halfway between two numbers of bfloat16: rounding moves them farthest."""
    random = np.random.default_rng(seed)
    steps = random.integers(0, 120, (40, dim)) + 0.5 + random.choice([-1, 1], (40, dim)) * 2.0**-10
    rows = random.choice([-1.0, 1.0], (40, dim)) * (1 + steps * 2.0**-7)
    return normalize(torch.from_numpy(rows), dim=1).float()


def worst_case(dim):
    """Return an atom and a row of which all products are rounded in the same direction."""
    up, down = 1 + 2.0**-8 + 2.0**-18, 1 + 2.0**-8 - 2.0**-18
    signs = torch.ones(dim, dtype=torch.float64)
    signs[: dim * 7 // 16] = -1
    rows = torch.where(signs > 0, down, up) / math.sqrt(dim)
    return (signs * rows)[None].float(), rows[None].float()


def coarsely(rows, atoms, out):
    coarse = atoms.bfloat16()
    moved = float((atoms.double() - coarse.double()).norm(dim=1).max())
    errors = multiply_coarsely(rows, CoarseAtoms(coarse, moved), out)
    return errors[:, None] + COARSE * out.double().abs()


def finely(rows, atoms, out):
    multiply(rows, atoms, out)
    return errors_of(rows)[:, None]


@pytest.mark.parametrize("dim", [7, 64, 256, 512, 2048])
@pytest.mark.parametrize("product", [finely, coarsely])
def test_correlations_are_off_by_no_more_than_their_bound(dim, product):
    """Entries beside ties and of one sign are the worst; lengths of r are from nearly none to more than one."""
    worst_atoms, worst_rows = worst_case(dim)
    atoms = torch.cat([unit_rows(200, dim, 0), unit_rows(200, dim, 1).abs(), beside_ties(dim, 2), worst_atoms])
    rows = torch.cat([unit_rows(60, dim, 2), unit_rows(60, dim, 3).abs(), beside_ties(dim, 4), atoms[400:], worst_rows])
    rows = rows * torch.logspace(-6, 0.5, len(rows))[:, None]
    found = torch.empty(len(rows), len(atoms))
    bound = product(rows, atoms, found)
    off = (found.double() - rows.double() @ atoms.double().T).abs()
    assert (off <= bound).all()


def test_a_row_that_rounding_would_certify_is_not():
    """Where a worst case of rounding hides a violated atom."""
    atoms, row = worst_case(254)
    targets = row.expand(300, -1).contiguous()
    exact = float(2 * row[0].double() @ atoms[0].double())
    for below in (0.001, 0.0036, 0.01):
        solver = ActiveSet(l1_penalty=exact - below, screening="bfloat16")
        found = solver.solve(solver.prepare(atoms), targets)
        true = objective.lasso_certificate(
            targets.double(), atoms.double(), found.codes.dense().double(), solver.l1_penalty, True
        )
        assert true.kkt_violation.max() <= 1e-5
        torch.testing.assert_close(found.kkt_violation, true.kkt_violation, rtol=0, atol=1e-9)


@pytest.mark.parametrize("screening", [False, True])
def test_rounds_say_what_their_product_is_off_by_and_keep_the_rows_that_are_left(screening):
    targets, atoms = unit_rows(70, 16, 0), unit_rows(5, 16, 1)
    seen = []

    def work(begin, end, rows, correlations, errors, spread, residuals, done, final, scratch):
        seen.append((rows[begin:end].tolist(), spread, final))
        expected = targets.numpy()[rows] @ atoms.numpy().T
        assert (np.abs(correlations - expected) <= errors[:, None] + spread + 1e-6).all()
        assert errors.shape == rows.shape
        residuals[begin:end] = targets.numpy()[rows[begin:end]]
        done[begin:end] = rows[begin:end] % 2 == 0  # the others never are

    coarse = CoarseAtoms(atoms.bfloat16(), 2.0**-8) if screening else None
    counted = in_rounds(work, lambda: None, targets, atoms, 2, coarse)
    assert counted.tolist() == [1, 2] * 35
    assert sorted(row for rows, _, final in seen if not final for row in rows) == list(range(70))
    assert sorted(row for rows, _, final in seen if final for row in rows) == list(range(1, 70, 2))
    assert {(spread, final) for _, spread, final in seen} == {(COARSE if screening else 0.0, False), (0.0, True)}


@pytest.mark.parametrize(
    ("l1_penalty", "dtype", "processor", "coarse"),
    [
        (0.25, torch.float32, True, True),
        (0.25, torch.float32, False, False),  # without instructions it would be slower
        (0.25, torch.float64, True, False),
        (0.1, torch.float32, True, False),  # too many atoms would be in doubt
    ],
)
def test_the_first_look_is_coarse_where_that_pays(monkeypatch, l1_penalty, dtype, processor, coarse):
    atoms = correlated_atoms(60, 24, seed=0, dtype=dtype)
    targets = planted_targets(atoms, 300, seed=1)
    monkeypatch.setattr(active_set, "has_bfloat16", lambda: processor)
    solver = ActiveSet(l1_penalty=l1_penalty)
    state = solver.prepare(atoms)
    assert (state.coarse.shape == atoms.shape) == coarse
    found = solver.solve(state, targets)
    exact = ActiveSet(l1_penalty=l1_penalty, screening="float32")
    expected = exact.solve(exact.prepare(atoms), targets)
    torch.testing.assert_close(found.codes.dense(), expected.codes.dense(), rtol=1e-4, atol=1e-6)
    assert found.kkt_violation.max() <= 1e-5


def test_a_state_that_was_cast_takes_the_exact_atoms():
    atoms = correlated_atoms(60, 24, seed=0)
    targets = planted_targets(atoms, 30, seed=1)
    solver = ActiveSet(l1_penalty=0.25, screening="bfloat16")
    found = solver.solve(solver.prepare(atoms).to(torch.float64), targets.double())
    assert found.kkt_violation.max() <= 1e-5
