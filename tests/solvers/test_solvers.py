"""The contract of every solver. A new one is a row of the table."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Status
from splice_exp.solvers import objective
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.admm import ADMM
from splice_exp.solvers.base import require_matrix
from splice_exp.solvers.comp import COMP
from splice_exp.solvers.coordinate_descent import CoordinateDescent
from splice_exp.solvers.fista import FISTA
from splice_exp.solvers.least_squares import LeastSquares
from splice_exp.solvers.matching_pursuit import MatchingPursuit
from splice_exp.solvers.omp import OMP
from splice_exp.solvers.path import LassoPath
from splice_exp.solvers.top_k import TopK
from tests.conftest import correlated_atoms, planted_targets, unit_rows


def ActiveSetInTorch(**options):  # noqa: N802  it stands in a list of classes
    return ActiveSet(engine="torch", **options)


def LassoPathInTorch(**options):  # noqa: N802  likewise
    return LassoPath(engine="torch", **options)


CONVEX = [ActiveSet, ActiveSetInTorch, LassoPath, LassoPathInTorch, ADMM, FISTA, CoordinateDescent]
SUPPORT = [OMP, MatchingPursuit, TopK]
EVERY = [
    *(lambda solver=solver: solver(nonnegative=True) for solver in [*CONVEX, *SUPPORT]),
    *(lambda solver=solver: solver(nonnegative=False) for solver in [*CONVEX, *SUPPORT, LeastSquares]),
    COMP,
    lambda: COMP(max_cosine=0.8, refill=True, relative=True),
]
NAMES = [f"{s.__name__}-{sign}" for sign in ("nonnegative", "signed") for s in [*CONVEX, *SUPPORT]]
NAMES += ["LeastSquares", "COMP", "COMP-all"]
every_solver = pytest.mark.parametrize("make", EVERY, ids=NAMES)
both_signs = pytest.mark.parametrize("nonnegative", [True, False])
convex = pytest.mark.parametrize("solver", CONVEX)

ATOMS = correlated_atoms(60, 24, seed=0)
TARGETS = planted_targets(ATOMS, 20, seed=1)


def solve(solver, atoms=ATOMS, targets=TARGETS):
    return solver.solve(solver.prepare(atoms), targets)


def values(codes, atoms, targets, l1_penalty):
    return objective.value(targets.double(), atoms.double(), codes.dense().double(), l1_penalty)


@convex
@both_signs
@pytest.mark.parametrize("l1_penalty", [0.02, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_convex_solvers_agree_with_scikit_learn(solver, nonnegative, l1_penalty, dtype):
    atoms, targets = ATOMS.to(dtype), TARGETS.to(dtype)
    reference = solve(CoordinateDescent(l1_penalty=l1_penalty, nonnegative=nonnegative, tol=1e-12), atoms, targets)
    found = solve(solver(l1_penalty=l1_penalty, nonnegative=nonnegative), atoms, targets)
    best = values(reference.codes, atoms, targets, l1_penalty)
    torch.testing.assert_close(values(found.codes, atoms, targets, l1_penalty), best, rtol=1e-6, atol=0)
    assert found.duality_gap.max() <= 1e-6
    assert found.kkt_violation.max() <= 1e-5
    assert found.status is Status.CONVERGED


@convex
def test_the_support_identity(solver):
    found = solve(solver(l1_penalty=0.2)).codes.dense().double()
    correlations = 2 * objective.residual(TARGETS.double(), ATOMS.double(), found) @ ATOMS.double().T
    assert (correlations[found > 0] - 0.2).abs().max() < 1e-5
    assert correlations[found == 0].max() < 0.2 + 1e-5


@every_solver
def test_signs(make):
    solver = make()
    found = solve(solver).codes.values
    assert (found > 0).all() if solver.nonnegative else (found < 0).any()


@every_solver
def test_a_row_alone_is_the_row_in_a_batch(make):
    solver = make()
    together = solve(solver).codes.dense()
    for row in range(4):
        torch.testing.assert_close(solve(solver, targets=TARGETS[row : row + 1]).codes.dense()[0], together[row])


@every_solver
def test_batches_do_not_change_the_answer(make):
    solver = make()
    whole = solve(solver)
    parts = solve(type(solver)(**{**vars(solver), "batch_size": 7}))
    torch.testing.assert_close(parts.codes.dense(), whole.codes.dense())
    assert len(parts.duality_gap) == len(TARGETS)


@every_solver
def test_permuting_atoms_permutes_codes(make):
    solver = make()
    before = solve(solver).codes.dense()
    for seed in range(6):
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(ATOMS)))
        found = solve(solver, atoms=ATOMS[order]).codes.dense()
        torch.testing.assert_close(found, before[:, order], rtol=1e-4, atol=1e-5)


@every_solver
def test_no_feasible_move_lowers_the_objective(make):
    solver = make()
    l1_penalty = getattr(solver, "l1_penalty", 0.0)
    found = solve(solver).codes
    dense, support = found.dense().double(), found.dense() != 0
    before = values(found, ATOMS, TARGETS, l1_penalty)
    random = np.random.default_rng(0)
    if isinstance(solver, MatchingPursuit):
        return  # which never refits
    for _ in range(100):
        move = torch.from_numpy(random.normal(scale=10 ** random.uniform(-4, -1), size=dense.shape))
        if isinstance(solver, (OMP, TopK)):  # these are optimal on the support they chose
            move = torch.where(support, move, 0)
        moved = (dense + move).clamp(min=0) if solver.nonnegative else dense + move
        after = objective.value(TARGETS.double(), ATOMS.double(), moved, l1_penalty)
        assert (after >= before - 1e-6).all()


@every_solver
def test_state_and_solver_are_picklable(make):
    solver = make()
    state = solver.prepare(ATOMS)
    again = pickle.loads(pickle.dumps(solver)).solve(pickle.loads(pickle.dumps(state)), TARGETS)
    assert torch.equal(again.codes.dense(), solver.solve(state, TARGETS).codes.dense())
    assert state.to(torch.float64).atoms.dtype == torch.float64


@every_solver
def test_zero_rows_have_zero_codes(make):
    targets = torch.cat([torch.zeros(1, 24), TARGETS[:2]])
    found = solve(make(), targets=targets)
    assert found.codes.l0()[0] == 0
    assert found.codes.values.isfinite().all()
    assert not found.duality_gap[0] > 1e-12


@every_solver
def test_no_rows_are_no_codes(make):
    found = solve(make(), targets=TARGETS[:0])
    assert len(found.codes) == len(found.duality_gap) == 0
    assert found.codes.num_concepts == len(ATOMS)


@every_solver
def test_duplicate_atoms_do_no_harm(make):
    solver = make()
    doubled = solve(solver, atoms=torch.cat([ATOMS, ATOMS[:10]]))
    single = solve(solver).codes
    rebuilt, expected = doubled.codes @ torch.cat([ATOMS, ATOMS[:10]]), single @ ATOMS
    if not isinstance(solver, (TopK, MatchingPursuit, COMP)):  # their budget is spent on duplicates, too
        torch.testing.assert_close(rebuilt, expected, rtol=1e-3, atol=1e-4)
    assert doubled.codes.values.isfinite().all()


@convex
@both_signs
def test_codes_vanish_from_lambda_max_on(solver, nonnegative):
    largest = float(objective.lambda_max(TARGETS, ATOMS, nonnegative).max())
    assert solve(solver(l1_penalty=largest * 1.001, nonnegative=nonnegative)).codes.l0().sum() == 0
    assert solve(solver(l1_penalty=largest * 0.99, nonnegative=nonnegative)).codes.l0().sum() > 0


@convex
def test_objective_grows_and_l1_norm_falls_with_the_penalty(solver):
    results = [solve(solver(l1_penalty=penalty)).codes for penalty in (0.05, 0.1, 0.2, 0.4)]
    optima = [
        values(codes, ATOMS, TARGETS, penalty) for codes, penalty in zip(results, (0.05, 0.1, 0.2, 0.4), strict=True)
    ]
    norms = [codes.dense().sum(dim=1) for codes in results]
    for weaker, stronger in pairwise(optima):
        assert (stronger >= weaker - 1e-6).all()
    for weaker, stronger in pairwise(norms):
        assert (stronger <= weaker + 1e-5).all()


@pytest.mark.parametrize("solver", [ActiveSet, ActiveSetInTorch, LassoPath, ADMM, FISTA])
def test_the_dense_end_of_the_path_is_certified(solver):
    found = solve(solver(l1_penalty=1e-3, max_iterations=20_000), ATOMS.double(), unit_rows(8, 24, 9, torch.float64))
    assert found.duality_gap.max() < 1e-6
    assert found.codes.l0().max() <= 24  # a support is at most as large as the dimension


@both_signs
@pytest.mark.parametrize("solver", [ActiveSet, ActiveSetInTorch, LassoPath, ADMM, FISTA])
@pytest.mark.parametrize("l1_penalty", [0.0, 1e-6, 1e-3])
def test_supports_beyond_the_rank_do_not_break_it(solver, nonnegative, l1_penalty):
    atoms = unit_rows(64, 16, 0)
    found = solve(
        solver(l1_penalty=l1_penalty, nonnegative=nonnegative, max_iterations=300),
        torch.cat([atoms, atoms]),
        unit_rows(8, 16, 1),
    )
    assert found.codes.values.isfinite().all()
    assert found.kkt_violation.max() < 0.1
    assert (found.status is Status.CONVERGED) == (
        bool((found.kkt_violation <= 1e-5).all()) and (l1_penalty == 0 or bool((found.duality_gap <= 1e-6).all()))
    )


@pytest.mark.parametrize("solver", [ActiveSet, ActiveSetInTorch, LassoPath, ADMM, FISTA])
def test_without_penalty_few_atoms_are_certified_by_their_gradient(solver):
    found = solve(solver(l1_penalty=0), ATOMS[:5])
    assert found.status is Status.CONVERGED
    assert found.num_iterations.max() < 1000
    assert found.kkt_violation.max() <= 1e-5


@pytest.mark.parametrize("solver", [ActiveSet, ActiveSetInTorch, ADMM, FISTA])
def test_an_exhausted_solver_says_so(solver):
    found = solve(solver(l1_penalty=0.02, max_iterations=1, tol=1e-12, kkt_tol=1e-12))
    assert found.status is Status.MAX_ITERATIONS
    assert "solver.max_iterations" in found.status.value
    assert found.duality_gap.max() > 1e-12


def test_admm_with_the_small_factor_is_admm_with_the_large_one():
    """One x-update through the d × d factor equals the textbook's k × k solve."""
    atoms, rho = ATOMS.double(), 5.0
    state = ADMM(rho=rho).prepare(atoms)
    b = unit_rows(3, len(atoms), 5, torch.float64)
    small = (b - (b @ state.projector) @ atoms.T) / rho
    gram = 2 * atoms @ atoms.T + rho * torch.eye(len(atoms), dtype=torch.float64)
    torch.testing.assert_close(small, torch.linalg.solve(gram, b.T).T, rtol=1e-10, atol=1e-12)


