"""What products are off by, and which rows they are of."""

import numpy as np
import pytest
import torch

from splice_exp.solvers import active_set
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.rounds import coarse_rounding_of, in_rounds, multiply, multiply_coarsely, rounding_of
from tests.conftest import correlated_atoms, planted_targets, unit_rows


@pytest.mark.parametrize("dim", [7, 64, 512, 2048])
@pytest.mark.parametrize(
    ("product", "rounding"), [(multiply, rounding_of), (multiply_coarsely, coarse_rounding_of)], ids=["fine", "coarse"]
)
def test_correlations_are_off_by_no_more_than_their_bound(dim, product, rounding):
    """Entries of one sign are the worst case; lengths of r are from nearly none to more than one."""
    atoms = torch.cat([unit_rows(200, dim, 0), unit_rows(200, dim, 1).abs()])
    rows = torch.cat([unit_rows(60, dim, 2), unit_rows(60, dim, 3).abs(), atoms[:40]])
    rows = rows * torch.logspace(-6, 0.5, len(rows))[:, None]
    found = product(rows, atoms, torch.empty(len(rows), len(atoms)))
    off = (found.double() - rows.double() @ atoms.double().T).abs() / rows.double().norm(dim=1, keepdim=True)
    assert off.max() <= rounding(dim)


@pytest.mark.parametrize("coarse", [False, True])
def test_rounds_say_what_their_product_is_off_by_and_keep_the_rows_that_are_left(coarse):
    targets, atoms = unit_rows(70, 16, 0), unit_rows(5, 16, 1)
    seen = []

    def work(begin, end, rows, correlations, rounding, residuals, done, final, scratch):
        seen.append((rows[begin:end].tolist(), rounding, final))
        expected = targets.numpy()[rows] @ atoms.numpy().T
        np.testing.assert_allclose(correlations, expected, atol=2 * rounding)
        residuals[begin:end] = targets.numpy()[rows[begin:end]]
        done[begin:end] = rows[begin:end] % 2 == 0  # the others never are

    counted = in_rounds(work, lambda: None, targets, atoms, 2, coarse)
    assert counted.tolist() == [1, 2] * 35
    assert sorted(row for rows, _, final in seen if not final for row in rows) == list(range(70))
    assert sorted(row for rows, _, final in seen if final for row in rows) == list(range(1, 70, 2))
    first = coarse_rounding_of(16) if coarse else rounding_of(16)
    assert {(rounding, final) for _, rounding, final in seen} == {(first, False), (rounding_of(16), True)}


@pytest.mark.parametrize(
    ("l1_penalty", "rows", "dtype", "processor", "coarse"),
    [
        (0.25, 300, torch.float32, True, True),
        (0.25, 300, torch.float32, False, False),  # without instructions it would be slower
        (0.25, 300, torch.float64, True, False),
        (0.1, 300, torch.float32, True, False),  # too many atoms would be in doubt
        (0.25, 100, torch.float32, True, False),  # rounding the atoms would take as long as is saved
    ],
)
def test_the_first_look_is_coarse_where_that_pays(monkeypatch, l1_penalty, rows, dtype, processor, coarse):
    atoms = correlated_atoms(60, 24, seed=0, dtype=dtype)
    targets = planted_targets(atoms, rows, seed=1)
    asked = []
    monkeypatch.setattr(active_set, "has_bfloat16", lambda: processor)
    solve = active_set.active_set_compiled.solve
    monkeypatch.setattr(active_set.active_set_compiled, "solve", lambda *a: asked.append(a[-1]) or solve(*a))
    solver = ActiveSet(l1_penalty=l1_penalty)
    found = solver.solve(solver.prepare(atoms), targets)
    assert asked == [coarse]
    exact = ActiveSet(l1_penalty=l1_penalty, screening="float32")
    expected = exact.solve(exact.prepare(atoms), targets)
    torch.testing.assert_close(found.codes.dense(), expected.codes.dense(), rtol=1e-4, atol=1e-6)
    assert found.kkt_violation.max() <= 1e-5
