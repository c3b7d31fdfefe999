import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso

from splice_exp.solvers import objective
from tests.conftest import correlated_atoms, planted_targets


def problem(seed, atoms=30, dim=12, rows=6):
    d = correlated_atoms(atoms, dim, seed, torch.float64)
    return planted_targets(d, rows, seed), d


def sklearn_codes(x, d, l1_penalty, nonnegative):
    alpha = objective.to_sklearn_alpha(l1_penalty, d.shape[1])
    lasso = Lasso(alpha, fit_intercept=False, positive=nonnegative, max_iter=100_000, tol=1e-14)
    with warnings.catch_warnings():  # 1e-14 is asked for in order to get what is possible
        warnings.simplefilter("ignore", ConvergenceWarning)
        return torch.from_numpy(np.atleast_2d(lasso.fit(d.T.numpy(), x.T.numpy()).coef_))


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("l1_penalty", [0.05, 0.15, 0.25, 0.35])
def test_the_optimum_is_certified(nonnegative, l1_penalty):
    x, d = problem(0)
    w = sklearn_codes(x, d, l1_penalty, nonnegative)
    certificate = objective.lasso_certificate(x, d, w, l1_penalty, nonnegative)
    assert certificate.duality_gap.max() < 1e-8
    assert certificate.kkt_violation.max() < 1e-4


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.1, 0.3]), st.booleans())
def test_the_gap_bounds_the_distance_to_the_optimum(seed, l1_penalty, nonnegative):
    x, d = problem(seed % 7)
    best = sklearn_codes(x, d, max(l1_penalty, 1e-9), nonnegative)
    random = np.random.default_rng(seed)
    w = best + torch.from_numpy(random.normal(scale=0.1, size=best.shape) * (random.random(best.shape) < 0.2))
    w = w.clamp(min=0) if nonnegative else w
    excess = objective.value(x, d, w, l1_penalty) - objective.value(x, d, best, l1_penalty)
    gap = objective.lasso_certificate(x, d, w, l1_penalty, nonnegative).duality_gap
    assert (gap >= excess - 1e-9).all()


@given(st.integers(0, 6), st.floats(1e-6, 0.1), st.sampled_from([0.03, 0.1, 0.3]), st.booleans())
def test_the_gap_bounds_the_distance_of_codes_that_overshoot(seed, short, l1_penalty, nonnegative):
    """Gradients on the support fall short of L: a residual must not be stretched as if there were no constraints."""
    x, d = problem(seed)
    best = sklearn_codes(x, d, l1_penalty, nonnegative)
    w = best.clone()
    for row in range(len(w)):
        support = best[row].nonzero().flatten()
        atoms = d[support]
        w[row, support] += torch.linalg.lstsq(atoms @ atoms.T, short * best[row, support].sign()[:, None])[0].flatten()
    w = w.clamp(min=0) if nonnegative else w
    excess = objective.value(x, d, w, l1_penalty) - objective.value(x, d, best, l1_penalty)
    gap = objective.lasso_certificate(x, d, w, l1_penalty, nonnegative).duality_gap
    assert (gap >= excess - 1e-9).all()


def test_the_gap_of_codes_that_overshoot_everywhere():
    """Orthogonal atoms: the optimum is ⟨d, x⟩ − L / 2, and the excess of w is ‖w − w*‖²."""
    x, d = torch.full((1, 16), 0.25, dtype=torch.float64), torch.eye(16, dtype=torch.float64)
    certificate = objective.lasso_certificate(x, d, torch.full_like(x, 0.24), 0.1)
    assert float(certificate.duality_gap) >= 16 * 0.04**2 * (1 - 1e-9)
    assert objective.lasso_certificate(x, d, torch.full_like(x, 0.2), 0.1).duality_gap < 1e-12


def test_lambda_max_is_where_codes_vanish():
    x, d = problem(3)
    for nonnegative in (True, False):
        largest = float(objective.lambda_max(x, d, nonnegative).max())
        assert not sklearn_codes(x, d, largest * 1.0001, nonnegative).any()
        assert sklearn_codes(x, d, largest * 0.99, nonnegative).any()
        zero = torch.zeros(len(x), len(d), dtype=torch.float64)
        certificate = objective.lasso_certificate(x, d, zero, largest, nonnegative)
        assert certificate.duality_gap.max() < 1e-12
        assert certificate.kkt_violation.max() < 1e-12


def test_gap_and_violation_see_a_wrong_code():
    x, d = problem(4)
    w = sklearn_codes(x, d, 0.2, True)
    w[0, int(w[0].argmax())] *= 1.1
    certificate = objective.lasso_certificate(x, d, w, 0.2)
    assert certificate.duality_gap[0] > 1e-4 > certificate.duality_gap[1:].max()
    assert certificate.kkt_violation[0] > 1e-2 > certificate.kkt_violation[1:].max()


def test_least_squares_on_a_support_has_no_gap_but_a_violation():
    x, d = problem(5)
    w = torch.zeros(len(x), len(d), dtype=torch.float64)
    w[:, :5] = torch.from_numpy(np.stack([nnls(d[:5].T.numpy(), row.numpy())[0] for row in x]))
    certificate = objective.support_certificate(x, d, w)
    assert certificate.duality_gap.isnan().all()
    assert certificate.kkt_violation.max() < 1e-12
    assert objective.support_certificate(x, d, 1.1 * w).kkt_violation.max() > 1e-3


def test_conversions_between_conventions():
    assert objective.to_sklearn_alpha(0.25, 512) == 0.25 / 1024
    assert objective.to_half_square(0.25) == 0.125


def test_rows_may_each_have_a_penalty():
    atoms = correlated_atoms(60, 24, seed=0, dtype=torch.float64)
    targets = planted_targets(atoms, 5, seed=1)
    codes = torch.relu(torch.randn(5, 60, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1)
    residuals = objective.residual(targets, atoms, codes)
    penalties = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5], dtype=torch.float64)
    found = objective.certificate_of_residual(targets, residuals, 2 * residuals @ atoms.T, codes, penalties)
    for row, l1_penalty in enumerate(penalties.tolist()):
        alone = objective.lasso_certificate(targets[[row]], atoms, codes[[row]], l1_penalty)
        torch.testing.assert_close(found.duality_gap[[row]], alone.duality_gap)
        torch.testing.assert_close(found.kkt_violation[[row]], alone.kkt_violation)
