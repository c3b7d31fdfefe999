"""Regions of the plane and their algebra, from which every silhouette is cut: `disc(0, 0, 1) - disc(0, 0, 0.5)`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from matplotlib.path import Path

Points: TypeAlias = tuple[np.ndarray, np.ndarray]  # x to the right, y up


@dataclass(frozen=True)
class Region:
    """A set of points of the plane; `|`, `&` and `-` are union, intersection and difference.

    Attributes:
        contains: From points to whether each is in the set.
    """

    contains: Callable[[Points], np.ndarray]

    def __or__(self, other: Region) -> Region:
        return Region(lambda points: self.contains(points) | other.contains(points))

    def __and__(self, other: Region) -> Region:
        return Region(lambda points: self.contains(points) & other.contains(points))

    def __sub__(self, other: Region) -> Region:
        return Region(lambda points: self.contains(points) & ~other.contains(points))


def disc(x: float, y: float, radius: float) -> Region:
    """Return a disc by its centre."""
    return oval(x, y, radius, radius)


def oval(x: float, y: float, across: float, up: float) -> Region:
    """Return an ellipse by its centre and its two half axes."""
    return Region(lambda points: ((points[0] - x) / across) ** 2 + ((points[1] - y) / up) ** 2 < 1)


def box(left: float, bottom: float, right: float, top: float) -> Region:
    """Return an upright rectangle."""
    return Region(lambda points: (left < points[0]) & (points[0] < right) & (bottom < points[1]) & (points[1] < top))


def polygon(*vertices: tuple[float, float]) -> Region:
    """Return the inside of a polygon."""
    path = Path(vertices)
    return Region(
        lambda points: path.contains_points(np.stack([points[0].ravel(), points[1].ravel()], axis=1)).reshape(
            points[0].shape
        )
    )


def regular(sides: int, radius: float = 1.0, turn: float = 0.0) -> Region:
    """Return a regular polygon, a corner up; `turn` is in parts of the angle between two corners."""
    angles = [2 * math.pi * (index + turn) / sides for index in range(sides)]
    return polygon(*((radius * math.sin(angle), radius * math.cos(angle)) for angle in angles))


def star(points: int, inner: float = 0.45, outer: float = 1.05) -> Region:
    """Return a star, one of its points up; `inner` and `outer` are the radii of its corners."""
    radii = [outer if index % 2 == 0 else inner for index in range(2 * points)]
    angles = [math.pi * index / points for index in range(2 * points)]
    return polygon(*((r * math.sin(angle), r * math.cos(angle)) for r, angle in zip(radii, angles, strict=True)))


def strip(start: tuple[float, float], end: tuple[float, float], width: float) -> Region:
    """Return a straight bar between two points."""
    (x, y), (u, v) = start, end
    length = math.hypot(u - x, v - y)
    across, up = width / 2 * (v - y) / length, width / 2 * (u - x) / length
    return polygon((x - across, y + up), (u - across, v + up), (u + across, v - up), (x + across, y - up))


def around(number: int, distance: float, radius: float) -> Region:
    """Return so many discs in a circle about the origin, the first one up."""
    angles = [2 * math.pi * index / number for index in range(number)]
    region = disc(0, distance, radius)
    for angle in angles[1:]:
        region = region | disc(distance * math.sin(angle), distance * math.cos(angle), radius)
    return region
