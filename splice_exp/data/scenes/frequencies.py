"""How often each concept occurs, and with what: Zipf's law within a kind, favourite companions between kinds.

    P(concept of rank r) ∝ 1 / (r + OFFSET)      r = 1 … size of the kind, in the order of `world`

With probability `ATTRACTION` a scene, a colour, a weather or a prop is not drawn so, but is the favourite of what is in
the image already: cats are often on the carpet. The null of a correlation is therefore known: without favourites, kinds
are independent.

References:
    Mandelbrot. An informational theory of the statistical structure of language. 1953 (the offset).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from splice_exp.data.scenes.world import ATTRIBUTES, FAMILIES, SCENES, SHAPES

OFFSET = 3.0
ATTRACTION = 0.3  # probability that a kind with a favourite takes it
OBJECT_SHARES = (0.25, 0.30, 0.20, 0.15, 0.10)  # of images with one to five objects
PRESENCE: Mapping[str, float] = {
    "part": 0.30,  # of an object
    "prop": 0.40,  # from here on of an image
    "lighting": 0.30,
    "weather": 0.30,
    "border": 0.35,
    "camera": 0.25,
    "mark": 0.30,
}  # how often a kind is there at all


@cache
def zipf(size: int) -> np.ndarray:
    """Return the share of each rank, the most frequent one first; (size,), sum 1.

    Args:
        size: Number of concepts of a kind.
    """
    shares = 1 / (np.arange(1, size + 1) + OFFSET)
    return shares / shares.sum()


def draw(random: np.random.Generator, kind: str) -> str:
    """Draw a concept of a kind by its frequency.

    Args:
        random: The random generator.
        kind: One of `world.ATTRIBUTES`.
    """
    names = list(ATTRIBUTES[kind])
    return names[int(np.searchsorted(_cumulated(len(names)), random.random(), side="right"))]


def draw_beside(random: np.random.Generator, kind: str, companion: str) -> str:
    """Draw a concept of a kind: with probability `ATTRACTION` the `favourite` of another concept, else by frequency.

    Args:
        random: The random generator.
        kind: `scene`, `colour`, `weather` or `prop`.
        companion: The other concept of the image, of the kind that `favourite` asks for.
    """
    if random.random() < ATTRACTION:
        return favourite(kind, companion)
    return draw(random, kind)


@cache
def favourite(kind: str, companion: str) -> str:
    """Return the concept of a kind that goes with another concept more often than by chance.

    Shapes of one family share their favourite scene; every shape has its own colour, every scene a weather and a
    prop. They are distributed evenly, so that frequent concepts have different ones.

    Args:
        kind: `scene`, `colour`, `weather` or `prop`.
        companion: A family for a scene, a shape for a colour, a scene for a weather or a prop.

    Raises:
        KeyError: for another kind.
        ValueError: for a companion of another kind.
    """
    owners = {"scene": tuple(FAMILIES), "colour": tuple(SHAPES), "weather": tuple(SCENES), "prop": tuple(SCENES)}[kind]
    names = tuple(ATTRIBUTES[kind])
    return names[(7 * owners.index(companion) + 3) % len(names)]


@cache
def _cumulated(size: int) -> np.ndarray:
    shares = zipf(size).cumsum()
    shares[-1] = 1.0
    return shares
