"""Probes that know the groups of their samples: what a correction by concepts has to compete with.

    reweighted   v_i = n / (number of groups · samples in the group of i), on training data
    retrained    mean of `DRAWS` probes, each on equally many samples of every group, sampled from validation data

References:
    Idrissi, Arjovsky, Pezeshki, Lopez-Paz. Simple data balancing achieves competitive worst-group-accuracy. CLeaR 2022.
    Kirichenko, Izmailov, Wilson. Last layer re-training is sufficient for robustness to spurious correlations. ICLR
    2023 (deep feature reweighting).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splice_exp.evaluation.measures.probes import Features, Probe, fit_probe

DRAWS = 10  # balanced subsets, as many as the authors of deep feature reweighting take


def fit_reweighted(features: Features, labels: np.ndarray, groups: np.ndarray, seed: int) -> Probe:
    """Fit a probe in whose loss every group has the same weight.

    Args:
        features: (n, d), dense or sparse.
        labels: (n,).
        groups: Group of each sample, 0, 1, …, (n,); none is empty.
        seed: Of the folds in which C is chosen.
    """
    sizes = np.bincount(groups)
    return fit_probe(features, labels, seed, sample_weights=len(groups) / (len(sizes) * sizes[groups]))


def fit_retrained(features: Features, labels: np.ndarray, groups: np.ndarray, seed: int) -> Probe:
    """Fit probes on balanced subsets and average their weights; C is chosen once, on the first subset.

    Args:
        features: (n, d), dense or sparse.
        labels: (n,).
        groups: Group of each sample, 0, 1, …, (n,); none is empty.
        seed: Of the subsets and the folds.
    """
    random = np.random.default_rng(seed)
    smallest = int(np.bincount(groups).min())
    subsets = [
        np.concatenate([random.permutation(np.flatnonzero(groups == group))[:smallest] for group in np.unique(groups)])
        for _ in range(DRAWS)
    ]
    first = fit_probe(features[subsets[0]], labels[subsets[0]], seed)
    probes = [first, *(fit_probe(features[rows], labels[rows], seed, (first.strength,)) for rows in subsets[1:])]
    return replace(
        first,
        weights=np.mean([probe.weights for probe in probes], axis=0),
        intercept=np.mean([probe.intercept for probe in probes], axis=0),
        gradient=max(probe.gradient for probe in probes),
    )
