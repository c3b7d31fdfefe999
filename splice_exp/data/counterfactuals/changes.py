"""How an image of the synthetic benchmark is changed in one thing, everything else being equal.

    shape, colour, surface, size, scene      replaced by another one
    position                                 the object is moved
    part, presence, what surrounds           there in one image, and not in the other

The changed object is not hidden by others. What it loses or gains, no other object has, so that it goes or comes for
the whole image. Where an object moves, goes, or has another size, there is no prop, whose place would depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from splice_exp.data.scenes.frequencies import draw
from splice_exp.data.scenes.picture import Picture, PlacedObject
from splice_exp.data.scenes.placement import APART, GRID, RADIUS, SIDE
from splice_exp.data.scenes.world import ATTRIBUTES, OBJECT_ATTRIBUTES, SURROUNDINGS

KINDS = (*OBJECT_ATTRIBUTES, "part", "position", "presence", "scene", *SURROUNDINGS)
ALONE = ("size", "position", "presence")  # decide where a prop stands


def changed(random: np.random.Generator, picture: Picture, kind: str) -> tuple[Picture, Picture] | None:
    """Return an image and its counterfactual; None where this image cannot be changed so.

    Args:
        random: The random generator.
        picture: What is changed; the prop goes from both where its place depends on what is changed.
        kind: One of `KINDS`.

    Returns:
        Which of the two is the image as it was drawn, is left to chance.
    """
    if kind in ALONE:
        picture = replace(picture, surroundings=_without(picture, "prop"))
    other = _of_image(random, picture, kind) if kind in ("scene", *SURROUNDINGS) else _of_object(random, picture, kind)
    if other is None:
        return None
    return (picture, other) if random.integers(2) else (other, picture)


def changed_object(before: Picture, after: Picture) -> int | None:
    """Return which object differs, counted in the image that has it; None where all are the same.

    Args:
        before: The first image of a pair.
        after: The second one.
    """
    longer, shorter = sorted((before.objects, after.objects), key=len, reverse=True)
    same = [one == other for one, other in zip(longer, shorter, strict=False)]
    if not all(same):
        return same.index(False)
    return len(shorter) if len(longer) > len(shorter) else None


def _of_image(random: np.random.Generator, picture: Picture, kind: str) -> Picture:
    if kind == "scene":
        return replace(picture, scene=next(scene for scene in _draws(random, kind) if scene != picture.scene))
    around = _without(picture, kind)
    if kind not in picture.surroundings:
        around[kind] = draw(random, kind)
    return replace(picture, surroundings=around)


def _without(picture: Picture, kind: str) -> dict[str, str]:
    return {name: concept for name, concept in picture.surroundings.items() if name != kind}


def _of_object(random: np.random.Generator, picture: Picture, kind: str) -> Picture | None:
    """Change an object sampled at random."""
    index = int(random.integers(len(picture.objects)))
    chosen, before, later = picture.objects[index], picture.objects[:index], picture.objects[index + 1 :]
    if any(_near(chosen, other) for other in later):
        return None
    if kind == "presence":
        return replace(picture, objects=(*before, *later)) if before or later else None
    others = (*before, *later)
    taken = {getattr(chosen, kind), *(getattr(other, kind) for other in others)}
    if kind != "part" and any(getattr(other, kind) == getattr(chosen, kind) for other in others):
        return None
    if kind == "position":
        new = _moved(random, chosen, others, taken)
    elif kind == "part":
        new = _with_or_without_part(random, chosen, others)
    elif taken >= set(ATTRIBUTES[kind]):
        return None
    else:
        new = _with(chosen, kind, next(value for value in _draws(random, kind) if value not in taken))
    return None if new is None else replace(picture, objects=(*before, new, *later))


def _with(chosen: PlacedObject, kind: str, value: str) -> PlacedObject:
    attributes: dict[str, Any] = {kind: value}
    return replace(chosen, **attributes)


def _moved(
    random: np.random.Generator, chosen: PlacedObject, others: tuple[PlacedObject, ...], taken: set[str]
) -> PlacedObject | None:
    """Move an object to where no word for it is taken, and where it touches no other one."""
    radius = RADIUS[chosen.size]
    line = [centre for centre in range(GRID, SIDE, GRID) if radius - 1 <= centre <= SIDE - radius + 1]
    moved = [replace(chosen, row=row, column=column) for row in line for column in line]
    free = [one for one in moved if one.position not in taken and not any(_near(one, other) for other in others)]
    return free[int(random.integers(len(free)))] if free else None


def _with_or_without_part(
    random: np.random.Generator, chosen: PlacedObject, others: tuple[PlacedObject, ...]
) -> PlacedObject | None:
    there = {other.part for other in others}
    if chosen.part is not None:
        return None if chosen.part in there else replace(chosen, part=None)
    return replace(chosen, part=next(part for part in _draws(random, "part") if part not in there))


def _near(one: PlacedObject, other: PlacedObject) -> bool:
    """Say whether one object may hide a part of another one."""
    reach = APART * (RADIUS[one.size] + RADIUS[other.size])
    return (one.row - other.row) ** 2 + (one.column - other.column) ** 2 < reach**2


def _draws(random: np.random.Generator, kind: str) -> Iterator[str]:
    while True:
        yield draw(random, kind)
