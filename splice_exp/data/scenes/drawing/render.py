"""From an image's description to its pixels and masks, in integers: the same bytes on every machine.

texture → prop → objects with their parts → light → weather → camera → border → mark
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from splice_exp.data.scenes.drawing.atmosphere import lit, weathered
from splice_exp.data.scenes.drawing.camera import taken
from splice_exp.data.scenes.drawing.glyphs import part, prop
from splice_exp.data.scenes.drawing.overlays import border, mark
from splice_exp.data.scenes.drawing.stamps import ALL, mix, overlap, paint, stamp
from splice_exp.data.scenes.drawing.surfaces import PATTERNS
from splice_exp.data.scenes.drawing.textures import texture
from splice_exp.data.scenes.picture import Picture, PlacedObject
from splice_exp.data.scenes.placement import RADIUS, SIDE

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
    "grey": (136, 138, 142),
    "teal": (20, 150, 150),
    "navy": (22, 34, 96),
    "beige": (228, 208, 166),
    "maroon": (116, 16, 40),
    "lime": (170, 236, 50),
    "magenta": (226, 30, 170),
    "olive": (128, 130, 38),
}
LIGHT_COLOURS = ("orange", "yellow", "pink", "white", "beige", "lime", "grey")  # their second colour is darker
PROP_RADIUS = 11  # pixels
TRIES = 6  # places among which a prop takes the one farthest from all objects
PLACING, WEATHER, CAMERA = range(3)  # what the seed of an image decides


def render(picture: Picture) -> np.ndarray:
    """Return the pixels of an image, (SIDE, SIDE, 3) uint8."""
    canvas = _background(picture)
    around = picture.surroundings
    if "prop" in around:
        row, column = _beside(picture)
        for covered, colour in prop(around["prop"], PROP_RADIUS):
            paint(canvas, covered, row, column, colour)
    for placed in picture.objects:
        for covered, colours in _layers(placed):
            paint(canvas, covered, placed.row, placed.column, colours)
    if "lighting" in around:
        canvas = lit(canvas, around["lighting"])
    if "weather" in around:
        canvas = weathered(canvas, around["weather"], np.random.default_rng((picture.seed, WEATHER)))
    if "camera" in around:
        canvas = taken(canvas, around["camera"], np.random.default_rng((picture.seed, CAMERA)))
    for share, colours in _overlays(picture):
        canvas = mix(canvas, colours, share)
    return canvas.astype(np.uint8)


def masks(picture: Picture) -> np.ndarray:
    """Return the visible pixels of each object with its part, (objects, SIDE, SIDE) bool; no pixel belongs to two."""
    owner = np.full((SIDE, SIDE), -1)
    for index, placed in enumerate(picture.objects):
        for covered, _ in _layers(placed):
            there, here = overlap(owner, covered, placed.row, placed.column)
            owner[there] = np.where(covered[here] > ALL // 2, index, owner[there])
    for share, _ in _overlays(picture):
        owner[share > ALL // 2] = -1
    return owner == np.arange(len(picture.objects))[:, None, None]


def _background(picture: Picture) -> np.ndarray:
    row, column = picture.offset
    window = texture(picture.scene)[row : row + SIDE, column : column + SIDE]
    return np.minimum(window[:, :: -1 if picture.mirrored else 1] * np.uint16(picture.light) // 100, 255)


def _beside(picture: Picture) -> tuple[int, int]:
    """Return where the prop stands: of `TRIES` places the one farthest from all objects."""
    tries = np.random.default_rng((picture.seed, PLACING)).integers(PROP_RADIUS, SIDE - PROP_RADIUS, size=(TRIES, 2))
    centres = np.array([(placed.row, placed.column) for placed in picture.objects])
    reach = np.array([RADIUS[placed.size] for placed in picture.objects])
    far = np.sqrt(((tries[:, None] - centres) ** 2).sum(axis=2)) - reach
    row, column = tries[far.min(axis=1).argmax()].tolist()
    return row, column


def _layers(placed: PlacedObject) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield what each layer of an object covers, and its colour."""
    radius = RADIUS[placed.size]
    covered, inside = stamp(placed.shape, radius, placed.turn)
    fill, accent = _colours(placed)
    line = np.arange(len(covered)) - len(covered) // 2
    second = PATTERNS[placed.surface](line[:, None], line[None, :], radius)
    yield covered, mix(accent, mix(fill, accent, np.broadcast_to(second, covered.shape)), inside)
    if placed.part is not None:
        yield from part(placed.part, radius)


def _colours(placed: PlacedObject) -> tuple[np.ndarray, np.ndarray]:
    """Return the colour of an object, and that of its outline and pattern: darker for light colours, else lighter."""
    fill = np.clip(np.array(COLOUR_VALUES[placed.colour]) + placed.tint, 0, 255).astype(np.uint16)
    return fill, fill * 2 // 5 if placed.colour in LIGHT_COLOURS else 255 - (255 - fill) // 4


def _overlays(picture: Picture) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    around = picture.surroundings
    if "border" in around:
        yield border(around["border"])
    if "mark" in around:
        yield mark(around["mark"])
