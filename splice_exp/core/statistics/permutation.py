"""Permutation tests of paired values: exact whatever the values are distributed like."""

from __future__ import annotations

import numpy as np

TOGETHER = 2**22  # signs sampled at a time


def sign_flip_level(differences: np.ndarray, permutations: int, seed: int) -> float:
    """Return the one-sided level at which the mean of paired differences is above zero: its p value.

        p = (1 + draws with a mean of at least the observed one) / (1 + draws)

    Were the two sides of each pair alike, they could be exchanged: the sign of each difference is sampled at random.

    Args:
        differences: Of independent pairs, (n,).
        permutations: Draws; the smallest level is 1 / (1 + draws).
        seed: Of the signs.

    References:
        Fisher. The design of experiments, section 21. Oliver and Boyd 1935.
        Phipson, Smyth. Permutation p-values should never be zero. Statistical Applications in Genetics and Molecular
        Biology 9, 2010.

    Example:
        >>> sign_flip_level(np.ones(20), 999, 0), sign_flip_level(np.zeros(20), 999, 0)
        (0.001, 1.0)
    """
    random = np.random.default_rng(seed)
    observed, reached = float(differences.sum()), 0
    rounding = 1e-12 * float(np.abs(differences).sum())  # sums of the same values in another order are equal
    part = max(1, TOGETHER // max(1, len(differences)))
    for start in range(0, permutations, part):
        signs = random.integers(0, 2, size=(min(part, permutations - start), len(differences)), dtype=np.int8)
        reached += int(((2.0 * signs - 1) @ differences >= observed - rounding).sum())
    return (1 + reached) / (1 + permutations)
