"""Silhouettes: each shape is a set of points of the plane within about unit distance, cut out on a grid of pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

import numpy as np
from matplotlib.path import Path
from scipy.ndimage import binary_erosion

from splice_exp.data.scenes.picture import NUM_TURNS
from splice_exp.data.scenes.world import FINE_SHAPES

Points: TypeAlias = tuple[np.ndarray, np.ndarray]  # x to the right, y up

SUPERSAMPLING = 4  # points of a pixel, along each side
TURN = 7.0  # degrees between two rotations
OUTLINE = 1.25  # pixels


def _polygon(points: Points, *vertices: tuple[float, float]) -> np.ndarray:
    x, y = points
    return Path(vertices).contains_points(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape)


def _disc(points: Points, x: float, y: float, radius: float) -> np.ndarray:
    return (points[0] - x) ** 2 + (points[1] - y) ** 2 < radius**2


def _box(points: Points, left: float, bottom: float, right: float, top: float) -> np.ndarray:
    x, y = points
    return (left < x) & (x < right) & (bottom < y) & (y < top)


def star_of(num_points: int, inner: float = 0.45) -> Callable[[Points], np.ndarray]:
    """Return the star with so many points, the first one up."""
    radii = [1.05 if index % 2 == 0 else inner for index in range(2 * num_points)]
    angles = [math.pi * index / num_points for index in range(2 * num_points)]
    vertices = [(r * math.sin(angle), r * math.cos(angle)) for r, angle in zip(radii, angles, strict=True)]
    return lambda points: _polygon(points, *vertices)


def _heart(points: Points) -> np.ndarray:
    lobes = _disc(points, -0.46, 0.36, 0.53) | _disc(points, 0.46, 0.36, 0.53)
    return lobes | _polygon(points, (-0.925, 0.1), (0.925, 0.1), (0, -0.98)) | _box(points, -0.46, 0.0, 0.46, 0.45)


def _skull(points: Points) -> np.ndarray:
    bone = _disc(points, 0, 0.2, 0.82) | _box(points, -0.48, -0.95, 0.48, 0)
    eyes = _disc(points, -0.35, 0.12, 0.24) | _disc(points, 0.35, 0.12, 0.24)
    teeth = _box(points, -0.22, -1, -0.12, -0.62) | _box(points, 0.12, -1, 0.22, -0.62)
    return bone & ~eyes & ~teeth


SILHOUETTES: Mapping[str, Callable[[Points], np.ndarray]] = {
    "circle": lambda points: _disc(points, 0, 0, 0.95),
    "square": lambda points: _box(points, -0.82, -0.82, 0.82, 0.82),
    "triangle": lambda points: _polygon(points, (0, 1.0), (1.0, -0.75), (-1.0, -0.75)),
    "diamond": lambda points: _polygon(points, (0, 1.05), (0.68, 0), (0, -1.05), (-0.68, 0)),
    "star": star_of(5),
    "heart": _heart,
    "cross": lambda points: _box(points, -0.32, -0.95, 0.32, 0.95) | _box(points, -0.95, -0.32, 0.95, 0.32),
    "ring": lambda points: _disc(points, 0, 0, 0.98) & ~_disc(points, 0, 0, 0.55),
    "moon": lambda points: _disc(points, -0.1, 0, 0.98) & ~_disc(points, 0.42, 0.1, 0.8),
    "arrow": lambda points: (
        _box(points, -1.0, -0.3, 0.15, 0.3) | _polygon(points, (0.05, 0.85), (1.05, 0), (0.05, -0.85))
    ),
    "house": lambda points: (
        (_box(points, -0.68, -0.9, 0.68, 0.2) | _polygon(points, (0, 1.0), (1.0, 0.1), (-1.0, 0.1)))
        & ~_box(points, -0.2, -0.95, 0.2, -0.25)
    ),
    "skull": _skull,
    **{
        name: star_of(number, inner)
        for name, number, inner in zip(FINE_SHAPES, (4, 5, 6, 7, 8), (0.4, 0.45, 0.55, 0.6, 0.65), strict=True)
    },
}


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
    half = math.ceil(1.15 * radius)
    line = (np.arange(2 * half * SUPERSAMPLING) + 0.5) / SUPERSAMPLING - half
    column, row = np.meshgrid(line / radius, line / radius)
    angle = math.radians(TURN * (turn - NUM_TURNS // 2))
    cosine, sine = round(math.cos(angle), 9), round(math.sin(angle), 9)
    covered = SILHOUETTES[shape]((cosine * column - sine * row, -sine * column - cosine * row))
    inside = binary_erosion(covered, iterations=round(OUTLINE * SUPERSAMPLING))
    return _share(covered), _share(inside)


def _share(points: np.ndarray) -> np.ndarray:
    side = len(points) // SUPERSAMPLING
    counts = points.reshape(side, SUPERSAMPLING, side, SUPERSAMPLING).sum(axis=(1, 3))
    return (counts * 255 // SUPERSAMPLING**2).astype(np.uint8)
