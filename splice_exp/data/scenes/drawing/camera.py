"""What the camera, or an editor after it, makes of an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from splice_exp.data.scenes.drawing.atmosphere import FAR, MIDDLE, ROW
from splice_exp.data.scenes.drawing.stamps import mix
from splice_exp.data.scenes.placement import SIDE

BLOCK = 6  # pixels of a pixelated image


def _grey(canvas: np.ndarray) -> np.ndarray:
    return (canvas * np.array((299, 587, 114), dtype=np.int32)).sum(axis=2) // 1000


def _blurred(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    for axis in (0, 1, 0, 1):
        padded = np.pad(canvas, [(2, 2) if axis == side else (0, 0) for side in range(3)], mode="edge")
        shifted = [np.take(padded, np.arange(SIDE) + shift, axis=axis) for shift in range(5)]
        canvas = np.add.reduce(shifted) // 5
    return canvas


def _grainy(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.clip(canvas + random.integers(-46, 47, size=(SIDE, SIDE, 1), dtype=np.int32), 0, 255).astype(np.uint16)


def _vivid(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    grey = _grey(canvas)[..., None]
    return np.clip(grey + (canvas - grey) * 9 // 5, 0, 255).astype(np.uint16)


def _pixelated(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    side = SIDE // BLOCK
    means = canvas.reshape(side, BLOCK, side, BLOCK, 3).sum(axis=(1, 3)) // BLOCK**2
    return means.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)


def _sepia(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.minimum(_grey(canvas)[..., None] * np.array((112, 92, 68)) // 100, 255)


def _thermal(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    stops = np.array(((10, 10, 60), (120, 20, 150), (230, 60, 60), (250, 180, 40), (255, 255, 220)))
    grey = np.minimum(_grey(canvas), 251) * 4  # in 252nds of the way from stop to stop
    return mix(stops[grey // 252], stops[grey // 252 + 1], grey % 252)


EFFECTS: Mapping[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "blurred": _blurred,
    "vignette": lambda canvas, random: canvas * np.clip(125 - FAR * 100 // (MIDDLE * MIDDLE), 8, 100)[..., None] // 100,
    "grainy": _grainy,
    "faded": lambda canvas, random: (canvas * 45 + 170 * 55) // 100,
    "vivid": _vivid,
    "pixelated": _pixelated,
    "greyscale": lambda canvas, random: np.repeat(_grey(canvas)[..., None], 3, axis=2),
    "overexposed": lambda canvas, random: np.minimum(canvas * 8 // 5 + 40, 255),
    "scanlines": lambda canvas, random: np.where((ROW % 3 == 0)[..., None], canvas * 35 // 100, canvas),
    "sepia": _sepia,
    "posterized": lambda canvas, random: np.minimum(canvas // 86 * 127, 255),
    "negative": lambda canvas, random: 255 - canvas,
    "duotone": lambda canvas, random: mix(np.array((60, 20, 110)), np.array((250, 230, 120)), _grey(canvas)),
    "thermal": _thermal,
}  # of a canvas, (SIDE, SIDE, 3) uint16


def taken(canvas: np.ndarray, camera: str, random: np.random.Generator) -> np.ndarray:
    """Return an image after a camera effect, (SIDE, SIDE, 3), integers from 0 to 255.

    Args:
        canvas: Pixels, (SIDE, SIDE, 3), integers from 0 to 255.
        camera: One of `world.CAMERA`.
        random: Decides the grain.
    """
    return EFFECTS[camera](canvas, random)
