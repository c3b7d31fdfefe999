"""The path of an image is exact at every penalty, between events and at them."""

import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.explorer.path import END, Follower
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.objective import lasso_certificate
from tests.conftest import correlated_atoms, planted_targets


@pytest.fixture(scope="module", params=[True, False], ids=["nonnegative", "signed"])
def problem(request):
    atoms = correlated_atoms(300, 48, seed=0)
    return request.param, atoms, planted_targets(atoms, 4, seed=1)


def test_codes_are_certified_everywhere(problem):
    nonnegative, atoms, targets = problem
    follower = Follower(atoms, nonnegative)
    for row in range(len(targets)):
        path = follower.follow(targets[row : row + 1])
        assert len(path.knots) > 5
        assert path.knots == sorted(path.knots, reverse=True)
        between = [(high + low) / 2 for high, low in zip(path.knots, path.knots[1:], strict=False)]
        for penalty in [*path.knots, *between, *(1.0000001 * knot for knot in path.knots)]:
            found = path.at(penalty)
            certificate = lasso_certificate(
                targets[row : row + 1].double(), atoms.double(), found.dense(), penalty, nonnegative
            )
            assert float(certificate.duality_gap) < 1e-6
            assert float(certificate.kkt_violation) < 1e-5


def test_codes_are_those_of_the_solver(problem):
    nonnegative, atoms, targets = problem
    path = Follower(atoms, nonnegative).follow(targets[:1])
    for penalty in (0.5, 0.3, 0.17, 0.1):
        solver = ActiveSet(l1_penalty=penalty, nonnegative=nonnegative)
        expected = solver.solve(solver.prepare(atoms), targets[:1]).codes
        torch.testing.assert_close(path.at(penalty).dense().float(), expected.dense().float(), atol=1e-4, rtol=0)


def test_from_the_largest_penalty_on_there_is_nothing_and_just_below_one_concept(problem):
    nonnegative, atoms, targets = problem
    path = Follower(atoms, nonnegative).follow(targets[:1])
    assert int(path.at(path.largest).l0()) == 0
    assert int(path.at(7.0).l0()) == 0
    assert int(path.at(0.9999 * path.largest).l0()) == 1


def test_where_no_path_goes_is_refused(problem):
    _, atoms, targets = problem
    path = Follower(atoms).follow(targets[:1])
    for penalty in (0.5 * END, -1.0, float("nan"), float("inf")):
        with pytest.raises(SpliceError, match=f"l1_penalty is {penalty}, but must be a finite number of at least 0.08"):
            path.at(penalty)


def test_a_target_far_from_all_atoms_has_a_path_without_events():
    atoms = torch.eye(3, 8)
    path = Follower(atoms).follow(torch.eye(8)[5:6])
    assert path.segments == ()
    assert int(path.at(END).l0()) == 0
