"""Borders around an image and marks upon it: pixels that belong to neither scene nor objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

import numpy as np

from splice_exp.data.scenes.drawing.atmosphere import COLUMN, FAR, ROW
from splice_exp.data.scenes.drawing.regions import Region, box, disc, polygon, star
from splice_exp.data.scenes.drawing.stamps import ALL, cut
from splice_exp.data.scenes.drawing.textures import texture
from splice_exp.data.scenes.placement import SIDE

Overlay: TypeAlias = tuple[np.ndarray, np.ndarray]  # share of each pixel, (SIDE, SIDE), 0 to 255, and its colour

EDGE = np.minimum.reduce([ROW, COLUMN, SIDE - 1 - ROW, SIDE - 1 - COLUMN])  # pixels to the nearest edge
ALONG = ROW + COLUMN
BLACK, WHITE = (16, 16, 18), (250, 250, 247)


def _solid(where: np.ndarray, colour: tuple[int, int, int], strength: int = ALL) -> Overlay:
    return np.where(where, strength, 0), np.broadcast_to(np.array(colour), (SIDE, SIDE, 3))


def _two(where: np.ndarray, colour: tuple[int, int, int], above: np.ndarray, second: tuple[int, int, int]) -> Overlay:
    return np.where(where | above, ALL, 0), np.where(above[..., None], np.array(second), np.array(colour))


def _rounded() -> np.ndarray:
    down, right = np.maximum(16 - EDGE_ROW, 0), np.maximum(16 - EDGE_COLUMN, 0)
    return down**2 + right**2 > 16**2


EDGE_ROW, EDGE_COLUMN = np.minimum(ROW, SIDE - 1 - ROW), np.minimum(COLUMN, SIDE - 1 - COLUMN)
JAGGED = 3 + (ALONG * 7 % 11 + ALONG * 3 % 5) // 3  # pixels that are torn off

BORDERS: Mapping[str, Callable[[], Overlay]] = {
    "white frame": lambda: _solid(EDGE < 6, WHITE),
    "black frame": lambda: _solid(EDGE < 6, BLACK),
    "wooden frame": lambda: (np.where(EDGE < 7, ALL, 0), texture("wood")[:SIDE, :SIDE].astype(np.int32)),
    "polaroid": lambda: _solid((EDGE < 4) | (ROW >= SIDE - 17), (240, 238, 230)),
    "rounded corners": lambda: _solid(_rounded(), BLACK),
    "gilded frame": lambda: _two(EDGE < 7, (176, 126, 20), (EDGE < 7) & (EDGE % 3 == 1), (255, 226, 110)),
    "letterbox": lambda: _solid(EDGE_ROW < 11, BLACK),
    "film strip": lambda: _two(
        EDGE_COLUMN < 9, BLACK, (EDGE_COLUMN >= 3) & (EDGE_COLUMN < 7) & (ROW % 10 < 5), (230, 230, 226)
    ),
    "dashed border": lambda: _solid((EDGE >= 3) & (EDGE < 6) & (ALONG % 12 < 7), (230, 40, 40)),
    "torn edges": lambda: _solid(EDGE < JAGGED, (236, 228, 208)),
    "porthole": lambda: _two(FAR > 37**2, (46, 40, 38), (FAR > 37**2) & (FAR < 40**2), (190, 140, 60)),
    "window frame": lambda: _solid(
        (EDGE < 4) | (abs(ROW - SIDE // 2) < 2) | (abs(COLUMN - SIDE // 2) < 2), (220, 214, 206)
    ),
    "double border": lambda: _solid((EDGE == 2) | (EDGE == 3) | (EDGE == 6) | (EDGE == 7), (30, 40, 120)),
    "perforated edges": lambda: _two(
        EDGE < 6, WHITE, (EDGE < 3) & (((ROW + 5) % 9 < 4) | ((COLUMN + 5) % 9 < 4)), (90, 90, 94)
    ),
}


def _glyph(region: Region, row: int, column: int, radius: int, strength: int = ALL) -> np.ndarray:
    """Return what a region of this radius covers about a pixel, on the whole canvas."""
    canvas = np.zeros((SIDE, SIDE), dtype=np.int32)
    covered = cut(region, radius)
    half = len(covered) // 2
    canvas[row - half : row + half, column - half : column + half] = covered.astype(np.int32) * strength // ALL
    return canvas


def _layers(*layers: tuple[np.ndarray, tuple[int, int, int]]) -> Overlay:
    share, colour = np.zeros((SIDE, SIDE), dtype=np.int32), np.zeros((SIDE, SIDE, 3), dtype=np.int32)
    for covered, one in layers:
        colour = np.where((covered > 0)[..., None], np.array(one), colour)
        share = np.maximum(share, covered)
    return share, colour


def _bars(row: int, column: int, height: int, widths: str) -> np.ndarray:
    """Return upright bars: for each figure of `widths` one so wide, with a gap of one pixel after it; 0 is a gap."""
    canvas = np.zeros((SIDE, SIDE), dtype=np.int32)
    for figure in widths:
        canvas[row : row + height, column : column + int(figure)] = ALL
        column += int(figure) + 1
    return canvas


def _block(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    return np.where((top <= ROW) & (bottom > ROW) & (left <= COLUMN) & (right > COLUMN), ALL, 0)


MARKS: Mapping[str, Callable[[], Overlay]] = {
    "watermark": lambda: _solid((ALONG % 30 < 3) | ((ROW - COLUMN) % 30 < 3), WHITE, 110),
    "timestamp": lambda: _layers((_bars(70, 44, 6, "2120212022"), (255, 150, 20))),
    "price tag": lambda: _layers(
        (_glyph(polygon((-1, 0.6), (0.5, 0.6), (1, 0), (0.5, -0.6), (-1, -0.6)), 16, 66, 12), (250, 226, 60)),
        (_glyph(disc(0.5, 0, 0.2), 16, 66, 12), BLACK),
        (_glyph(box(-0.8, -0.15, 0.1, 0.15), 16, 66, 12), (200, 30, 30)),
    ),
    "subtitles": lambda: _layers((_block(68, 12, 78, 72), BLACK), (_bars(71, 16, 4, "4362513424"), WHITE)),
    "badge": lambda: _layers(
        (_glyph(disc(0, 0, 1), 17, 17, 12), (210, 30, 50)), (_glyph(star(5, 0.4, 0.8), 17, 17, 12), WHITE)
    ),
    "play button": lambda: _layers(
        (_glyph(disc(0, 0, 1), 42, 42, 15, 190), BLACK),
        (_glyph(polygon((-0.35, 0.5), (0.6, 0), (-0.35, -0.5)), 42, 42, 15), WHITE),
    ),
    "barcode": lambda: _layers((_block(62, 8, 78, 38), WHITE), (_bars(64, 10, 12, "12113121121"), BLACK)),
    "cursor": lambda: _layers(
        (
            _glyph(
                polygon((-0.7, 1), (-0.7, -0.7), (-0.2, -0.3), (0.1, -1), (0.45, -0.8), (0.15, -0.2), (0.75, -0.2)),
                56,
                60,
                11,
            ),
            WHITE,
        ),
        (_glyph(polygon((-0.55, 0.6), (-0.55, -0.4), (0.3, -0.3)), 56, 60, 11), BLACK),
    ),
    "crosshair": lambda: _solid(
        (abs(ROW - 42) < 1) | (abs(COLUMN - 42) < 1) | ((FAR > 18**2) & (FAR < 20**2)), (240, 30, 30)
    ),
    "battery icon": lambda: _layers(
        (_block(8, 58, 18, 76), WHITE), (_block(11, 76, 15, 79), WHITE), (_block(10, 60, 16, 68), (40, 190, 70))
    ),
}


@cache
def border(name: str) -> Overlay:
    """Return a border: share of each pixel, (SIDE, SIDE), 0 to 255, and its colours, (SIDE, SIDE, 3)."""
    return BORDERS[name]()


@cache
def mark(name: str) -> Overlay:
    """Return a mark: share of each pixel, (SIDE, SIDE), 0 to 255, and its colours, (SIDE, SIDE, 3)."""
    return MARKS[name]()
