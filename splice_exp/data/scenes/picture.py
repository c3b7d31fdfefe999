"""What is in a picture, and how it is drawn by lot: attributes uniform and independent, objects apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from splice_exp.data.scenes.world import ATTRIBUTES, FINE_SHAPES, OBJECT_ATTRIBUTES, SCENES

SIDE = 64  # pixels of a picture
RADIUS = {"small": 11, "large": 20}  # pixels
GRID = 8  # centres lie on multiples of it
CLEARANCE = 0.85  # least distance of two centres, in sums of radii
NUM_TURNS = 5  # rotations of a shape
TILE = 192  # pixels of a texture, from which a picture takes a window


@dataclass(frozen=True)
class PlacedObject:
    """One object: what it is, and where.

    Attributes:
        shape: One of `world.SHAPES` or of `world.FINE_SHAPES`.
        colour: One of `world.COLOURS`.
        surface: One of `world.SURFACES`.
        size: One of `world.SIZES`.
        row: Of the centre, pixels.
        column: Of the centre, pixels.
        turn: Which rotation, below `NUM_TURNS`.
        tint: Added to the colour, a number for each channel.
    """

    shape: str
    colour: str
    surface: str
    size: str
    row: int
    column: int
    turn: int
    tint: tuple[int, int, int]

    @property
    def concepts(self) -> frozenset[str]:
        """Words that are true of this object."""
        return frozenset((FINE_SHAPES.get(self.shape, self.shape), self.colour, self.surface, self.size))


@dataclass(frozen=True)
class Picture:
    """All that decides the pixels and the captions of one picture.

    Attributes:
        objects: In the order in which they are painted.
        scene: One of `world.SCENES`.
        offset: Row and column of the window in the texture.
        mirrored: Whether the texture is flipped left to right.
        light: Brightness of the scene, per cent.
        caption_seed: Fixes the wording of the captions.
    """

    objects: tuple[PlacedObject, ...]
    scene: str
    offset: tuple[int, int]
    mirrored: bool
    light: int
    caption_seed: int

    @property
    def concepts(self) -> frozenset[str]:
        """Words that are true of this picture."""
        return frozenset((self.scene,)).union(*(placed.concepts for placed in self.objects))


def draw_picture(
    random: np.random.Generator, objects: Sequence[Mapping[str, str]] = ({},), scene: str | None = None
) -> Picture:
    """Draw a picture; what is not given is drawn uniformly.

    Args:
        random: Source of all draws.
        objects: One mapping an object, of the attributes that are given; at most one is large if there are several.
        scene: The scene, if it is given.
    """
    drawn: list[dict[str, str]] = []
    for given in objects:
        while True:
            attributes = {
                name: given.get(name) or _choose(random, tuple(ATTRIBUTES[name])) for name in OBJECT_ATTRIBUTES
            }
            if any(other["size"] == "large" for other in drawn) and "size" not in given:
                attributes["size"] = "small"
            looks = (attributes["shape"], attributes["colour"])
            if looks not in [(other["shape"], other["colour"]) for other in drawn]:
                break
            if {"shape", "colour"} <= set(given):
                raise ValueError(f"two objects are given as {' '.join(reversed(looks))}, but must look different")
        drawn.append(attributes)
    choices = placements(tuple(attributes["size"] for attributes in drawn))
    centres = choices[random.integers(len(choices))]
    placed = tuple(
        PlacedObject(
            **attributes,
            row=int(row),
            column=int(column),
            turn=int(random.integers(NUM_TURNS)),
            tint=tuple(random.integers(-18, 19, size=3).tolist()),
        )
        for attributes, (row, column) in zip(drawn, centres, strict=True)
    )
    scene = scene or _choose(random, tuple(SCENES))
    row, column = random.integers(TILE, size=2).tolist()
    return Picture(
        placed,
        scene,
        offset=(row, column),
        mirrored=bool(random.integers(2)),
        light=int(random.integers(85, 116)),
        caption_seed=int(random.integers(2**31)),
    )


def _choose(random: np.random.Generator, names: Sequence[str]) -> str:
    return names[int(random.integers(len(names)))]


@lru_cache
def placements(sizes: tuple[str, ...]) -> np.ndarray:
    """Return all ways to put objects of these sizes on the grid, wholly inside and apart: (ways, objects, 2) pixels.

    Raises:
        ValueError: if there is none.
    """
    ways: list[tuple[tuple[int, int], ...]] = [()]
    for number, size in enumerate(sizes):
        radius = RADIUS[size]
        line = [centre for centre in range(GRID // 2, SIDE, GRID) if radius - 1 <= centre <= SIDE - radius + 1]
        ways = [
            (*way, (row, column))
            for way in ways
            for row in line
            for column in line
            if all(
                (row - other[0]) ** 2 + (column - other[1]) ** 2 >= (CLEARANCE * (radius + RADIUS[sizes[index]])) ** 2
                for index, other in enumerate(way[:number])
            )
        ]
    if not ways:
        raise ValueError(f"objects of sizes {', '.join(sizes)} do not fit into a picture")
    return np.array(ways)
