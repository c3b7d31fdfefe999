"""Patterns of objects: which of their pixels have the second colour, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Pattern = Callable[[np.ndarray, np.ndarray, int], np.ndarray]  # rows, columns from the centre, radius → share, 0 to 255

PITCH = 6  # pixels after which a pattern repeats


def _where(chosen: np.ndarray) -> np.ndarray:
    return np.where(chosen, 255, 0)


PATTERNS: Mapping[str, Pattern] = {
    "plain": lambda rows, columns, radius: _where((rows < 0) & (rows > 0) & (columns > 0)),
    "striped": lambda rows, columns, radius: _where((rows + columns) // 3 % 2 == 0),
    "dotted": lambda rows, columns, radius: _where((rows % 7 - 3) ** 2 + (columns % 7 - 3) ** 2 <= 5),
    "checkered": lambda rows, columns, radius: _where((rows // 5 + columns // 5) % 2 == 0),
    "shaded": lambda rows, columns, radius: np.clip((rows + radius) * 255 // (2 * radius), 0, 255) + 0 * columns,
    "hatched": lambda rows, columns, radius: _where(((rows + columns) % PITCH == 0) | ((rows - columns) % PITCH == 0)),
    "ringed": lambda rows, columns, radius: _where((rows**2 + columns**2) // (radius * 4) % 2 == 0),
    "speckled": lambda rows, columns, radius: _where((rows * rows * 7 + columns * 31 + rows * columns * 13) % 5 == 0),
    "halved": lambda rows, columns, radius: _where(columns + 0 * rows >= 0),
    "wavy": lambda rows, columns, radius: _where((rows + (columns % 12 - 6) ** 2 // 6) % 8 < 3),
    "hollow": lambda rows, columns, radius: _where(rows**2 + columns**2 < (radius * 11 // 20) ** 2),
    "zigzag": lambda rows, columns, radius: _where((rows + abs(columns % 10 - 5)) % 7 < 3),
}
