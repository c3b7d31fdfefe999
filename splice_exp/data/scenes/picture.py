"""What is in an image, and how it is sampled: concepts by frequency, objects where there is room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from splice_exp.data.scenes.frequencies import OBJECT_SHARES, PRESENCE, draw, draw_beside
from splice_exp.data.scenes.placement import CLOSE, RADIUS, SIDE, place
from splice_exp.data.scenes.world import (
    COUNTS,
    FAMILY_OF,
    FINE_SHAPES,
    OBJECT_ATTRIBUTES,
    SURROUNDINGS,
)

NUM_TURNS = 5  # rotations of a shape
TILE = 192  # pixels of a texture, from which an image takes a window
CENTRED = SIDE // 6  # pixels from the middle within which an object is centred


@dataclass(frozen=True)
class PlacedObject:
    """One object: what it is, and where.

    Attributes:
        shape: One of `world.SHAPES` or of `world.FINE_SHAPES`.
        colour: One of `world.COLOURS`.
        surface: One of `world.SURFACES`.
        size: One of `world.SIZES`.
        part: One of `world.PARTS`, or none.
        row: Of the centre, pixels.
        column: Of the centre, pixels.
        turn: Which rotation, below `NUM_TURNS`.
        tint: Added to the colour, a number for each channel.
    """

    shape: str
    colour: str
    surface: str
    size: str
    part: str | None
    row: int
    column: int
    turn: int
    tint: tuple[int, int, int]

    @property
    def family(self) -> str:
        """What kind of thing the shape is."""
        return FAMILY_OF[FINE_SHAPES.get(self.shape, self.shape)]

    @property
    def position(self) -> str:
        """Where in the image it is, one of `world.POSITIONS`."""
        down, right = self.row - SIDE // 2, self.column - SIDE // 2
        if max(abs(down), abs(right)) <= CENTRED:
            return "centred"
        return f"{'upper' if down < 0 else 'lower'} {'left' if right < 0 else 'right'}"

    @property
    def concepts(self) -> frozenset[str]:
        """Concepts that are true of this object."""
        part = () if self.part is None else (self.part,)
        shape = FINE_SHAPES.get(self.shape, self.shape)
        return frozenset((shape, self.colour, self.surface, self.size, self.family, self.position, *part))


@dataclass(frozen=True)
class Picture:
    """All that decides the pixels and the captions of one image.

    Attributes:
        objects: In the order in which they are painted.
        scene: One of `world.SCENES`.
        surroundings: Kind of `world.SURROUNDINGS` → the concept of it that is there.
        offset: Row and column of the window in the texture.
        mirrored: Whether the texture is flipped left to right.
        light: Brightness of the scene, per cent.
        seed: Fixes where drops fall, where the prop stands and how the captions are worded.
    """

    objects: tuple[PlacedObject, ...]
    scene: str
    surroundings: Mapping[str, str] = field(hash=False)
    offset: tuple[int, int]
    mirrored: bool
    light: int
    seed: int

    @property
    def count(self) -> str:
        """How many objects there are, one of `world.COUNTS`."""
        return tuple(COUNTS)[len(self.objects) - 1]

    @property
    def contexts(self) -> frozenset[str]:
        """Concepts that are true of the whole image, and of none of its objects alone."""
        relations = (relation_of(*self.objects[:2]),) if len(self.objects) > 1 else ()
        return frozenset((self.scene, self.count, *self.surroundings.values(), *relations))

    @property
    def concepts(self) -> frozenset[str]:
        """Concepts that are true of this image."""
        return self.contexts.union(*(placed.concepts for placed in self.objects))


def relation_of(first: PlacedObject, second: PlacedObject) -> str:
    """Return how the first object lies to the second, one of `world.RELATIONS`.

    Later objects are painted over earlier ones: where they touch, the second one is in front.

    Args:
        first: An object.
        second: One that is painted later.
    """
    down, right = first.row - second.row, first.column - second.column
    touching = CLOSE + 0.25
    if down**2 + right**2 < (touching * (RADIUS[first.size] + RADIUS[second.size])) ** 2:
        return "in front of"
    if abs(right) >= abs(down):
        return "left of" if right < 0 else "right of"
    return "above" if down < 0 else "below"


def num_objects(random: np.random.Generator, most: int = len(OBJECT_SHARES)) -> int:
    """Draw how many objects an image has, by `OBJECT_SHARES`.

    Args:
        random: The random generator.
        most: The largest number, at most 5; the shares of smaller ones are scaled to sum to 1.
    """
    shares = np.array(OBJECT_SHARES[:most])
    return 1 + int(random.choice(most, p=shares / shares.sum()))


def draw_picture(
    random: np.random.Generator,
    objects: Sequence[Mapping[str, str]] = ({},),
    scene: str | None = None,
    surroundings: Mapping[str, str] | None = None,
) -> Picture:
    """Draw an image; what is not given is sampled by its frequency.

    Args:
        random: The random generator.
        objects: One mapping per object, of the attributes that are given; all but the first are small,
            unless their size is given.
        scene: The scene, if it is given.
        surroundings: All that is to be around, if it is given: kind of `world.SURROUNDINGS` → concept.

    Raises:
        ValueError: if two objects are given the same shape and colour.
    """
    drawn: list[dict[str, str]] = []
    for given in objects:
        while True:
            attributes = _attributes(random, given)
            if drawn and "size" not in given:
                attributes["size"] = "small"  # a large one would hide those behind it
            looks = (attributes["shape"], attributes["colour"])
            if looks not in [(other["shape"], other["colour"]) for other in drawn]:
                break
            if {"shape", "colour"} <= set(given):
                raise ValueError(f"two objects are given as {' '.join(reversed(looks))}, but must look different")
        drawn.append(attributes)
    centres = place(random, [attributes["size"] for attributes in drawn])
    placed = tuple(
        PlacedObject(
            **attributes,
            part=_draw_part(random, given),
            row=row,
            column=column,
            turn=int(random.integers(NUM_TURNS)),
            tint=tuple(random.integers(-18, 19, size=3).tolist()),
        )
        for attributes, given, (row, column) in zip(drawn, objects, centres, strict=True)
    )
    found = draw_beside(random, "scene", placed[0].family)
    scene = scene or found
    around = _draw_surroundings(random, scene)
    row, column = random.integers(TILE, size=2).tolist()
    return Picture(
        placed,
        scene,
        around if surroundings is None else dict(surroundings),
        offset=(row, column),
        mirrored=bool(random.integers(2)),
        light=int(random.integers(85, 116)),
        seed=int(random.integers(2**31)),
    )


def _attributes(random: np.random.Generator, given: Mapping[str, str]) -> dict[str, str]:
    shape = given.get("shape") or draw(random, "shape")
    colour = draw_beside(random, "colour", FINE_SHAPES.get(shape, shape))
    drawn = {"shape": shape, "colour": colour, "surface": draw(random, "surface"), "size": draw(random, "size")}
    return {name: given.get(name) or drawn[name] for name in OBJECT_ATTRIBUTES}


def _draw_part(random: np.random.Generator, given: Mapping[str, str]) -> str | None:
    part = draw(random, "part") if random.random() < PRESENCE["part"] else None
    return given.get("part") or part


def _draw_surroundings(random: np.random.Generator, scene: str) -> dict[str, str]:
    around = {}
    for kind in SURROUNDINGS:
        if random.random() < PRESENCE[kind]:
            attracted = kind in ("prop", "weather")
            around[kind] = draw_beside(random, kind, scene) if attracted else draw(random, kind)
    return around
