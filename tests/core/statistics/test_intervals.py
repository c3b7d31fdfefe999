"""Measures of groups and ranks as means over all samples, with the spread that textbooks give them."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from splice_exp.core.statistics.intervals import of_group, rank_correlation, ranks_above, weighted


def test_the_mean_over_all_is_the_mean_of_the_group():
    random = np.random.default_rng(0)
    values, members = random.random(50), random.random(50) < 0.3
    found = of_group(values, members)
    assert found.mean() == pytest.approx(values[members].mean())
    # The spread of the mean over all is that of the mean over the group.
    assert found.var() / len(values) == pytest.approx(values[members].var() / members.sum())
    assert np.allclose(of_group(values, np.ones(50, bool)), values)


def test_ranks_are_the_area_under_the_curve_with_the_spread_of_delong():
    random = np.random.default_rng(1)
    values, first = np.round(random.random(80), 1), np.arange(80) < 30  # with ties
    values[first] += 0.2
    found = ranks_above(values, first)
    auc = roc_auc_score(first, values)
    assert found.mean() == pytest.approx(auc)
    wins = (values[first][:, None] > values[~first]) + 0.5 * (values[first][:, None] == values[~first])
    delong = wins.mean(axis=1).var() / 30 + wins.mean(axis=0).var() / 50
    assert found.var() / 80 == pytest.approx(delong)


def test_rank_correlation_has_the_mean_of_spearman_and_the_spread_of_resamples():
    random = np.random.default_rng(2)
    first = np.round(random.normal(size=400), 1)
    second = first + random.normal(size=400)
    found = rank_correlation(first, second)
    assert found.mean() == pytest.approx(spearmanr(first, second).statistic)
    rows = random.integers(400, size=(2000, 400))
    drawn = [spearmanr(first[one], second[one]).statistic for one in rows]
    assert found.std() / 20 == pytest.approx(np.std(drawn), rel=0.1)
    assert not rank_correlation(first, np.ones(400)).any()


def test_a_weighted_mean_varies_as_the_ratio_that_it_is():
    random = np.random.default_rng(0)
    weights = random.exponential(size=400)
    values = 0.3 + 0.1 * random.normal(size=400)
    found = weighted(values, weights)
    assert found.mean() == pytest.approx(np.average(values, weights=weights))
    draws = random.integers(400, size=(2000, 400))
    ratios = (weights[draws] * values[draws]).sum(axis=1) / weights[draws].sum(axis=1)
    assert found.std() / 20 == pytest.approx(ratios.std(), rel=0.1)
    constant = weighted(np.full(400, 0.3), weights)
    np.testing.assert_allclose(constant, 0.3)  # a share that is the same everywhere is sure, whatever the weights
