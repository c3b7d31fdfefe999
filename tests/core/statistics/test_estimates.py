"""Intervals that hold what they promise: simulated, 95 % of them cover the truth."""

import numpy as np
import pytest
from scipy import stats

from splice_exp.core.statistics.estimates import NOT_NEGATIVE, SHARES, Estimate, holm, of_clusters, of_draws, of_values
from splice_exp.core.statistics.intervals import mean_interval, of_group, worst_interval

TRIALS = 800  # of which 95 % are to cover, give or take 1.5 (two standard errors)
RESAMPLES = 250


def coverage(draw, truth):
    """Return the share of simulated intervals that cover the truth."""
    random = np.random.default_rng(5)
    hits = 0
    for _ in range(TRIALS):
        low, high = draw(random)
        hits += low <= truth <= high
    return hits / TRIALS


def of_shares(random):
    """A few seeds of an accuracy near 100 %, each over its own 300 samples, with a spread between seeds."""
    found = random.binomial(300, np.clip(random.normal(0.93, 0.01, size=5), 0, 1)) / 300
    return of_values(found).interval(SHARES)


def of_heads(random):
    """Vectors of 16 heads, alike within a head."""
    heads = np.repeat(np.arange(16), 24)
    values = random.normal(size=16)[heads] + random.normal(size=len(heads))
    return of_clusters(values, heads).interval()


def of_dictionaries(random):
    """The same 200 samples under 5 random dictionaries: how hard a sample is, how good a draw is, and noise."""
    values = random.normal(size=200) + 0.3 * random.normal(size=(5, 1)) + random.normal(size=(5, 200))
    return of_draws(values).interval()


def of_bootstrap(random):
    return mean_interval(random.binomial(1, 0.8, size=300).astype(float), RESAMPLES, int(random.integers(2**31)))


def of_one_group(random):
    members = random.random(400) < 0.3
    values = random.binomial(1, np.where(members, 0.7, 0.9)).astype(float)
    return mean_interval(of_group(values, members), RESAMPLES, int(random.integers(2**31)))


def of_the_worst_group(random):
    groups = np.repeat(np.arange(4), 100)
    right = random.binomial(1, np.array([0.95, 0.6, 0.9, 0.8])[groups]).astype(float)
    return worst_interval(right, groups, RESAMPLES, int(random.integers(2**31)))


def of_paired_differences(random):
    hard = random.normal(size=250)
    change = (hard + 0.2 + random.normal(size=250) > 0).astype(float) - (hard + random.normal(size=250) > 0)
    return mean_interval(change, RESAMPLES, int(random.integers(2**31)))


PAIRED = float(stats.norm.cdf(0.2 / 2**0.5) - 0.5)


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (of_shares, 0.93),
        (of_heads, 0.0),
        (of_dictionaries, 0.0),
        (of_bootstrap, 0.8),
        (of_one_group, 0.7),
        (of_the_worst_group, 0.6),
        (of_paired_differences, PAIRED),
    ],
)
def test_95_percent_intervals_cover_95_percent(draw, truth):
    assert 0.93 <= coverage(draw, truth) <= 0.97


def test_intervals_of_shares_stay_between_0_and_100_percent():
    for mean in (0.01, 0.5, 0.92, 0.98):
        low, high = Estimate(mean, 0.02, 2).interval(SHARES)
        assert 0 < low < mean < high < 1
    assert Estimate(0.92, 0.04, 2).interval()[1] > 1  # as it was before
    assert Estimate(1.0, 0.0, 2).interval(SHARES) == (1.0, 1.0)
    low, high = Estimate(0.5, 0.01, 1000).interval(SHARES)
    plain = Estimate(0.5, 0.01, 1000).interval()
    assert (low, high) == pytest.approx(plain, abs=1e-4)  # in the middle it makes no difference


@pytest.mark.parametrize("bounds", [NOT_NEGATIVE, (-1.0, 1.0), SHARES])
def test_intervals_end_where_nothing_can_be(bounds):
    for mean in (0.001, 0.5, 0.999):
        low, high = Estimate(mean, 2.0, 2).interval(bounds)
        assert bounds[0] <= low < mean < high <= bounds[1]
    assert Estimate(0.5, 0.01, 30).interval((-1.0, 1.0)) == Estimate(0.5, 0.01, 30).interval()


def test_values_are_judged_as_by_scipy():
    values = np.random.default_rng(0).normal(0.4, 1, size=25)
    found = of_values(values)
    expected = stats.ttest_1samp(values, 0)
    assert found.level(0) == pytest.approx(expected.pvalue)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_clusters_of_one_value_are_values():
    values = np.random.default_rng(1).normal(size=40)
    alone, plain = of_clusters(values, np.arange(40)), of_values(values)
    assert (alone.mean, alone.error, alone.freedom) == pytest.approx((plain.mean, plain.error, plain.freedom))
    assert of_clusters(values, np.zeros(40)) == plain


def test_copies_within_a_cluster_add_nothing():
    values = np.random.default_rng(2).normal(size=12)
    copied = of_clusters(values.repeat(50), np.arange(12).repeat(50))
    plain = of_values(values)
    assert (copied.mean, copied.error) == pytest.approx((plain.mean, plain.error))


def test_draws_that_are_alike_add_nothing_and_others_do():
    values = np.random.default_rng(3).normal(size=(1, 300))
    alike = of_draws(np.repeat(values, 5, axis=0))
    plain = of_values(values[0])
    assert (alike.mean, alike.error) == pytest.approx((plain.mean, plain.error))
    moved = of_draws(values + np.array([[-0.5], [-0.2], [0], [0.3], [0.4]]))
    assert moved.error > 3 * plain.error / 2
    assert 4 <= moved.freedom < 20


def test_constant_values_have_no_width():
    assert of_values(np.ones(5)) == Estimate(1.0, 0.0, 4)
    assert of_values(np.ones(5)).level(1.0) == 1.0
    assert of_values(np.ones(5)).level(0.9) == 0.0
    assert of_clusters(np.ones(6), np.array([0, 0, 1, 1, 2, 2])).interval() == (1.0, 1.0)
    assert of_draws(np.ones((3, 4))).error == 0


def test_holm_is_what_the_step_down_procedure_says():
    random = np.random.default_rng(4)
    for _ in range(20):
        levels = (random.random(8) ** 3).tolist()
        adjusted = holm(levels)
        order = np.argsort(levels)
        rejected = 0
        for place, index in enumerate(order):  # reject until the first that fails
            if levels[index] > 0.05 / (len(levels) - place):
                break
            rejected += 1
        assert sum(level <= 0.05 for level in adjusted) == rejected
        assert np.all(np.diff(np.array(adjusted)[order]) >= 0)
    assert holm([]) == []
