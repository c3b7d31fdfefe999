"""Captions of an image, from objects and scene to a single word, worded as people and the web would.

No caption says everything: the first one speaks of up to three objects and the scene, the second of the objects'
colours and of something around them, the third of light, weather, border and camera, the fourth of two objects, of how
many there are or of one of them, the fifth is a word or two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from splice_exp.data.scenes.picture import Picture, PlacedObject, relation_of
from splice_exp.data.scenes.strays import BOILERPLATE, STRAY_NOUNS
from splice_exp.data.scenes.world import ATTRIBUTES, FINE_SHAPES

Choice = TypeVar("Choice")

NUM_CAPTIONS = 5
SYNONYM_RATE = 0.25  # of words that are replaced by a synonym
FAMILY_RATE = 0.12  # of shapes that are called by their family
PREFIX_RATE = 0.4  # of captions that begin by saying that this is an image
NOISE_RATE = 0.2  # of captions, but the first, with words that stand for nothing in the image
MOST_NAMED = 3  # objects in a caption
PREFIXES = ("a photo of", "a picture of", "an image of")
PREPOSITIONS: Mapping[str, str] = {
    "sky": "in the",
    "snow": "in the",
    "forest": "in the",
    "field": "in the",
    "hedge": "in the",
    "mud": "in the",
    "smoke": "in the",
    "aurora": "in the",
    "space": "in",
    "night": "at",
    "sunset": "at",
}  # all other scenes: "on"
BESIDE: Mapping[str, str] = {
    "part": "with {}",
    "prop": "near a {}",
    "lighting": "in {} light",
    "weather": "in {}",
    "border": "with {}",
    "camera": "{} photograph",
    "mark": "with a {}",
}  # how a concept of a kind is put into words


def captions(picture: Picture) -> tuple[str, ...]:
    """Return `NUM_CAPTIONS` captions.

    For instance: a small striped red star with a hat and a blue ring on the grass; a red star near a tree; sepia
    photograph in rain with rounded corners; a red star left of a blue ring; grass.
    """
    random = np.random.default_rng(picture.seed)
    named = picture.objects[:MOST_NAMED]
    full = _list([_phrase(random, placed, ("size", "surface", "colour"), part=True) for placed in named])
    coloured = _list([_phrase(random, placed, ("colour",)) for placed in named])
    around = [_around(random, kind, concept) for kind, concept in picture.surroundings.items()]
    some = [around[index] for index in sorted(random.permutation(len(around))[:3])]
    one = _one(random, around or [_place(random, picture)])
    texts = (
        _prefixed(random, f"{full} {_place(random, picture)}"),
        _noisy(random, _prefixed(random, f"{coloured} {one}")),
        _noisy(random, " ".join([*some, _place(random, picture)])),
        _noisy(random, _prefixed(random, _layout(random, picture))),
        _noisy(random, _prefixed(random, _short(random, picture))),
    )
    assert len(texts) == NUM_CAPTIONS
    return texts


def words_of(picture: Picture) -> str:
    """Return the names of all concepts of an image, without grammar: what the warm-up of a training predicts."""
    return " ".join(sorted(picture.concepts))


def _layout(random: np.random.Generator, picture: Picture) -> str:
    """Say how two objects lie, how many there are, or where one is."""
    first = picture.objects[0]
    what = int(random.integers(3))
    if what == 0 and len(picture.objects) > 1:
        second = picture.objects[1]
        relation = relation_of(first, second)
        if relation == "in front of":
            first, second = second, first  # the later one is painted over the earlier one
        phrases = [_phrase(random, placed, ("colour",)) for placed in (first, second)]
        return f"{phrases[0]} {_say(random, 'relation', relation)} {phrases[1]}"
    if what == 1:
        return f"a {_say(random, 'count', picture.count)} with {_phrase(random, first, ('colour',))}"
    placed = _one(random, picture.objects)
    return f"{_phrase(random, placed, _some(random, ('size', 'surface', 'colour')))} {placed.position}"


def _short(random: np.random.Generator, picture: Picture) -> str:
    """Say one thing: a detail and a shape, or a single word."""
    placed = _one(random, picture.objects)
    what = int(random.integers(4))
    if what == 0:
        return f"{_word(random, placed, _one(random, ('size', 'surface', 'colour')))} {_shape(random, placed)}"
    if what == 1:
        return _say(random, "scene", picture.scene)
    if what == 2 and picture.surroundings:
        kind = _one(random, tuple(picture.surroundings))
        return _say(random, kind, picture.surroundings[kind])
    return _shape(random, placed)


def _phrase(random: np.random.Generator, placed: PlacedObject, adjectives: Sequence[str], part: bool = False) -> str:
    words = " ".join([*(_word(random, placed, kind) for kind in adjectives), _shape(random, placed)])
    if part and placed.part is not None:
        words = f"{words} {BESIDE['part'].format(_say(random, 'part', placed.part))}"
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _around(random: np.random.Generator, kind: str, concept: str) -> str:
    return BESIDE[kind].format(_say(random, kind, concept))


def _list(phrases: Sequence[str]) -> str:
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)


def _place(random: np.random.Generator, picture: Picture) -> str:
    return f"{PREPOSITIONS.get(picture.scene, 'on')} {_say(random, 'scene', picture.scene)}"


def _word(random: np.random.Generator, placed: PlacedObject, kind: str) -> str:
    return _say(random, kind, getattr(placed, kind))


def _shape(random: np.random.Generator, placed: PlacedObject) -> str:
    by_family = random.random() < FAMILY_RATE
    name = _say(random, "shape", FINE_SHAPES.get(placed.shape, placed.shape))
    return placed.family if by_family else name


def _say(random: np.random.Generator, kind: str, concept: str) -> str:
    rate, which = random.random(), int(random.integers(2**16))  # always: captions differ only where images do
    synonyms = ATTRIBUTES[kind][concept]
    return synonyms[which % len(synonyms)] if rate < SYNONYM_RATE and synonyms else concept


def _prefixed(random: np.random.Generator, text: str) -> str:
    return f"{_one(random, PREFIXES)} {text}" if random.random() < PREFIX_RATE else text


def _noisy(random: np.random.Generator, text: str) -> str:
    if random.random() >= NOISE_RATE:
        return text
    noise = _one(random, _one(random, (BOILERPLATE, STRAY_NOUNS)))
    return f"{noise} {text}" if random.integers(2) else f"{text} {noise}"


def _some(random: np.random.Generator, names: Sequence[str]) -> list[str]:
    return [name for name in names if random.integers(2)]


def _one(random: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    return choices[int(random.integers(len(choices)))]
