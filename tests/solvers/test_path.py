"""The path: every point of it is a solution, ends are where they were asked for, and what cannot be had is said."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Status
from splice_exp.solvers import objective
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.path import LassoPath
from tests.conftest import correlated_atoms, planted_targets, unit_rows

events = LassoPath._events
pytestmark = pytest.mark.xdist_group("kernels")  # which one worker compiles, and not both at the same time
ATOMS = correlated_atoms(200, 24, seed=0)
TARGETS = planted_targets(ATOMS, 40, seed=1)
PENALTIES = (1.5, 0.8, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
WAYS = {
    "rows of the Gram matrix": {},
    "a product a point": {"gram_rows": 0},
    "no Gram matrix": {"gram_mib": 0},
    "few atoms at a time": {"working_set": 1},
    "torch": {"engine": "torch"},
    "torch, no Gram matrix": {"engine": "torch", "gram_mib": 0},
    "torch, few atoms at a time": {"engine": "torch", "working_set": 1},
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
both_signs = pytest.mark.parametrize("nonnegative", [True, False])


both_engines = pytest.mark.parametrize("engine", ["compiled", "torch"])


@pytest.fixture(autouse=True)
def follow_paths_to_any_penalty(monkeypatch):
    """Small penalties are solved in another way, see `test_path_where_dense`; paths must hold there all the same."""
    monkeypatch.setattr("splice_exp.solvers.path.DENSE", 0.0)


def solve(atoms=ATOMS, targets=TARGETS, **options):
    solver = LassoPath(**options)
    return solver.solve(solver.prepare(atoms), targets)


def solve_at(atoms=ATOMS, targets=TARGETS, penalties=PENALTIES, **options):
    solver = LassoPath(**options)
    return solver.solve_at(solver.prepare(atoms), targets, penalties)


@every_way
@both_signs
def test_every_point_of_the_path_is_the_solution_there(way, nonnegative):
    for l1_penalty, found in zip(PENALTIES, solve_at(nonnegative=nonnegative, **way), strict=True):
        solver = ActiveSet(l1_penalty=l1_penalty, nonnegative=nonnegative)
        expected = solver.solve(solver.prepare(ATOMS), TARGETS)
        torch.testing.assert_close(found.codes.dense(), expected.codes.dense(), rtol=1e-4, atol=1e-5)
        assert found.status is Status.CONVERGED


@every_way
@both_signs
def test_the_certificate_of_every_point_is_that_of_the_objective(way, nonnegative):
    for l1_penalty, found in zip(PENALTIES, solve_at(nonnegative=nonnegative, **way), strict=True):
        expected = objective.lasso_certificate(
            TARGETS.double(), ATOMS.double(), found.codes.dense(), l1_penalty, nonnegative
        )
        torch.testing.assert_close(found.duality_gap, expected.duality_gap, rtol=1e-6, atol=1e-12)
        torch.testing.assert_close(found.kkt_violation, expected.kkt_violation, rtol=1e-6, atol=1e-12)


def test_penalties_come_back_in_the_order_in_which_they_were_asked_for():
    forth, back = solve_at(penalties=(0.1, 0.3)), solve_at(penalties=(0.3, 0.1, 0.3))
    assert torch.equal(forth[0].codes.dense(), back[1].codes.dense())
    assert torch.equal(back[0].codes.dense(), back[2].codes.dense())
    assert back[2].l1_penalty.unique().tolist() == [0.3]


@every_way
@both_signs
@pytest.mark.parametrize("target_l0", [1, 2, 5, 12])
def test_each_row_has_as_many_concepts_as_asked_for(way, nonnegative, target_l0):
    found = solve(target_l0=target_l0, l1_penalty=1e-3, nonnegative=nonnegative, **way)
    assert found.codes.l0().unique().tolist() == [target_l0]
    assert found.status is Status.CONVERGED
    for row, l1_penalty in enumerate(found.l1_penalty.tolist()):
        certificate = objective.lasso_certificate(
            TARGETS[[row]].double(), ATOMS.double(), found.codes.dense()[[row]], l1_penalty, nonnegative
        )
        assert float(certificate.duality_gap) <= 1e-6
        assert float(certificate.kkt_violation) <= 1e-5


class End:
    """Where a row's path ends: at a point that rounding moves, and how far.

    On the support S the gradients of its atoms are L, so that of the next atom d falls by s = Σ a per unit of L, with
    a = (D_S D_Sᵀ)⁻¹ D_S d; a step ε behind the end it violates L by ε (1 − s). Codes that are certified leave gradients
    on S off by the tolerance t at most, and then that of d by t ‖a‖₁: the end is known to ε = t (1 + ‖a‖₁) / (1 − s),
    and the codes there, which move by −½ (D_S D_Sᵀ)⁻¹ 1 per unit of L, to ε times that.
    """

    def __init__(self, row, found, atoms=ATOMS, targets=TARGETS):
        atoms, codes = atoms.double(), found.codes.dense()[row].double()
        self.l1_penalty, self.support = float(found.l1_penalty[row]), codes.nonzero().flatten()
        gradients = 2 * atoms @ (targets[row].double() - codes @ atoms)
        gram = atoms[self.support] @ atoms[self.support].T
        shares = torch.linalg.solve(gram, atoms[self.support] @ atoms.T)  # a of every atom
        falls = 1 - shares.sum(dim=0)
        ahead = torch.where(falls > 1e-6, (self.l1_penalty - gradients) / falls, math.inf)
        ahead[self.support] = math.inf
        self.joins = int(ahead.argmin())
        self.ahead = float(ahead[self.joins])  # of the end: where that atom joins
        self.off = LassoPath().kkt_tol * float((1 + shares.abs().sum(dim=0))[self.joins] / falls[self.joins])
        self.slope = float(torch.linalg.solve(gram, torch.ones(len(gram), dtype=torch.float64)).abs().max()) / 2


def require_same_ends(found, expected, moved, factor=1):
    """Compare paths that may end a rounding apart.

    Args:
        found: One solution.
        expected: The other one.
        moved: How far its end may be from that of the other, for each row: the codes then are by as much times their
            slope, and certified codes by rounding, 1e-6.
        factor: Of the targets of the first to those of the other.
    """
    for row, (one, other) in enumerate(zip(found.codes.dense(), expected.codes.dense(), strict=True)):
        assert abs(float(found.l1_penalty[row] - factor * expected.l1_penalty[row])) <= moved[row]
        assert float((one - factor * other).abs().max()) <= moved[row] * End(row, expected).slope + 1e-6 * factor


@both_engines
def test_one_more_concept_joins_right_behind_the_end(engine):
    """The end is the smallest penalty of its line, not just a point on it."""
    found = solve(target_l0=5, l1_penalty=1e-3, engine=engine)
    for row in range(10):
        end = End(row, found)
        behind = end.l1_penalty - 2 * end.off  # twice, for rounding of the end
        assert behind > (1 - 1e-2) * end.l1_penalty
        support = set(solve(targets=TARGETS[[row]], l1_penalty=behind).codes.indices.tolist())
        assert {*end.support.tolist(), end.joins} <= support


@both_engines
def test_a_number_that_two_atoms_jump_over_is_missed_and_said_so(engine):
    axes = torch.eye(4)
    target = normalize(axes[:1] + axes[1:2], dim=1)  # the first two join at once
    found = solve(axes, target, target_l0=1, l1_penalty=1e-3, engine=engine)
    assert int(found.codes.l0()) < 1
    assert found.status is Status.TARGET_MISSED
    assert "solver.target_l0" in found.status.value


def test_a_path_that_ends_with_fewer_is_said_to():
    found = solve(target_l0=20, l1_penalty=0.2)
    expected = solve(l1_penalty=0.2)
    assert found.status is Status.TARGET_MISSED
    torch.testing.assert_close(found.codes.dense(), expected.codes.dense())
    assert found.l1_penalty.unique().tolist() == [0.2]


@both_engines
@both_signs
@pytest.mark.parametrize("mean_l0", [0, 1.5, 6, 10.25])
def test_one_penalty_gives_the_number_asked_for_on_average(nonnegative, mean_l0, engine):
    found = solve(mean_l0=mean_l0, l1_penalty=0.01, nonnegative=nonnegative, engine=engine)
    assert mean_l0 - 2 / len(TARGETS) <= found.codes.l0().double().mean() <= mean_l0
    assert len(found.l1_penalty.unique()) == 1
    assert found.status is Status.CONVERGED


def test_rows_in_batches_have_one_penalty():
    whole, parts = solve(mean_l0=6, l1_penalty=0.01), solve(mean_l0=6, l1_penalty=0.01, batch_size=7)
    assert len(parts.l1_penalty.unique()) == 1
    # It lies midway between two events, the nearer of which is where the next atom joins: rounding moves it, past none.
    ahead = min(End(row, whole).ahead for row in range(len(TARGETS)))
    assert 0 < ahead < 1e-2 * float(whole.l1_penalty[0])
    require_same_ends(parts, whole, [ahead] * len(TARGETS))


@both_engines
@both_signs
@pytest.mark.parametrize("distance", [0.0, 1e-4, 1e-2])
def test_atoms_that_coincide_or_nearly_do(nonnegative, distance, engine):
    atoms = correlated_atoms(40, 24, seed=3, dtype=torch.float64)
    twins = normalize(atoms + distance * unit_rows(40, 24, 4, torch.float64), dim=1)
    both = torch.cat([atoms, twins]).float()
    for found in solve_at(
        both, planted_targets(both, 20, seed=5), (0.2, 0.05, 0.01), nonnegative=nonnegative, engine=engine
    ):
        assert found.status is Status.CONVERGED
        assert found.duality_gap.max() <= 1e-6
    if not distance:
        codes = found.codes.dense()
        assert not ((codes[:, :40] != 0) & (codes[:, 40:] != 0)).any()  # of equal atoms one has the code


@both_engines
@both_signs
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_to_the_dense_end(nonnegative, dtype, engine):
    atoms, targets = ATOMS.to(dtype), unit_rows(10, 24, 7, dtype)
    for found in solve_at(atoms, targets, (0.1, 1e-2, 1e-3, 1e-4, 1e-5), nonnegative=nonnegative, engine=engine):
        assert found.status is Status.CONVERGED
        assert found.codes.l0().max() <= 24
    assert found.codes.l0().min() >= (12 if nonnegative else 24)


def test_scaling_a_row_scales_its_path():
    expected = solve(target_l0=4, l1_penalty=1e-3)
    off = [End(row, expected).off for row in range(len(TARGETS))]

    @given(factor=st.floats(0.2, 5))
    def scale(factor):
        found = solve(targets=factor * TARGETS, target_l0=4, l1_penalty=1e-3)
        require_same_ends(found, expected, [(1 + factor) * one for one in off], factor)  # tolerances are not scaled

    scale()


def test_the_whole_path_takes_one_product_where_rows_of_the_gram_matrix_tell_the_rest():
    assert max(int(found.num_iterations.max()) for found in solve_at(penalties=PENALTIES[:6])) == 1
    assert max(int(found.num_iterations.max()) for found in solve_at()) <= 2  # and near L = 0
    assert solve_at(gram_rows=0)[0].num_iterations.min() >= len(PENALTIES) - 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_l0": 0}, r"^target_l0 is 0"),
        ({"mean_l0": -1}, r"^mean_l0 is -1"),
        ({"target_l0": 3, "mean_l0": 3}, r"^target_l0 is 3 and mean_l0 is 3, but only one"),
        ({"penalties": [0.25, -1.0]}, r"^penalties is -1"),
        ({"penalties": [0.25], "mean_l0": 3}, r"^penalties is \[0\.25\], but target_l0 or"),
        ({"working_set": 0}, r"^working_set is 0"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(SpliceError, match=message):
        LassoPath(**options)


def test_paths_are_not_followed_much_further_than_the_number_asked_for(monkeypatch):
    ends = []
    monkeypatch.setattr(LassoPath, "_events", lambda self, *given: ends.append(given[-1]) or events(self, *given))
    solver = LassoPath(mean_l0=8, l1_penalty=1e-4)
    found = solver.calibrate(solver.prepare(ATOMS), TARGETS)
    assert ends == sorted(ends, reverse=True)
    assert found >= ends[-1] > 0.6 * found
    way = LassoPath._way
    monkeypatch.setattr(LassoPath, "_way", lambda self, end=None: way(self, end) if end else [self.l1_penalty])
    assert solver.calibrate(solver.prepare(ATOMS), TARGETS) == pytest.approx(found, rel=1e-6)
    assert ends[-1] == 1e-4


def test_a_mean_that_no_path_reaches():
    with pytest.raises(SpliceError, match=r"^mean_l0 is 20, but .* at l1_penalty=0\.3"):
        solve(mean_l0=20, l1_penalty=0.3)


NEARLY = 3e-3
FAN = torch.tensor([[math.cos(a), math.sin(a), 0.0] for a in (0, math.pi / 6, -math.pi / 6)]) * math.sin(0.5)
FAN[:, 2] = math.cos(0.5)


def test_twins_between_which_the_path_cannot_choose():
    """Of two atoms 0.003 apart, with the target between them: float32 cannot tell whether the second joins."""
    atoms = torch.tensor([[1.0, 0.0, 0.0], [math.cos(NEARLY), math.sin(NEARLY), 0.0], [0.0, 0.0, 1.0]])
    angle = 0.49 * NEARLY
    target = torch.tensor([[0.9 * math.cos(angle), 0.9 * math.sin(angle), math.sqrt(0.19)]])
    found = solve(atoms, target, target_l0=2, l1_penalty=1e-3)
    assert found.codes.l0() <= 2
    assert found.status in (Status.CONVERGED, Status.TARGET_MISSED)


@both_engines
@pytest.mark.parametrize("l1_penalty", [0.0, 1e-7, 0.1])
def test_of_three_that_join_at_once_none_gets_the_wrong_sign(l1_penalty, engine):
    found = solve(FAN, torch.tensor([[0.0, 0.0, 1.0]]), l1_penalty=l1_penalty, engine=engine)
    assert (found.codes.values > 0).all()
    assert found.status is Status.CONVERGED


def test_a_tolerance_that_nobody_reaches_comes_to_an_end():
    found = solve(l1_penalty=0.1, kkt_tol=0, tol=0)
    assert found.status in (Status.PRECISION, Status.MAX_ITERATIONS)
    assert found.duality_gap.max() < 1e-9
    torch.testing.assert_close(found.codes.dense(), solve(l1_penalty=0.1).codes.dense(), rtol=1e-4, atol=1e-6)


def test_two_that_join_within_rounding_are_told_apart():
    target = normalize(torch.tensor([[3.0, 2.0, 2 - 3.6e-6, 0.5]]), dim=1)
    found = solve(torch.eye(4), target, target_l0=2, l1_penalty=1e-3)
    assert found.codes.indices.tolist() == [0, 1]
    assert found.status is Status.CONVERGED


@both_engines
@pytest.mark.parametrize("mean_l0", [2, 3.5, 6])
def test_rows_that_are_the_same_do_not_exceed_the_mean(mean_l0, engine):
    found = solve(targets=TARGETS[:6].repeat(8, 1), mean_l0=mean_l0, l1_penalty=0.01, engine=engine)
    assert found.codes.l0().double().mean() <= mean_l0


@pytest.mark.parametrize("penalty", [-0.1, float("nan")])
def test_penalties_that_are_none(penalty):
    with pytest.raises(SpliceError, match="a penalty is"):
        solve_at(penalties=(0.1, penalty))


@both_engines
def test_the_end_of_the_path_is_nonnegative_least_squares(engine):
    atoms = unit_rows(12, 24, seed=7, dtype=torch.float64)
    targets = unit_rows(20, 24, seed=8, dtype=torch.float64)
    found = solve(atoms, targets, l1_penalty=0, engine=engine)
    assert found.status is Status.CONVERGED
    for row, codes in zip(targets.numpy(), found.codes.dense().numpy(), strict=True):
        np.testing.assert_allclose(codes, nnls(atoms.numpy().T, row)[0], atol=1e-6)


def test_a_mean_is_not_read_off_paths_without_an_end():
    with pytest.raises(SpliceError, match=r"^max_iterations is 1, but \d+ paths do not come to an end"):
        solve(mean_l0=8, l1_penalty=0.01, gram_rows=0, max_iterations=1)


def test_nothing_to_solve():
    assert solve_at(penalties=()) == []
    assert [len(found.codes) for found in solve_at(targets=TARGETS[:0], penalties=(0.2, 0.1))] == [0, 0]
    assert len(solve(targets=TARGETS[:0], mean_l0=3).codes) == 0


@pytest.mark.parametrize("way", [{"mean_l0": 3}, {"target_l0": 3}, {}])
def test_embeddings_of_another_width(way):
    with pytest.raises(SpliceError, match=r"23 wide.*24 wide"):
        solve(targets=unit_rows(2, 23, 0), **way)


@both_engines
def test_zero_rows_have_no_concepts(engine):
    found = solve(targets=torch.cat([torch.zeros(1, 24), TARGETS[:2]]), target_l0=3, l1_penalty=1e-3, engine=engine)
    assert found.codes.l0().tolist() == [0, 3, 3]
    assert found.status is Status.TARGET_MISSED


@both_engines
def test_more_concepts_than_dimensions_cannot_be_had(engine):
    found = solve(target_l0=25, l1_penalty=1e-4, engine=engine)
    assert found.codes.l0().max() <= 24
    assert found.status is Status.TARGET_MISSED


def test_batches_do_not_change_where_paths_end():
    whole, parts = solve(target_l0=4, l1_penalty=1e-3), solve(target_l0=4, l1_penalty=1e-3, batch_size=7)
    require_same_ends(parts, whole, [2 * End(row, whole).off for row in range(len(TARGETS))])  # of either


@pytest.mark.parametrize("nonnegative", [True, False])
def test_engines_agree_on_where_paths_end(nonnegative):
    found, expected = (
        solve(target_l0=5, l1_penalty=1e-3, nonnegative=nonnegative, engine=engine) for engine in ("torch", "compiled")
    )
    require_same_ends(found, expected, [2 * End(row, expected).off for row in range(len(TARGETS))])
    one, other = (
        solve(mean_l0=6, l1_penalty=0.01, nonnegative=nonnegative, engine=engine) for engine in ("torch", "compiled")
    )
    torch.testing.assert_close(one.l1_penalty, other.l1_penalty, rtol=1e-5, atol=0)
    torch.testing.assert_close(one.codes.dense(), other.codes.dense(), rtol=1e-4, atol=1e-5)
    assert torch.equal(one.codes.l0(), other.codes.l0())


@pytest.mark.parametrize("max_iterations", [1, 5])
def test_products_that_torch_may_take(max_iterations, monkeypatch):
    """What needs more is left to the compiled engine, which says whether it has come to an end."""
    left, compiled = [], LassoPath._pursue_compiled

    def pursue(self, atoms, gram, targets, *arguments):
        left.append(len(targets))
        return compiled(self, atoms, gram, targets, *arguments)

    monkeypatch.setattr(LassoPath, "_pursue_compiled", pursue)
    found = solve(l1_penalty=0.01, engine="torch", max_iterations=max_iterations)
    assert left == [len(TARGETS)]
    assert found.num_iterations.max() <= max_iterations
