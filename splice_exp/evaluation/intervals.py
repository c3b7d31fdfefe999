"""How sure a mean over samples is: percentile bootstrap intervals, of means and of paired differences."""

from __future__ import annotations

import numpy as np
from scipy.stats import bootstrap

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
