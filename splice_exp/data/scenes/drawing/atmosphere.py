"""Light and weather: what is between the scene and the camera."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from splice_exp.data.scenes.drawing.stamps import mix
from splice_exp.data.scenes.placement import SIDE

TILE = 2 * SIDE  # pixels of a sheet of drops, of which an image takes a window
ROW, COLUMN = np.indices((SIDE, SIDE), dtype=np.int32)
MIDDLE = SIDE // 2
FAR = (ROW - MIDDLE) ** 2 + (COLUMN - MIDDLE) ** 2  # from the centre, pixels squared


def _flat(red: int, green: int, blue: int) -> np.ndarray:
    return np.broadcast_to(np.array((red, green, blue), dtype=np.uint16), (SIDE, SIDE, 3))


def _between(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return mix(first, second, np.clip(share, 0, 255))


LIGHT: Mapping[str, np.ndarray] = {
    "bright": _flat(132, 130, 122),
    "dim": _flat(52, 52, 56),
    "sunrise": _between(_flat(140, 96, 70), _flat(84, 70, 96), ROW * 255 // SIDE),
    "shadowed": np.where((ROW + COLUMN < SIDE)[..., None], _flat(100, 100, 100), _flat(42, 42, 50)),
    "spotlit": _between(_flat(126, 126, 120), _flat(30, 30, 36), (FAR - 400) // 4),
    "moonlit": _flat(46, 58, 104),
    "candlelit": _between(_flat(150, 100, 50), _flat(52, 30, 14), ROW * 255 // SIDE),
    "neon": _between(_flat(150, 54, 140), _flat(40, 120, 150), COLUMN * 255 // SIDE),
    "backlit": _between(_flat(170, 165, 150), _flat(48, 46, 50), FAR * 255 // (MIDDLE * MIDDLE * 2)),
}  # per cent of each channel, (SIDE, SIDE, 3)


def lit(canvas: np.ndarray, lighting: str) -> np.ndarray:
    """Return an image in another light, (SIDE, SIDE, 3) uint16.

    Args:
        canvas: Pixels, (SIDE, SIDE, 3) uint16, 0 to 255.
        lighting: One of `world.LIGHTING`.
    """
    return np.minimum(canvas * LIGHT[lighting] // 100, 255)


def weathered(canvas: np.ndarray, weather: str, random: np.random.Generator) -> np.ndarray:
    """Return an image in some weather, (SIDE, SIDE, 3), integers from 0 to 255.

    Args:
        canvas: Pixels, (SIDE, SIDE, 3) uint16, 0 to 255.
        weather: One of `world.WEATHER`.
        random: Decides where drops, fog and beams are.
    """
    return _WEATHER[weather](canvas, random)


@cache
def _drops(name: str) -> np.ndarray:
    """Return a seamless sheet of drops, (TILE, TILE), 0 to 255."""
    length, width, rate, slant, strength = {
        "rain": (11, 1, 0.008, 2, 170),
        "snowfall": (2, 2, 0.016, 0, 240),
        "hail": (4, 4, 0.006, 0, 220),
    }[name]
    seeds = np.random.default_rng(len(name)).random((TILE, TILE)) < rate
    sheet = np.zeros((TILE, TILE), dtype=bool)
    for down in range(length):
        for right in range(width):
            sheet |= np.roll(seeds, (down, right - down // slant if slant else right), axis=(0, 1))
    return np.where(sheet, strength, 0)


def _falling(
    name: str, colour: tuple[int, int, int], veil: int
) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    def fall(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
        row, column = random.integers(TILE - SIDE, size=2)
        share = np.maximum(_drops(name)[row : row + SIDE, column : column + SIDE], veil)
        return mix(canvas, np.array(colour), share)

    return fall


def _veil(colour: tuple[int, int, int], strength: int) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    def veil(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
        height = int(random.integers(SIDE))
        share = strength - np.abs(ROW - height) * strength // (2 * SIDE)
        return mix(canvas, np.array(colour), share)

    return veil


def _sunbeams(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    shift = int(random.integers(SIDE))
    beam = (COLUMN + ROW // 2 + shift) % 28 < 9
    return mix(canvas, np.array((255, 244, 190)), np.where(beam, 130 - ROW, 0))


def _thunderstorm(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    start = int(random.integers(SIDE // 4, 3 * SIDE // 4))
    steps = np.abs((np.arange(SIDE) * 5) % 24 - 12)[:, None] + start - 6
    bolt = (np.abs(COLUMN - steps) <= 1) & (ROW < 2 * SIDE // 3)
    return np.where(bolt[..., None], np.array((250, 250, 255)), canvas * 55 // 100)


def _rainbow(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    middle = int(random.integers(SIDE // 3, 2 * SIDE // 3))
    far = np.sqrt(((ROW - SIDE) ** 2 + (COLUMN - middle) ** 2).astype(float)).astype(int)
    band = np.clip((far - 48) // 4, 0, 4)
    colours = np.array(((140, 60, 200), (60, 110, 230), (70, 200, 90), (250, 220, 60), (230, 50, 40)))
    return mix(canvas, colours[band], np.where((far >= 48) & (far < 68), 150, 0))


_WEATHER: Mapping[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "rain": _falling("rain", (200, 212, 232), 30),
    "fog": _veil((214, 216, 220), 175),
    "snowfall": _falling("snowfall", (252, 252, 255), 24),
    "sunbeams": _sunbeams,
    "thunderstorm": _thunderstorm,
    "dust": _veil((206, 160, 96), 150),
    "hail": _falling("hail", (214, 224, 236), 30),
    "rainbow": _rainbow,
}
