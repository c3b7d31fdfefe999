"""What a look at correlations sees is what the definition says."""

import numpy as np
import pytest

from splice_exp.solvers.kernels.looks import violators, violators_nearby

RANDOM = np.random.default_rng(0)
ATOMS = RANDOM.standard_normal((500, 12))
ATOMS = (ATOMS / np.linalg.norm(ATOMS, axis=1, keepdims=True)).astype(np.float32)
both_signs = pytest.mark.parametrize("nonnegative", [True, False])


def strength(correlations, nonnegative):
    return correlations if nonnegative else np.abs(correlations)


@both_signs
@pytest.mark.parametrize("size", [1, 63, 64, 65, 500])
def test_all_violators_are_found_where_there_is_room(nonnegative, size):
    c = RANDOM.standard_normal(size)
    found, strengths = np.empty(size, np.int64), np.empty(size)
    member = np.arange(size) % 5 == 0
    count = violators(c, 0.5, nonnegative, size, member, found, strengths)
    assert found[:count].tolist() == ((strength(c, nonnegative) > 0.5) & ~member).nonzero()[0].tolist()


@both_signs
@pytest.mark.parametrize("most", [1, 7, 40])
def test_of_many_violators_about_the_strongest_are_taken(nonnegative, most):
    c = RANDOM.standard_normal(500)
    found, strengths = np.empty(500, np.int64), np.empty(500)
    count = violators(c, 0.1, nonnegative, most, np.zeros(500, np.bool_), found, strengths)
    assert 0 < count <= most
    taken = strength(c, nonnegative)[found[:count]]
    assert taken.min() >= np.sort(strength(c, nonnegative))[-4 * most - 8]


@both_signs
@pytest.mark.parametrize("distance", [0.01, 0.1])
def test_no_violator_escapes_the_bound(nonnegative, distance):
    """Correlations of another residual, at a distance, tell where to look."""
    r = RANDOM.standard_normal(12)
    r /= np.linalg.norm(r)
    away = RANDOM.standard_normal(12)
    earlier = ATOMS @ (r + distance * away / np.linalg.norm(away))
    member = np.zeros(500, np.bool_)
    member[::7] = True
    found, strengths = np.empty(500, np.int64), np.empty(500)
    count = violators_nearby(ATOMS, r, earlier, 0.3 - distance - 1e-6, 0.3, nonnegative, 500, member, found, strengths)
    now = ATOMS.astype(np.float64) @ r
    expected = ((strength(now, nonnegative) > 0.3) & ~member).nonzero()[0]
    assert found[:count].tolist() == expected.tolist()
    np.testing.assert_allclose(strengths[:count], now[expected])


def test_too_many_to_look_at_one_by_one():
    found, strengths = np.empty(500, np.int64), np.empty(500)
    member = np.zeros(500, np.bool_)
    assert (
        violators_nearby(
            ATOMS, ATOMS[0].astype(float), ATOMS @ ATOMS[0], -1.0, 0.3, True, 499, member, found, strengths
        )
        == -1
    )
