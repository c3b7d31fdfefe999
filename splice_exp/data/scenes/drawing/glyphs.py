"""Parts of objects and props of the background: a few coloured regions each, painted one over the other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TypeAlias

import numpy as np

from splice_exp.data.scenes.drawing.regions import Region, around, box, disc, oval, polygon, star, strip
from splice_exp.data.scenes.drawing.stamps import cut

Colour: TypeAlias = tuple[int, int, int]
Layers: TypeAlias = tuple[tuple[Region, Colour], ...]

BLACK, WHITE, GREY, BROWN = (20, 20, 22), (248, 248, 244), (140, 142, 148), (110, 70, 36)
RED, GOLD, GREEN, BLUE = (206, 36, 40), (240, 196, 40), (48, 140, 60), (50, 110, 210)
REACH = 1.7  # radii within which a part lies

PARTS: Mapping[str, Layers] = {
    "eyes": (
        (disc(-0.3, 0.25, 0.26) | disc(0.3, 0.25, 0.26), WHITE),
        (disc(-0.26, 0.22, 0.12) | disc(0.34, 0.22, 0.12), BLACK),
    ),
    "hat": ((box(-0.75, 0.78, 0.75, 0.95) | box(-0.42, 0.9, 0.42, 1.6), BLACK), (box(-0.42, 0.95, 0.42, 1.1), RED)),
    "legs": (
        (
            box(-0.45, -1.6, -0.25, -0.7)
            | box(0.25, -1.6, 0.45, -0.7)
            | box(-0.6, -1.6, -0.25, -1.45)
            | box(0.1, -1.6, 0.45, -1.45),
            BLACK,
        ),
    ),
    "wings": (
        (oval(-1.15, 0.25, 0.5, 0.34) | oval(1.15, 0.25, 0.5, 0.34), WHITE),
        (oval(-1.15, 0.12, 0.38, 0.16) | oval(1.15, 0.12, 0.38, 0.16), GREY),
    ),
    "crown": (
        (polygon((-0.6, 0.7), (0.6, 0.7), (0.7, 1.5), (0.3, 1.1), (0, 1.55), (-0.3, 1.1), (-0.7, 1.5)), GOLD),
        (disc(0, 0.9, 0.12), RED),
    ),
    "flag": ((box(0.55, 0.2, 0.65, 1.65), BLACK), (polygon((0.65, 1.65), (1.4, 1.4), (0.65, 1.1)), RED)),
    "tail": ((disc(1.1, -0.5, 0.5) - disc(1.1, -0.35, 0.36) | disc(1.5, -0.2, 0.16), BROWN),),
    "ribbon": (
        (
            polygon((-0.1, -0.9), (-0.7, -0.5), (-0.7, -1.3))
            | polygon((0.1, -0.9), (0.7, -0.5), (0.7, -1.3))
            | disc(0, -0.9, 0.18),
            (236, 90, 160),
        ),
    ),
    "horns": (
        (
            strip((-0.4, 0.7), (-0.9, 1.5), 0.2)
            | strip((0.4, 0.7), (0.9, 1.5), 0.2)
            | strip((-0.65, 1.1), (-1.1, 1.1), 0.14)
            | strip((0.65, 1.1), (1.1, 1.1), 0.14),
            BROWN,
        ),
    ),
    "halo": ((oval(0, 1.3, 0.75, 0.24) - oval(0, 1.3, 0.55, 0.11), GOLD),),
    "wheels": (
        (disc(-0.6, -1.1, 0.36) | disc(0.6, -1.1, 0.36), BLACK),
        (disc(-0.6, -1.1, 0.14) | disc(0.6, -1.1, 0.14), GREY),
    ),
    "antenna": (
        (strip((-0.1, 0.7), (-0.45, 1.45), 0.1) | strip((0.1, 0.7), (0.45, 1.45), 0.1), BLACK),
        (disc(-0.48, 1.5, 0.17) | disc(0.48, 1.5, 0.17), (60, 220, 90)),
    ),
}
PROPS: Mapping[str, Layers] = {
    "tree": (
        (box(-0.16, -1, 0.16, 0), BROWN),
        (disc(0, 0.35, 0.65) | disc(-0.4, 0.05, 0.4) | disc(0.4, 0.05, 0.4), GREEN),
    ),
    "sun": ((star(12, 0.7, 1.1), (255, 170, 30)), (disc(0, 0, 0.6), (255, 230, 80))),
    "cloud": ((oval(0, -0.1, 1.0, 0.42) | disc(-0.35, 0.2, 0.42) | disc(0.3, 0.25, 0.5), (236, 240, 246)),),
    "mountain": (
        (polygon((-1.1, -0.8), (0, 1.0), (1.1, -0.8)), (110, 112, 126)),
        (polygon((-0.38, 0.4), (0, 1.0), (0.38, 0.4), (0, 0.2)), WHITE),
    ),
    "fence": (
        (
            box(-1.1, -0.1, 1.1, 0.1)
            | box(-1.1, -0.6, 1.1, -0.4)
            | box(-0.9, -0.9, -0.65, 0.5)
            | box(-0.3, -0.9, -0.05, 0.5)
            | box(0.3, -0.9, 0.55, 0.5)
            | box(0.85, -0.9, 1.1, 0.5),
            (226, 220, 206),
        ),
    ),
    "bird": ((strip((-1.0, 0.4), (0, -0.1), 0.24) | strip((0, -0.1), (1.0, 0.4), 0.24), BLACK),),
    "rock": (
        (polygon((-1.0, -0.8), (-0.7, 0.1), (-0.1, 0.5), (0.6, 0.25), (1.0, -0.8)), (104, 100, 98)),
        (polygon((-0.5, 0.1), (-0.1, 0.5), (0.2, 0.1)), (150, 146, 142)),
    ),
    "lantern": (
        (box(-0.08, -1.0, 0.08, 0.4) | box(-0.4, -1.0, 0.4, -0.88), BLACK),
        (disc(0, 0.65, 0.36), (255, 236, 130)),
    ),
    "signpost": (
        (box(-0.09, -1.0, 0.09, 0.3), BROWN),
        (polygon((-0.7, 0.2), (0.6, 0.2), (1.0, 0.52), (0.6, 0.85), (-0.7, 0.85)), (210, 164, 96)),
    ),
    "balloon": ((strip((0, -0.2), (0.1, -1.0), 0.1), BLACK), (oval(0, 0.35, 0.55, 0.68), RED)),
    "path": (
        (polygon((-0.2, 1.0), (0.2, 1.0), (1.0, -1.0), (-1.0, -1.0)), (176, 156, 122)),
        (box(-0.07, -0.9, 0.07, -0.4) | box(-0.05, -0.1, 0.05, 0.3), WHITE),
    ),
    "bridge": (((disc(0, -0.7, 1.1) & box(-1.1, -0.6, 1.1, 0.5)) - disc(0, -0.8, 0.72), (150, 96, 66)),),
    "pond": ((oval(0, -0.2, 1.05, 0.5), (70, 130, 190)), (oval(-0.2, -0.12, 0.5, 0.14), (170, 210, 236))),
    "bench": (
        (
            box(-1.0, -0.2, 1.0, 0.05)
            | box(-1.0, 0.3, 1.0, 0.55)
            | box(-0.85, -0.9, -0.65, 0.5)
            | box(0.65, -0.9, 0.85, 0.5),
            (136, 84, 40),
        ),
    ),
    "kite": (
        (strip((0, -0.3), (0.5, -1.1), 0.1), BLACK),
        (polygon((0, 1.0), (0.6, 0.3), (0, -0.5), (-0.6, 0.3)), (236, 60, 160)),
        (box(-0.06, -0.4, 0.06, 0.9), WHITE),
    ),
    "hill": ((disc(0, -1.4, 1.6) & box(-1.1, -0.9, 1.1, 1), (104, 150, 70)),),
    "windmill": (
        (polygon((-0.35, -1.0), (0.35, -1.0), (0.18, 0.3), (-0.18, 0.3)), (222, 206, 186)),
        (strip((-0.75, 0.95), (0.75, -0.35), 0.2) | strip((-0.75, -0.35), (0.75, 0.95), 0.2), (90, 70, 60)),
    ),
    "lighthouse": (
        (polygon((-0.35, -1.0), (0.35, -1.0), (0.22, 0.6), (-0.22, 0.6)), WHITE),
        (box(-0.32, -0.6, 0.32, -0.3) | box(-0.28, 0, 0.28, 0.28) | polygon((-0.3, 0.75), (0.3, 0.75), (0, 1.05)), RED),
        (box(-0.2, 0.55, 0.2, 0.76), (255, 236, 130)),
    ),
    "pyramid": (
        (polygon((0, 0.8), (1.1, -0.8), (-1.1, -0.8)), (214, 178, 104)),
        (polygon((0, 0.8), (1.1, -0.8), (0.25, -0.8)), (156, 122, 64)),
    ),
    "snowman": (
        (disc(0, -0.5, 0.5) | disc(0, 0.2, 0.36) | disc(0, 0.7, 0.26), (250, 250, 255)),
        (box(-0.3, 0.88, 0.3, 0.98) | box(-0.18, 0.9, 0.18, 1.15), BLACK),
        (polygon((0, 0.72), (0, 0.6), (0.4, 0.64)), (244, 130, 30)),
    ),
    "campfire": (
        (strip((-0.8, -0.9), (0.8, -0.5), 0.24) | strip((-0.8, -0.5), (0.8, -0.9), 0.24), BROWN),
        (
            polygon((-0.55, -0.5), (-0.5, 0.3), (-0.2, 0), (0, 0.95), (0.25, 0.1), (0.5, 0.4), (0.55, -0.5)),
            (250, 120, 20),
        ),
        (oval(0, -0.25, 0.25, 0.35), (255, 226, 90)),
    ),
    "barrel": ((oval(0, 0, 0.7, 0.98), (150, 94, 44)), (box(-0.7, 0.35, 0.7, 0.5) | box(-0.7, -0.5, 0.7, -0.35), GREY)),
    "planet": ((disc(0, 0, 0.6), (220, 170, 110)), (oval(0, 0, 1.1, 0.3) - oval(0, 0.08, 0.85, 0.2), (250, 226, 170))),
    "rocket": (
        (oval(0, 0.1, 0.34, 0.95), (226, 228, 234)),
        (polygon((-0.3, -0.4), (-0.75, -0.95), (-0.2, -0.75)) | polygon((0.3, -0.4), (0.75, -0.95), (0.2, -0.75)), RED),
        (disc(0, 0.3, 0.16), BLUE),
    ),
    "fountain": (
        (box(-0.8, -0.95, 0.8, -0.6) | box(-0.12, -0.7, 0.12, 0.1), (170, 170, 176)),
        (
            (disc(-0.35, 0.1, 0.45) | disc(0.35, 0.1, 0.45)) - (disc(-0.35, -0.05, 0.36) | disc(0.35, -0.05, 0.36)),
            (130, 196, 240),
        ),
    ),
    "comet": ((polygon((-0.4, 0.1), (-0.1, 0.4), (1.1, 1.1)), (150, 190, 250)), (disc(-0.4, -0.1, 0.42), WHITE)),
    "crate": (
        (box(-0.85, -0.85, 0.85, 0.85), (186, 134, 74)),
        (
            (box(-0.85, -0.85, 0.85, 0.85) - box(-0.65, -0.65, 0.65, 0.65)) | strip((-0.7, -0.7), (0.7, 0.7), 0.2),
            (112, 72, 32),
        ),
    ),
    "ufo": (
        (disc(0, 0.1, 0.42), (140, 220, 200)),
        (oval(0, -0.1, 1.05, 0.34), (120, 124, 136)),
        (disc(-0.5, -0.12, 0.12) | disc(0, -0.2, 0.12) | disc(0.5, -0.12, 0.12), GOLD),
    ),
    "statue": (
        (box(-0.55, -1.0, 0.55, -0.55), (120, 122, 120)),
        (disc(0, 0.75, 0.25) | box(-0.28, -0.55, 0.28, 0.5) | strip((0.2, 0.3), (0.7, 0.9), 0.18), (160, 172, 160)),
    ),
    "well": (
        (box(-0.65, -0.95, 0.65, -0.2), (130, 126, 122)),
        (
            polygon((-0.85, 0.4), (0.85, 0.4), (0, 1.0)) | box(-0.6, -0.2, -0.46, 0.45) | box(0.46, -0.2, 0.6, 0.45),
            (130, 60, 40),
        ),
    ),
    "ball": ((disc(0, 0, 0.8), WHITE), (disc(0, 0, 0.3) | (around(5, 0.75, 0.24) & disc(0, 0, 0.8)), BLACK)),
    "traffic light": (
        (box(-0.42, -0.95, 0.42, 0.98), (40, 42, 44)),
        (disc(0, 0.62, 0.25), RED),
        (disc(0, 0, 0.25), GOLD),
        (disc(0, -0.6, 0.25), (60, 200, 80)),
    ),
}


@cache
def part(name: str, radius: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return the layers of a part of an object, in the order in which they are painted.

    Args:
        name: One of `world.PARTS`.
        radius: Of the object, pixels.

    Returns:
        For each layer, how much of each pixel it covers, (h, h) uint8, 0 to 255, and its colour, (3,) uint16.
    """
    return tuple((cut(region, radius, REACH), np.array(colour, dtype=np.uint16)) for region, colour in PARTS[name])


@cache
def prop(name: str, radius: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return the layers of a prop, in the order in which they are painted.

    Args:
        name: One of `world.PROPS`.
        radius: Of the prop, pixels.

    Returns:
        For each layer, how much of each pixel it covers, (h, h) uint8, 0 to 255, and its colour, (3,) uint16.
    """
    return tuple((cut(region, radius), np.array(colour, dtype=np.uint16)) for region, colour in PROPS[name])
