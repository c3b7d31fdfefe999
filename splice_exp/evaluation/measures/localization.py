"""How well a map points at an object whose pixels are known: measures of one map and one mask each.

References:
    Zhang et al. Top-down neural attention by excitation backprop. IJCV 2018 (pointing game).
    Wang et al. Score-CAM. CVPR workshops 2020 (energy-based pointing game).
    Choe et al. Evaluating weakly supervised object localization methods right. CVPR 2020 (MaxBoxAcc).
    Otsu. A threshold selection method from gray-level histograms. IEEE Trans. SMC 9, 1979.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import label
from sklearn.metrics import average_precision_score

LEVELS = np.linspace(0.05, 0.95, 19)  # thresholds, as shares of the largest value of a map
BOX_OVERLAP = 0.5  # IoU of two boxes that are the same object


def box_of(mask: np.ndarray) -> tuple[slice, slice]:
    """Return the smallest box around the pixels of a mask, (h, w) bool, not empty."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def filled(box: tuple[slice, slice], shape: tuple[int, ...]) -> np.ndarray:
    """Return the pixels of a box as a mask.

    Args:
        box: Rows and columns.
        shape: Of the mask.
    """
    found = np.zeros(shape, dtype=bool)
    found[box] = True
    return found


def points_at(scores: np.ndarray, mask: np.ndarray) -> float:
    """Say whether the largest value lies in the mask: the share of the largest values, where several are equal.

    Args:
        scores: A map, (h, w).
        mask: Pixels of the object, (h, w).
    """
    return float(mask[scores == scores.max()].mean())


def energy(scores: np.ndarray, mask: np.ndarray) -> float:
    """Return the share of the positive values that lies in the mask, Σ_mask A⁺ / Σ A⁺; 0 where there are none.

    Args:
        scores: A map, (h, w).
        mask: Pixels of the object, (h, w).
    """
    positive = np.maximum(scores, 0)
    total = positive.sum()
    return float(positive[mask].sum() / total) if total > 0 else 0.0


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the IoU of two masks; 0 where both are empty.

    Args:
        first: A mask, (h, w).
        second: Another one.
    """
    either = (first | second).sum()
    return float((first & second).sum() / either) if either else 0.0


def precision_of(scores: np.ndarray, mask: np.ndarray) -> float:
    """Return the average precision of the pixels of the mask in the order of the map.

    Args:
        scores: A map, (h, w).
        mask: Pixels of the object, (h, w), at least one.
    """
    return float(average_precision_score(mask.flatten(), scores.flatten()))


def at_levels(scores: np.ndarray) -> np.ndarray:
    """Return the pixels above each of `LEVELS`, (19, h, w); none where the map is nowhere positive."""
    top = scores.max()
    if top <= 0:
        return np.zeros((len(LEVELS), *scores.shape), dtype=bool)
    return scores[None] >= LEVELS[:, None, None] * top


def above_mean(scores: np.ndarray) -> np.ndarray:
    """Return the pixels above the mean."""
    return scores > scores.mean()


def above_otsu(scores: np.ndarray, bins: int = 256) -> np.ndarray:
    """Return the pixels above the threshold that splits the values into the two groups farthest apart.

    Args:
        scores: A map, (h, w).
        bins: Of the histogram, at whose edges thresholds may be.

    Returns:
        A mask, (h, w).
    """
    counts, edges = np.histogram(scores, bins)
    centres = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum()
    above = below[-1] - below
    sums = (counts * centres).cumsum()
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    between = np.nan_to_num(between[:-1])
    best = np.flatnonzero(between == between.max())  # of equally good thresholds in a gap, the middle one
    return scores > edges[1:][best[len(best) // 2]]


def finds_box(region: np.ndarray, mask: np.ndarray) -> float:
    """Say whether the box around the largest connected part of a region is that of the object, by their IoU.

    Args:
        region: A mask, (h, w), such as the pixels above a threshold.
        mask: Pixels of the object, (h, w), at least one.

    Returns:
        1 where the IoU of the boxes is at least `BOX_OVERLAP`, else 0.
    """
    parts, number = label(region)
    if not number:
        return 0.0
    largest = 1 + int(np.bincount(parts.ravel())[1:].argmax())
    boxes = (filled(box_of(one), mask.shape) for one in (parts == largest, mask))
    return float(overlap(*boxes) >= BOX_OVERLAP)


def fit(mask: np.ndarray, shape: Sequence[int], border: int) -> np.ndarray:
    """Bring a mask into the shape of a map, as images are preprocessed: the shorter side fits, the middle is kept.

    Args:
        mask: (h, w).
        shape: Of the map.
        border: Pixels that are cut off each side after resizing (`Backbone.border`).

    Returns:
        A mask of the shape of the map.
    """
    height, width = mask.shape
    scale = max((shape[0] + 2 * border) / height, (shape[1] + 2 * border) / width)
    rows, columns = (
        np.clip(((np.arange(side) + 0.5 - side / 2) / scale + length / 2).astype(int), 0, length - 1)
        for side, length in zip(shape, mask.shape, strict=True)
    )
    return np.asarray(mask[np.ix_(rows, columns)])
