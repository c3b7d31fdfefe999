"""How sure a mean is: percentile bootstrap intervals over many samples, Student's intervals over a few seeds."""

from __future__ import annotations

import numpy as np
from scipy.stats import bootstrap, sem, t

CONFIDENCE = 0.95


def mean_interval(values: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean of (n,) values; constant values have no width."""
    if len(values) < 2 or np.all(values == values[0]):
        return float(values.mean()), float(values.mean())
    result = bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        confidence_level=CONFIDENCE,
        method="percentile",
        batch=max(1, 2**22 // len(values)),
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def student_interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean of (n,) values by Student's t; constant values have no width."""
    mean = float(values.mean())
    if len(values) < 2 or np.all(values == values[0]):
        return mean, mean
    half = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * sem(values))
    return mean - half, mean + half