@both_signs
def test_omp_equals_scikit_learn_or_brute_force(nonnegative):
    from scipy.optimize import nnls
    from sklearn.linear_model import orthogonal_mp

    atoms, targets = ATOMS.double(), TARGETS.double()
    found = solve(OMP(nonnegative=nonnegative, target_l0=4), atoms, targets).codes.dense()
    if not nonnegative:
        expected = torch.from_numpy(orthogonal_mp(atoms.T.numpy(), targets.T.numpy(), n_nonzero_coefs=4).T)
    else:
        expected = torch.zeros_like(found)
        for row, target in enumerate(targets):
            support, codes = [], np.zeros(0)
            for _ in range(4):
                residual = target - torch.from_numpy(codes) @ atoms[support] if support else target
                scores = atoms @ residual
                scores[support] = -torch.inf
                support.append(int(scores.argmax()))
                codes, _ = nnls(atoms[support].T.numpy(), target.numpy())
            expected[row, support] = torch.from_numpy(codes)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_greedy_solvers_keep_to_their_budget():
    for target_l0 in (1, 3, 8):
        assert solve(OMP(target_l0=target_l0)).codes.l0().max() <= target_l0
        assert (solve(TopK(target_l0=target_l0, nonnegative=False)).codes.l0() == target_l0).all()


