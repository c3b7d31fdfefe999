"""Textures of the scenes: one seamless tile each, made once; a picture takes a window of it.

Sums and products of uniform draws only, so that the tiles are the same on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from scipy.spatial import cKDTree

from splice_exp.data.scenes.picture import TILE


def _noise(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw smooth seamless noise in [0, 1]: uniform values on a lattice of this pitch in pixels, interpolated."""
    lattice = random.random((TILE // height, TILE // width))
    return _interpolate(_interpolate(lattice, height).T, width).T


def _interpolate(values: np.ndarray, pitch: int) -> np.ndarray:
    share = (np.arange(pitch) / pitch)[None, :, None]
    share = share * share * (3 - 2 * share)
    between = values[:, None, :] * (1 - share) + np.roll(values, -1, axis=0)[:, None, :] * share
    return between.reshape(TILE, values.shape[1])


def _blend(low: tuple[int, int, int], high: tuple[int, int, int], share: np.ndarray) -> np.ndarray:
    return np.array(low) * (1 - share[..., None]) + np.array(high) * share[..., None]


def _grass(random: np.random.Generator) -> np.ndarray:
    share = 0.55 * _noise(random, 8, 2) + 0.25 * _noise(random, 4, 1) + 0.2 * _noise(random, 48, 48)
    return _blend((38, 92, 24), (150, 200, 84), share)


def _sand(random: np.random.Generator) -> np.ndarray:
    share = 0.5 * _noise(random, 6, 32) + 0.3 * _noise(random, 1, 1) + 0.2 * _noise(random, 32, 32)
    return _blend((196, 164, 104), (244, 222, 170), share)


def _water(random: np.random.Generator) -> np.ndarray:
    waves = 0.6 * _noise(random, 4, 16) + 0.4 * _noise(random, 3, 8)
    base = _blend((16, 78, 128), (60, 150, 190), waves)
    return np.where((waves > 0.72)[..., None], np.array((190, 228, 238)), base)


def _sky(random: np.random.Generator) -> np.ndarray:
    clouds = 0.6 * _noise(random, 24, 48) + 0.3 * _noise(random, 12, 16) + 0.1 * _noise(random, 4, 4)
    return _blend((104, 172, 232), (250, 252, 255), np.clip((clouds - 0.45) * 5, 0, 1))


def _night(random: np.random.Generator) -> np.ndarray:
    base = _blend((8, 10, 30), (34, 32, 74), _noise(random, 32, 48))
    stars = random.random((TILE, TILE))
    return np.where(
        (stars > 0.99)[..., None], _blend((150, 150, 190), (255, 255, 240), random.random((TILE, TILE))), base
    )


def _snow(random: np.random.Generator) -> np.ndarray:
    share = 0.6 * _noise(random, 24, 32) + 0.25 * _noise(random, 8, 12) + 0.15 * random.random((TILE, TILE))
    return _blend((196, 212, 236), (255, 255, 255), np.clip(share * 1.6 - 0.2, 0, 1))


def _brick(random: np.random.Generator) -> np.ndarray:
    row, column = np.indices((TILE, TILE))
    course = row // 8
    shifted = (column + 8 * (course % 2)) % TILE
    tone = random.random((TILE // 8, TILE // 16))[course, shifted // 16]
    bricks = _blend((136, 48, 34), (196, 92, 66), 0.7 * tone + 0.3 * random.random((TILE, TILE)))
    mortar = (row % 8 == 0) | (shifted % 16 == 0)
    return np.where(mortar[..., None], np.array((206, 196, 184)), bricks)


def _forest(random: np.random.Generator) -> np.ndarray:
    leaves = 0.5 * _noise(random, 6, 6) + 0.3 * _noise(random, 3, 3) + 0.2 * random.random((TILE, TILE))
    base = _blend((6, 34, 16), (40, 104, 48), leaves)
    trunks = (np.arange(TILE) % 24 < 5)[None, :] & (_noise(random, 48, 24) > 0.4)
    return np.where(trunks[..., None], _blend((44, 28, 16), (92, 62, 38), _noise(random, 12, 2)), base)


def _wood(random: np.random.Generator) -> np.ndarray:
    row = np.indices((TILE, TILE))[0]
    tone = random.random(TILE // 16)[row // 16]
    grain = 0.4 * tone + 0.4 * _noise(random, 2, 24) + 0.2 * _noise(random, 1, 8)
    base = _blend((120, 78, 40), (200, 152, 96), grain)
    return np.where((row % 16 == 0)[..., None], np.array((62, 38, 20)), base)


def _stone(random: np.random.Generator) -> np.ndarray:
    pitch = 12
    corners = np.stack(np.meshgrid(np.arange(0, TILE, pitch), np.arange(0, TILE, pitch)), axis=-1).reshape(-1, 2)
    centres = (corners + random.integers(1, pitch - 1, size=corners.shape)) % TILE
    pixels = np.argwhere(np.ones((TILE, TILE)))[:, ::-1]
    distances, nearest = cKDTree(centres, boxsize=TILE).query(pixels, k=2)
    tone = random.random(len(centres))[nearest[:, 0]].reshape(TILE, TILE)
    cobbles = _blend((104, 106, 112), (176, 176, 178), 0.7 * tone + 0.3 * random.random((TILE, TILE)))
    joint = (distances[:, 1] - distances[:, 0]).reshape(TILE, TILE) < 1.5
    return np.where(joint[..., None], np.array((58, 58, 62)), cobbles)


_MAKERS: Mapping[str, Callable[[np.random.Generator], np.ndarray]] = {
    "grass": _grass,
    "sand": _sand,
    "water": _water,
    "sky": _sky,
    "night": _night,
    "snow": _snow,
    "brick": _brick,
    "forest": _forest,
    "wood": _wood,
    "stone": _stone,
}


@cache
def texture(scene: str) -> np.ndarray:
    """Return the tile of a scene, (TILE, TILE, 3) uint8."""
    seed = int.from_bytes(hashlib.sha256(scene.encode()).digest()[:8])
    return np.clip(np.round(_MAKERS[scene](np.random.default_rng(seed))), 0, 255).astype(np.uint8)
