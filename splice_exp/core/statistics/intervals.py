"""How sure a mean over many samples is: percentile bootstrap intervals; of a few values: `statistics.estimates`."""

from __future__ import annotations

import numpy as np
import scipy  # whose parts are imported when they are first used: scipy.stats takes a second

from splice_exp.core.statistics.estimates import CONFIDENCE

AT_ONCE = 2**22  # values drawn at a time: 32 MiB of places


def mean_interval(values: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean of (n,) values; constant values have no width.

    Args:
        values: Independent of each other.
        resamples: How often they are resampled, with replacement.
        seed: Of the resampling.

    Returns:
        Lower and upper end.
    """
    return mean_intervals(values[None], resamples, seed)[0]


def mean_intervals(rows: np.ndarray, resamples: int, seed: int) -> list[tuple[float, float]]:
    """Return what `mean_interval` does of each row: rows of the same samples share their draws, which take longest.

    A resample is how often it has each value, so the means of all rows are one product. They are those of
    `scipy.stats.bootstrap` with the same seed, which looks every value up: seven times as long for 30 rows of 1,000.

    Args:
        rows: Of independent values, (m, n).
        resamples: How often they are resampled, with replacement.
        seed: Of the resampling.

    Returns:
        Lower and upper end of each row.
    """
    means = rows.mean(axis=1)
    ends = np.stack([means, means], axis=1)
    varying = (rows != rows[:, :1]).any(axis=1)
    if varying.any():
        random, rounds = np.random.default_rng(seed), max(1, AT_ONCE // rows.shape[1])
        drawn = [
            rows[varying] @ _counts(random, min(rounds, resamples - start), rows.shape[1]).T / rows.shape[1]
            for start in range(0, resamples, rounds)
        ]
        levels = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
        ends[varying] = np.quantile(np.concatenate(drawn, axis=1), levels, axis=1).T
    return [(float(low), float(high)) for low, high in ends]


def _counts(random: np.random.Generator, resamples: int, size: int) -> np.ndarray:
    """Draw with replacement, and return how often each value is in each resample, (resamples, size)."""
    places = random.integers(size, size=(resamples, size)) + size * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=places.size).reshape(places.shape)


def worst_interval(values: np.ndarray, groups: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the smallest of the groups' means; which group it is, varies, too.

    Args:
        values: (n,).
        groups: To which each belongs, (n,) integers; groups are resampled one by one, so that none is ever empty.
        resamples: How many.
        seed: Of the sampling.
    """
    random = np.random.default_rng(seed)
    means = np.stack(
        [
            members[random.integers(len(members), size=(resamples, len(members)))].mean(axis=1)
            for members in (values[groups == group] for group in np.unique(groups))
        ]
    )
    low, high = np.quantile(means.min(axis=0), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def of_group(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return values over all samples whose mean is that of a group, and whose mean varies as that of the group does.

        u_i = v̄ + (n / m) · (v_i − v̄)  in the group of m,   v̄  outside

    So a measure of a group has an interval, and a paired difference, like one of all samples (linearisation: Cochran,
    Sampling techniques, section 2.9).

    Args:
        values: (n,).
        members: Which samples are in the group, (n,) bool, at least one.
    """
    mean = values[members].mean()
    return mean + members * (values - mean) * (len(values) / members.sum())


def weighted(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return values whose mean is the weighted mean r, and whose mean varies as that does.

        u_i = r + w_i (v_i − r) / w̄        r = Σ w_i v_i / Σ w_i

    Args:
        values: (n,).
        weights: (n,), not all of them 0.

    References:
        Cochran. Sampling techniques, 3rd ed., section 2.11. Wiley 1977.
    """
    mean = np.average(values, weights=weights)
    return np.asarray(mean + weights * (values - mean) / weights.mean())


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return (n,) values whose mean is Spearman's correlation ρ, and whose spread is that of ρ; constant: zeros.

        u_i = ρ + a_i b_i − ρ (a_i² + b_i²) / 2        a, b = standardised ranks, ties at their mean

    Args:
        first: (n,).
        second: (n,).

    References:
        Devlin, Gnanadesikan, Kettenring. Robust estimation and outlier detection with correlation coefficients.
        Biometrika 62, 1975 (the influence of one pair on a correlation).
    """
    ranks = [scipy.stats.rankdata(values) for values in (first, second)]
    if any(np.ptp(values) == 0 for values in ranks):
        return np.zeros(len(first))
    a, b = ((values - values.mean()) / values.std() for values in ranks)
    rho = (a * b).mean()
    return np.asarray(rho + a * b - rho * (a**2 + b**2) / 2)


def ranks_above(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return, over all samples, values whose mean is the probability that one of `first` lies above one of the others.

    Ties count a half: it is the area under the ROC curve. The spread of the mean is that of DeLong, DeLong and
    Clarke-Pearson (Biometrics 44, 1988).

    Args:
        values: (n,).
        first: Which samples should lie above, (n,) bool; neither all nor none.
    """
    ranks = scipy.stats.rankdata(values)
    m, n = int(first.sum()), len(values)
    within = np.empty(n)
    within[first], within[~first] = scipy.stats.rankdata(values[first]), scipy.stats.rankdata(values[~first])
    # Share of the other side that lies below a value of `first`, or above one of the others.
    share = np.where(first, (ranks - within) / (n - m), 1 - (ranks - within) / m)
    return (of_group(share, first) + of_group(share, ~first)) - share[first].mean()
