"""From a picture to its pixels and masks, in integers: the same bytes in every process and on every machine."""

from __future__ import annotations

import numpy as np

from splice_exp.data.scenes.picture import RADIUS, SIDE, TILE, Picture, PlacedObject
from splice_exp.data.scenes.shapes import stamp
from splice_exp.data.scenes.textures import texture

COLOUR_VALUES = {
    "red": (216, 32, 36),
    "orange": (244, 132, 20),
    "yellow": (250, 220, 40),
    "green": (40, 168, 60),
    "blue": (36, 84, 220),
    "purple": (132, 48, 176),
    "pink": (250, 140, 190),
    "brown": (122, 74, 36),
    "black": (24, 24, 26),
    "white": (244, 244, 240),
}
LIGHT_COLOURS = ("orange", "yellow", "pink", "white")  # get dark outlines and patterns, the others light ones
STRIPE = 3  # pixels
DOT_PITCH = 7  # pixels
DOT_RADIUS_SQUARED = 5  # pixels squared


def render(picture: Picture) -> np.ndarray:
    """Paint a picture, (64, 64, 3) uint8."""
    canvas = _background(picture)
    for placed in picture.objects:
        rows, columns, covered, inside = _footprint(placed)
        fill, accent = _colours(placed)
        second = _pattern(placed.surface, rows - placed.row, columns - placed.column)
        painted = _blend(accent, np.where(second[..., None], accent, fill), inside)
        canvas[rows, columns] = _blend(canvas[rows, columns], painted, covered)
    return canvas.astype(np.uint8)


def masks(picture: Picture) -> np.ndarray:
    """Return the visible pixels of each object, (objects, 64, 64) bool; no pixel belongs to two."""
    owner = np.full((SIDE, SIDE), -1)
    for index, placed in enumerate(picture.objects):
        rows, columns, covered, _ = _footprint(placed)
        owner[rows, columns] = np.where(covered >= 128, index, owner[rows, columns])
    return owner == np.arange(len(picture.objects))[:, None, None]


def _blend(low: np.ndarray, high: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = share[..., None]
    return (low * (255 - share) + high * share + 127) // 255  # at most 255² + 127, which uint16 holds


def _background(picture: Picture) -> np.ndarray:
    rows = (np.arange(SIDE) + picture.offset[0]) % TILE
    columns = (np.arange(SIDE) + picture.offset[1]) % TILE
    window = texture(picture.scene)[rows[:, None], columns[::-1] if picture.mirrored else columns]
    return np.minimum(window.astype(np.uint16) * picture.light // 100, 255)


def _footprint(placed: PlacedObject) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rows (r, 1) and columns (c,) of the canvas under the stamp of an object, and the stamp there, (r, c)."""
    stamps = stamp(placed.shape, RADIUS[placed.size], placed.turn)
    half = len(stamps[0]) // 2
    rows = np.arange(max(placed.row - half, 0), min(placed.row + half, SIDE))
    columns = np.arange(max(placed.column - half, 0), min(placed.column + half, SIDE))
    here = np.ix_(rows - placed.row + half, columns - placed.column + half)
    covered, inside = (part[here].astype(np.uint16) for part in stamps)
    return rows[:, None], columns, covered, inside


def _colours(placed: PlacedObject) -> tuple[np.ndarray, np.ndarray]:
    """Return the colour of an object, and that of its outline and pattern: darker for light colours, else lighter."""
    fill = np.clip(np.array(COLOUR_VALUES[placed.colour]) + placed.tint, 0, 255).astype(np.uint16)
    return fill, fill * 2 // 5 if placed.colour in LIGHT_COLOURS else 255 - (255 - fill) // 4


def _pattern(surface: str, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return which pixels, relative to the centre of the object, have the second colour."""
    if surface == "striped":
        return (rows + columns) // STRIPE % 2 == 0
    if surface == "dotted":
        half = DOT_PITCH // 2
        return (rows % DOT_PITCH - half) ** 2 + (columns % DOT_PITCH - half) ** 2 <= DOT_RADIUS_SQUARED
    return np.zeros((len(rows), len(columns)), dtype=bool)
