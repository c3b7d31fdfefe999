"""Textures of the scenes: one seamless tile each, made once; an image takes a window of it.

Sums and products of uniform draws only, so that the tiles are the same on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

import numpy as np
from scipy.spatial import cKDTree

from splice_exp.data.scenes.picture import TILE
from splice_exp.data.scenes.placement import SIDE

Maker: TypeAlias = Callable[[np.random.Generator], np.ndarray]


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


def _dunes(random: np.random.Generator) -> np.ndarray:
    row, column = np.indices((TILE, TILE))
    ridge = (row + column // 2 + (10 * _noise(random, 48, 48)).astype(int)) % 24 / 23
    return _blend((170, 112, 60), (240, 196, 120), 0.8 * ridge + 0.2 * random.random((TILE, TILE)))


def _field(random: np.random.Generator) -> np.ndarray:
    row = np.indices((TILE, TILE))[0]
    furrows = (row % 12 < 6) * 0.5 + 0.3 * _noise(random, 4, 16) + 0.2 * random.random((TILE, TILE))
    return _blend((120, 92, 40), (206, 190, 84), furrows)


def _speckles(low: tuple[int, int, int], high: tuple[int, int, int], pitch: int = 1) -> Maker:
    def make(random: np.random.Generator) -> np.ndarray:
        share = 0.5 * _noise(random, pitch, pitch) + 0.3 * random.random((TILE, TILE)) + 0.2 * _noise(random, 32, 32)
        return _blend(low, high, share)

    return make


def _patches(low: tuple[int, int, int], high: tuple[int, int, int], pitch: int, sharpness: float = 4.0) -> Maker:
    def make(random: np.random.Generator) -> np.ndarray:
        share = 0.7 * _noise(random, pitch, pitch) + 0.3 * _noise(random, pitch // 2, pitch // 2)
        return _blend(low, high, np.clip((share - 0.5) * sharpness + 0.5, 0, 1))

    return make


def _weave(low: tuple[int, int, int], high: tuple[int, int, int], pitch: int) -> Maker:
    def make(random: np.random.Generator) -> np.ndarray:
        row, column = np.indices((TILE, TILE))
        over = (row // pitch + column // pitch) % 2
        share = 0.6 * np.where(over == 1, row % pitch, column % pitch) / max(pitch - 1, 1)
        return _blend(low, high, share + 0.4 * random.random((TILE, TILE)))

    return make


def _sunset(random: np.random.Generator) -> np.ndarray:
    row = np.indices((TILE, TILE))[0]
    height = np.abs(row - TILE // 2) / (TILE // 2)
    return _blend((250, 170, 60), (110, 50, 120), np.clip(height + 0.3 * (_noise(random, 16, 48) - 0.5), 0, 1))


def _carpet(random: np.random.Generator) -> np.ndarray:
    row, column = np.indices((TILE, TILE))
    pattern = (np.abs(row % 32 - 16) + np.abs(column % 32 - 16)) % 16 < 5
    base = _blend((110, 20, 40), (160, 48, 60), random.random((TILE, TILE)))
    return np.where(pattern[..., None], _blend((170, 140, 80), (214, 184, 110), random.random((TILE, TILE))), base)


def _tiles(random: np.random.Generator) -> np.ndarray:
    row, column = np.indices((TILE, TILE))
    tone = random.random((TILE // 12, TILE // 12))[row // 12, column // 12]
    base = _blend((60, 140, 160), (220, 236, 226), tone)
    return np.where(((row % 12 == 0) | (column % 12 == 0))[..., None], np.array((248, 248, 244)), base)


def _ice(random: np.random.Generator) -> np.ndarray:
    ridges = np.abs(_noise(random, 32, 48) - _noise(random, 24, 16))
    base = _blend((140, 200, 226), (214, 240, 250), _noise(random, 16, 24))
    return np.where((ridges < 0.035)[..., None], np.array((84, 150, 190)), base)


def _metal(random: np.random.Generator) -> np.ndarray:
    row, column = np.indices((TILE, TILE))
    brushed = 0.6 * random.random(TILE)[row] + 0.4 * _noise(random, 2, 48)
    base = _blend((126, 132, 142), (186, 192, 200), brushed)
    rivets = ((row % 24 - 12) ** 2 + (column % 24 - 12) ** 2) <= 5
    return np.where(rivets[..., None], np.array((84, 88, 96)), base)


def _space(random: np.random.Generator) -> np.ndarray:
    nebula = np.clip((_noise(random, 48, 48) - 0.45) * 3, 0, 1)
    base = _blend((6, 2, 16), (110, 30, 120), nebula)
    return np.where((random.random((TILE, TILE)) > 0.985)[..., None], np.array((240, 240, 255)), base)


def _marble(random: np.random.Generator) -> np.ndarray:
    veins = np.abs(_noise(random, 48, 32) - 0.5 + 0.4 * (_noise(random, 12, 12) - 0.5))
    return _blend((150, 146, 150), (244, 240, 236), np.clip(veins * 9, 0, 1))


def _lava(random: np.random.Generator) -> np.ndarray:
    cracks = np.abs(_noise(random, 24, 24) - _noise(random, 16, 32))
    crust = _blend((30, 14, 12), (76, 40, 34), random.random((TILE, TILE)))
    return np.where((cracks < 0.07)[..., None], _blend((255, 190, 40), (220, 60, 16), cracks / 0.07), crust)


def _bark(random: np.random.Generator) -> np.ndarray:
    return _blend((52, 34, 22), (128, 92, 62), np.clip(1.4 * _noise(random, 24, 3) - 0.2, 0, 1))


def _bubbles(random: np.random.Generator) -> np.ndarray:
    row, column = np.indices((TILE, TILE))
    base = _blend((150, 196, 224), (206, 232, 244), _noise(random, 24, 24))
    for pitch, shift in ((16, 0), (24, 9), (12, 5)):
        far = ((row + shift) % pitch - pitch // 2) ** 2 + ((column + 2 * shift) % pitch - pitch // 2) ** 2
        rim = (far <= (pitch // 2 - 1) ** 2) & (far >= (pitch // 2 - 2) ** 2)
        base = np.where(rim[..., None], np.array((250, 253, 255)), base)
    return base


def _aurora(random: np.random.Generator) -> np.ndarray:
    curtains = np.clip((_noise(random, 96, 12) - 0.4) * 3, 0, 1)
    return _blend((8, 14, 40), (60, 230, 150), curtains * _noise(random, 48, 48))


_MAKERS: Mapping[str, Maker] = {
    "grass": _grass,
    "sky": _sky,
    "water": _water,
    "sand": _sand,
    "snow": _snow,
    "night": _night,
    "forest": _forest,
    "wood": _wood,
    "brick": _brick,
    "stone": _stone,
    "desert": _dunes,
    "field": _field,
    "concrete": _speckles((128, 128, 130), (176, 176, 174)),
    "paper": _speckles((224, 210, 176), (248, 238, 212), 4),
    "sunset": _sunset,
    "carpet": _carpet,
    "hedge": _patches((10, 60, 20), (90, 156, 60), 8, 2.0),
    "tiles": _tiles,
    "gravel": _patches((84, 80, 78), (190, 184, 176), 6, 3.0),
    "ice": _ice,
    "metal": _metal,
    "space": _space,
    "moss": _patches((40, 70, 16), (130, 150, 40), 12, 1.5),
    "mud": _patches((60, 44, 28), (116, 90, 58), 24, 2.0),
    "marble": _marble,
    "hay": _weave((176, 132, 40), (238, 206, 106), 6),
    "smoke": _patches((110, 110, 116), (214, 214, 218), 48, 1.5),
    "denim": _weave((30, 50, 100), (96, 124, 176), 2),
    "rust": _patches((96, 46, 22), (190, 104, 50), 8, 1.5),
    "lava": _lava,
    "bark": _bark,
    "bubbles": _bubbles,
    "aurora": _aurora,
    "camouflage": _patches((58, 70, 34), (150, 136, 90), 16, 12.0),
}


@cache
def texture(scene: str) -> np.ndarray:
    """Return the tile of a scene, continued by `SIDE` pixels of its beginning: (TILE + SIDE, …, 3) uint16."""
    seed = int.from_bytes(hashlib.sha256(scene.encode()).digest()[:8])
    tile = np.clip(np.round(_MAKERS[scene](np.random.default_rng(seed))), 0, 255).astype(np.uint16)
    return np.pad(tile, ((0, SIDE), (0, SIDE), (0, 0)), mode="wrap")