def test_omp_stops_when_the_target_is_explained():
    targets = ATOMS[:5].clone()
    assert solve(OMP(target_l0=10, tol=1e-5), targets=targets).codes.l0().tolist() == [1] * 5


def test_least_squares_has_minimum_norm():
    found = solve(LeastSquares(), ATOMS.double(), TARGETS.double()).codes.dense()
    expected = torch.from_numpy(np.linalg.lstsq(ATOMS.double().T.numpy(), TARGETS.double().T.numpy(), rcond=None)[0].T)
    torch.testing.assert_close(found, expected)


def with_value(rows, value):
    changed = rows.clone()
    changed[3, 2] = value
    return changed


@pytest.mark.parametrize("solver", [ActiveSet(), ActiveSet(engine="torch"), LassoPath(), ADMM(), OMP(), LeastSquares()])
@pytest.mark.parametrize(
    ("atoms", "targets", "message"),
    [
        (with_value(ATOMS, torch.nan), TARGETS, "The atoms have NaN or infinite values in rows 3"),
        (ATOMS, with_value(TARGETS, torch.nan), "The targets have NaN or infinite values in rows 3"),
        (ATOMS, with_value(TARGETS, torch.inf), "The targets have NaN or infinite values in rows 3"),
        (ATOMS[:0], TARGETS, "There are 0 atoms of type torch.float32"),
        (ATOMS.half(), TARGETS, "atoms of type torch.float16, but a dictionary needs one or more, float32 or float64"),
    ],
)
def test_what_is_no_problem_is_refused(solver, atoms, targets, message):
    """NaN above all: it compares as false with everything, and would pass for certified."""
    with pytest.raises(SpliceError, match=message):
        solve(solver, atoms, targets)


