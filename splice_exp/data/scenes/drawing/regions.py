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
    """Return a disc.

    Args:
        x: Of the centre.
        y: Of the centre.
        radius: Of the disc.
    """
    return oval(x, y, radius, radius)


def oval(x: float, y: float, across: float, up: float) -> Region:
    """Return an ellipse.

    Args:
        x: Of the centre.
        y: Of the centre.
        across: Half of the width.
        up: Half of the height.
    """
    return Region(lambda points: ((points[0] - x) / across) ** 2 + ((points[1] - y) / up) ** 2 < 1)


def box(left: float, bottom: float, right: float, top: float) -> Region:
    """Return an upright rectangle.

    Args:
        left: Smallest x.
        bottom: Smallest y.
        right: Largest x.
        top: Largest y.
    """
    return Region(lambda points: (left < points[0]) & (points[0] < right) & (bottom < points[1]) & (points[1] < top))


def polygon(*vertices: tuple[float, float]) -> Region:
    """Return the inside of a polygon.

    Args:
        vertices: Its corners in order, (x, y).
    """
    path = Path(vertices)
    return Region(
        lambda points: path.contains_points(np.stack([points[0].ravel(), points[1].ravel()], axis=1)).reshape(
            points[0].shape
        )
    )


def regular(sides: int, radius: float = 1.0, turn: float = 0.0) -> Region:
    """Return a regular polygon about the origin, one corner up.

    Args:
        sides: Number of corners.
        radius: From the origin to a corner.
        turn: Rotation clockwise, as a share of the angle between two corners.
    """
    angles = [2 * math.pi * (index + turn) / sides for index in range(sides)]
    return polygon(*((radius * math.sin(angle), radius * math.cos(angle)) for angle in angles))


def star(points: int, inner: float = 0.45, outer: float = 1.05) -> Region:
    """Return a star about the origin, one point up.

    Args:
        points: Number of points.
        inner: Radius of the corners between two points.
        outer: Radius of the points.
    """
    radii = [outer if index % 2 == 0 else inner for index in range(2 * points)]
    angles = [math.pi * index / points for index in range(2 * points)]
    return polygon(*((r * math.sin(angle), r * math.cos(angle)) for r, angle in zip(radii, angles, strict=True)))


def strip(start: tuple[float, float], end: tuple[float, float], width: float) -> Region:
    """Return a straight bar.

    Args:
        start: Middle of one end, (x, y).
        end: Middle of the other end, another point.
        width: Of the bar.
    """
    (x, y), (u, v) = start, end
    length = math.hypot(u - x, v - y)
    across, up = width / 2 * (v - y) / length, width / 2 * (u - x) / length
    return polygon((x - across, y + up), (u - across, v + up), (u + across, v - up), (x + across, y - up))


def around(number: int, distance: float, radius: float) -> Region:
    """Return discs evenly spaced on a circle about the origin, the first one up.

    Args:
        number: How many discs.
        distance: From the origin to the centre of each.
        radius: Of each.
    """
    angles = [2 * math.pi * index / number for index in range(number)]
    region = disc(0, distance, radius)
    for angle in angles[1:]:
        region = region | disc(distance * math.sin(angle), distance * math.cos(angle), radius)
    return region
