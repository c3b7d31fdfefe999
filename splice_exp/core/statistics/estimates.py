"""A mean, and how sure it is: of independent values, of values in clusters, of samples under several draws.

    independent   SE² = s² / n                                                       n − 1 degrees of freedom
    clusters      SE² = G / (G − 1) · Σ_g (Σ_{i in g} (v_i − v̄))² / n²                G − 1
    two ways      SE² = s²_samples / n + s²_draws / D                                by Satterthwaite

Intervals are those of Student's t; of a share on the scale of the logit, where its ends stay between 0 and 1:

    logit(m) ± t · SE / (m (1 − m))

What has other bounds, as a cosine or a number of concepts, has an interval that ends at them: there is nothing beyond,
so that it covers as often.

References:
    Liang, Zeger. Longitudinal data analysis using generalized linear models. Biometrika 73, 1986 (clusters).
    Satterthwaite. An approximate distribution of estimates of variance components. Biometrics Bulletin 2, 1946.
    Brown, Cai, DasGupta. Interval estimation for a binomial proportion. Statistical Science 16, 2001 (logit).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # whose parts are imported when they are first used: scipy.stats takes a second
from jaxtyping import Shaped

CONFIDENCE = 0.95
UNBOUNDED, NOT_NEGATIVE, SHARES = (-math.inf, math.inf), (0.0, math.inf), (0.0, 1.0)  # where means may lie


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error.

    Attributes:
        mean: Of all values.
        error: Standard error of the mean; 0 where values are constant or there is one.
        freedom: Degrees of freedom of the error.
    """

    mean: float
    error: float
    freedom: float

    def interval(self, bounds: tuple[float, float] = UNBOUNDED) -> tuple[float, float]:
        """Return the 95 % interval.

        Args:
            bounds: Between which the mean lies whatever the values, and its interval stays.

        Example:
            >>> low, high = Estimate(0.92, 0.05, 2).interval(SHARES)
            >>> round(low, 3), round(high, 3)
            (0.382, 0.995)
            >>> Estimate(0.5, 0.25, 2).interval(NOT_NEGATIVE)[0]
            0.0
        """
        if self.error == 0:
            return self.mean, self.mean
        half = float(scipy.stats.t.ppf((1 + CONFIDENCE) / 2, self.freedom)) * self.error
        if bounds != SHARES or not 0 < self.mean < 1:
            return within((self.mean - half, self.mean + half), bounds)
        middle, half = math.log(self.mean / (1 - self.mean)), half / (self.mean * (1 - self.mean))
        return float(scipy.special.expit(middle - half)), float(scipy.special.expit(middle + half))

    def level(self, value: float) -> float:
        """Return the two-sided level at which the mean differs from a value: its p value.

        Example:
            >>> round(Estimate(1.0, 0.5, 30).level(0.0), 3)
            0.055
        """
        if self.error == 0:
            return 1.0 if self.mean == value else 0.0
        return float(2 * scipy.stats.t.sf(abs(self.mean - value) / self.error, self.freedom))


def within(ends: tuple[float, float], bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of an interval, no farther than the bounds of what it is of.

    Args:
        ends: Lower and upper one.
        bounds: The smallest and the largest value that there can be.
    """
    return max(ends[0], bounds[0]), min(ends[1], bounds[1])


def of_values(values: Shaped[np.ndarray, " n"]) -> Estimate:
    """Estimate a mean from independent values."""
    count, spread = len(values), _variance(values)
    return Estimate(float(values.mean()), math.sqrt(spread / count), max(count - 1, 1))


def of_clusters(values: Shaped[np.ndarray, " n"], clusters: Shaped[np.ndarray, " n"]) -> Estimate:
    """Estimate a mean from values that depend on each other within a cluster.

    Args:
        values: (n,).
        clusters: To which each belongs; of one cluster alone nothing is known of the spread between clusters, and its
            values count as independent.
    """
    _, numbers = np.unique(clusters, return_inverse=True)
    count = int(numbers.max()) + 1
    if count == 1:
        return of_values(values)
    mean = float(values.mean())
    sums = np.bincount(numbers, weights=np.asarray(values, dtype=float) - mean)
    constant = np.all(values == values[0])
    error = 0.0 if constant else math.sqrt(count / (count - 1) * float((sums**2).sum())) / len(values)
    return Estimate(mean, error, count - 1)


def of_draws(values: Shaped[np.ndarray, "draws n"]) -> Estimate:
    """Estimate a mean from the same samples under several draws, of a random dictionary say: both vary.

    Args:
        values: One row per draw.
    """
    draws, count = values.shape
    of_samples, of_rows = values.mean(axis=0), values.mean(axis=1)
    first, second = _variance(of_samples) / count, _variance(of_rows) / draws
    if first + second == 0:
        return Estimate(float(values.mean()), 0.0, max(count - 1, 1))
    weights = first**2 / max(count - 1, 1) + second**2 / max(draws - 1, 1)
    return Estimate(float(values.mean()), math.sqrt(first + second), (first + second) ** 2 / weights)


def holm(levels: Sequence[float]) -> list[float]:
    """Return levels adjusted for their number, in their order: at 5 % at most one family in twenty has a false one.

        adjusted of the i-th smallest = max over j ≤ i of min(1, (m − j + 1) · level_j)

    References:
        Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, 1979.

    Example:
        >>> [round(level, 3) for level in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(levels, kind="stable")
    adjusted, largest = [0.0] * len(levels), 0.0
    for place, index in enumerate(order.tolist()):
        largest = max(largest, min(1.0, (len(levels) - place) * levels[index]))
        adjusted[index] = largest
    return adjusted


def _variance(values: np.ndarray) -> float:
    """Return the variance of a population that values are sampled from; 0 where they are constant."""
    if len(values) < 2 or np.all(values == values[0]):
        return 0.0
    return float(values.var(ddof=1))