@pytest.mark.parametrize("solver", [ActiveSet(l1_penalty=0.2), LassoPath(l1_penalty=0.2), ADMM(l1_penalty=0.2)])
def test_memory_layout_and_gradients_play_no_part(solver):
    found = solve(solver, ATOMS.T.contiguous().T.requires_grad_(), TARGETS.T.contiguous().T.requires_grad_())
    assert torch.equal(found.codes.dense(), solve(solver).codes.dense())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ADMM(l1_penalty=-0.1), r"^l1_penalty is -0\.1"),
        (lambda: FISTA(tol=-1e-3), r"^tol is -0\.001"),
        (lambda: ADMM(tol=float("nan")), r"^tol is nan"),
        (lambda: ADMM(relaxation=2.5), r"^relaxation is 2\.5"),
        (lambda: OMP(target_l0=0), r"^target_l0 is 0"),
        (lambda: TopK(batch_size=0), r"^batch_size is 0"),
        (lambda: LeastSquares(nonnegative=True), r"^nonnegative"),
        (lambda: solve(OMP(target_l0=61)), r"target_l0 is 61.*60 atoms"),
        (lambda: solve(TopK(target_l0=61)), r"target_l0 is 61.*60 atoms"),
        (lambda: solve(ADMM(), targets=unit_rows(2, 23, 0)), "23 wide.*24 wide"),
        (lambda: require_matrix("atoms", ATOMS.numpy()), "The atoms are of type ndarray, but must be a torch tensor"),
        (
            lambda: ActiveSet().solve(ADMM().prepare(ATOMS), TARGETS),
            "needs a ActiveSetState, but was given a ADMMState",
        ),
        (
            lambda: LassoPath().solve(OMP().prepare(ATOMS), TARGETS),
            "needs a ActiveSetState, but was given a State",
        ),
    ],
)
def test_bad_parameters_are_named(build, message):
    with pytest.raises(SpliceError, match=message):
        build()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@every_solver
def test_cuda_agrees_with_cpu(make):
    solver = make()
    torch.testing.assert_close(
        solve(solver, ATOMS.cuda(), TARGETS).codes.dense(), solve(solver).codes.dense(), rtol=1e-4, atol=1e-5
    )
