"""Regions cut out on a grid of pixels, and painted: in integers, the same bytes on every machine."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy.ndimage import binary_erosion

from splice_exp.data.scenes.drawing.regions import Points, Region
from splice_exp.data.scenes.drawing.shapes import SILHOUETTES
from splice_exp.data.scenes.picture import NUM_TURNS

SUPERSAMPLING = 4  # points per pixel, along each side
TURN = 7.0  # degrees between two rotations
OUTLINE = 1.25  # pixels
ALL = 255  # of a pixel that is covered wholly


@cache
def stamp(shape: str, radius: int, turn: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a shape out: how much of each pixel it covers, and how much of that is inside its outline.

    Args:
        shape: Name of a silhouette.
        radius: Pixels.
        turn: Which rotation, 0 … `NUM_TURNS` − 1; the middle one is upright.

    Returns:
        Two arrays of uint8 with 255 for all; the shape is centred on the corner between the four middle pixels.
    """
    covered = SILHOUETTES[shape].contains(_points(radius, 1.15, turn))
    inside = binary_erosion(covered, iterations=round(OUTLINE * SUPERSAMPLING))
    return _share(covered), _share(inside)


def cut(region: Region, radius: int, reach: float = 1.15) -> np.ndarray:
    """Cut a region out, upright: how much of each pixel it covers, uint8 with 255 for all.

    Args:
        region: In units of `radius`, centred on the origin.
        radius: Pixels.
        reach: Half the side of the grid, in radii; what is outside is cut off.
    """
    return _share(region.contains(_points(radius, reach, NUM_TURNS // 2)))


def paint(canvas: np.ndarray, covered: np.ndarray, row: int, column: int, colour: np.ndarray) -> None:
    """Paint a colour, or one colour per pixel, where a cut-out covers the canvas; what is outside is cut off.

    Args:
        canvas: (height, width, 3) uint16, changed in place.
        covered: By `stamp` or `cut`.
        row: Of the centre of the cut-out on the canvas, pixels.
        column: The same.
        colour: (3,), or (…, 3) of the shape of `covered`.
    """
    there, here = overlap(canvas, covered, row, column)
    painted = colour if colour.ndim == 1 else colour[here]
    canvas[there] = mix(canvas[there], painted, covered[here])


def overlap(
    canvas: np.ndarray, covered: np.ndarray, row: int, column: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return which part of the canvas is under a cut-out, and which part of the cut-out is on the canvas.

    Args:
        canvas: (height, width, …).
        covered: The cut-out, (h, w).
        row: Of the centre of the cut-out on the canvas, pixels.
        column: The same.

    Returns:
        Slices of rows and columns of the canvas, and of the cut-out; both have the same shape.
    """
    height, width = covered.shape
    top, left = row - height // 2, column - width // 2
    bottom, right = min(top + height, canvas.shape[0]), min(left + width, canvas.shape[1])
    first, second = max(top, 0), max(left, 0)
    return (slice(first, bottom), slice(second, right)), (
        slice(first - top, bottom - top),
        slice(second - left, right - left),
    )


def mix(low: np.ndarray, high: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Blend two colours at each pixel.

    Args:
        low: First colours, (…, 3) or (3,), integers from 0 to 255.
        high: Second colours, likewise.
        share: Of the second colour, (…), 0 to 255 for all of it.

    Returns:
        The blended colours, (…, 3) uint16.
    """
    second = np.asarray(share, dtype=np.uint16)
    first = np.uint16(ALL) - second
    mixed = np.empty((*second.shape, 3), dtype=np.uint16)
    for channel in range(3):  # one by one: inner loops over three numbers would be five times as slow
        total = np.asarray(low[..., channel], dtype=np.uint16) * first
        total += np.asarray(high[..., channel], dtype=np.uint16) * second
        total += np.uint16(128)  # at most 65,153, which uint16 holds
        mixed[..., channel] = (total + (total >> 8)) >> 8  # / 255 to the nearest integer, without a division
    return mixed


def _points(radius: int, reach: float, turn: int) -> Points:
    half = math.ceil(reach * radius)
    line = (np.arange(2 * half * SUPERSAMPLING) + 0.5) / SUPERSAMPLING - half
    column, row = np.meshgrid(line / radius, line / radius)
    angle = math.radians(TURN * (turn - NUM_TURNS // 2))
    cosine, sine = round(math.cos(angle), 9), round(math.sin(angle), 9)
    return cosine * column - sine * row, -sine * column - cosine * row


def _share(points: np.ndarray) -> np.ndarray:
    side = len(points) // SUPERSAMPLING
    counts = points.reshape(side, SUPERSAMPLING, side, SUPERSAMPLING).sum(axis=(1, 3))
    return (counts * ALL // SUPERSAMPLING**2).astype(np.uint8)
