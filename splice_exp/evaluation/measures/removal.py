"""Which concepts to take out of a probe on codes: by how well they predict an attribute, or sampled at random.

score_k = |a_k| · |δ_k|
a_k = weight of concept k between two answers of the probe
δ_k = mean over classes of E[w_k | class, second value] − E[w_k | class, first value]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from splice_exp.core.codes import Codes
from splice_exp.evaluation.measures.probes import Probe, code_features

COUNTS = (0, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200)  # of proposed concepts, to choose from


def without(probe: Probe, concepts: Sequence[str], removed: Sequence[str]) -> Probe:
    """Return a probe on codes to which some concepts are nothing.

    Args:
        probe: On codes; stays as it is.
        concepts: Names of its columns.
        removed: Some of these.
    """
    weights = probe.weights.copy()
    place = {name: index for index, name in enumerate(concepts)}
    weights[:, [place[name] for name in removed]] = 0
    return replace(probe, weights=weights)


def telling(probe: Probe, codes: Codes, classes: np.ndarray, values: np.ndarray) -> list[str]:
    """Return the concepts by which an attribute of two values moves a probe of two answers, the most telling first.

    Args:
        probe: On codes.
        codes: Of the samples that it learned from.
        classes: Class of each sample, (n,).
        values: Value of the attribute of each sample, 0 or 1, (n,).
    """
    features = code_features(codes)
    differences = [
        features[(classes == label) & (values == 1)].mean(axis=0)
        - features[(classes == label) & (values == 0)].mean(axis=0)
        for label in np.unique(classes)
    ]
    shift = np.abs(np.asarray(np.mean(differences, axis=0)).ravel())
    scores = np.abs(probe.weights[1] - probe.weights[0]) * shift
    return [codes.concepts[place] for place in np.argsort(-scores, kind="stable") if scores[place] > 0]


def draw_concepts(codes: Codes, count: int, spared: Sequence[str], seed: int) -> list[str]:
    """Draw concepts by how much code they have in all rows: the null of an intervention.

    Args:
        codes: Named.
        count: How many, or as many as there are.
        spared: Concepts that are not sampled.
        seed: Of the sampling.
    """
    total = torch.zeros(codes.num_concepts, dtype=torch.float64)
    total.index_add_(0, codes.indices, codes.values.abs().double())
    total[[codes.index(name) for name in spared]] = 0
    weights = total.numpy()
    count = min(count, int((weights > 0).sum()))
    if not count:
        return []
    drawn = np.random.default_rng(seed).choice(len(weights), size=count, replace=False, p=weights / weights.sum())
    return [codes.concepts[place] for place in sorted(drawn.tolist())]
