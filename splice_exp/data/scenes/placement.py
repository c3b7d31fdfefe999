"""Where objects are put: on a grid, wholly inside the image, apart or one in front of the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

SIDE = 84  # pixels of an image
RADIUS = {"small": 15, "large": 26}  # pixels
GRID = 6  # centres lie on multiples of it
APART = 0.95  # least distance of two centres, in sums of radii: nothing is hidden
CLOSE = 0.50  # the same where objects may hide parts of each other
CLOSE_RATE = 0.3  # of images whose objects may


def place(random: np.random.Generator, sizes: Sequence[str]) -> list[tuple[int, int]]:
    """Draw the centre of each object, (row, column) in pixels.

    Objects are put one after the other where the earlier ones leave room; where none is left, they come closer.

    Args:
        random: The random generator.
        sizes: Of the objects, keys of `RADIUS`.
    """
    distance = CLOSE if random.random() < CLOSE_RATE else APART
    centres: list[tuple[int, int]] = []
    for number, size in enumerate(sizes):
        grid = _inside(RADIUS[size])
        least = distance
        while True:
            free = np.ones(len(grid), dtype=bool)
            for other, (row, column) in zip(sizes[:number], centres, strict=True):
                apart = (grid[:, 0] - row) ** 2 + (grid[:, 1] - column) ** 2
                free &= apart >= (least * (RADIUS[size] + RADIUS[other])) ** 2
            if free.any():
                break
            least *= 0.8
        choices = np.flatnonzero(free)
        row, column = grid[choices[random.integers(len(choices))]].tolist()
        centres.append((row, column))
    return centres


@cache
def _inside(radius: int) -> np.ndarray:
    line = [centre for centre in range(GRID, SIDE, GRID) if radius - 1 <= centre <= SIDE - radius + 1]
    return np.array([(row, column) for row in line for column in line])
