"""Captions of a picture, from the full description to a single word, worded as people and the web would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from splice_exp.data.scenes.picture import Picture, PlacedObject
from splice_exp.data.scenes.world import ATTRIBUTES, BOILERPLATE, STRAY_NOUNS

Choice = TypeVar("Choice")

NUM_CAPTIONS = 5
SYNONYM_RATE = 0.25  # of words that are said by a synonym
PREFIX_RATE = 0.4  # of captions that begin by saying that this is a picture
NOISE_RATE = 0.2  # of captions, but the first, with words that stand for nothing in the picture
PREFIXES = ("a photo of", "a picture of", "an image of")
PLACES: Mapping[str, str] = {
    "grass": "on the",
    "sand": "on the",
    "water": "on the",
    "sky": "in the",
    "night": "at",
    "snow": "in the",
    "brick": "on",
    "forest": "in the",
    "wood": "on",
    "stone": "on",
}


def captions(picture: Picture) -> tuple[str, ...]:
    """Return `NUM_CAPTIONS` captions, from the most to the least detailed; the first says all that is true.

    For instance: a small striped red star on the grass; a red star on the grass; a striped star; red star; grass.
    """
    random = np.random.default_rng(picture.caption_seed)
    full = _list([_phrase(random, placed, ("size", "surface", "colour")) for placed in picture.objects])
    coloured = _list([_phrase(random, placed, ("colour",)) for placed in picture.objects])
    mixed = _list([_phrase(random, placed, _some(random, ("size", "surface", "colour"))) for placed in picture.objects])
    one = picture.objects[random.integers(len(picture.objects))]
    pair = f"{_word(random, one, _one(random, ('size', 'surface', 'colour')))} {_word(random, one, 'shape')}"
    single = _one(random, ("shape", "shape", "colour", "surface", "size", "scene", "scene"))
    word = _scene(random, picture) if single == "scene" else _word(random, one, single)
    texts = (
        _prefixed(random, f"{full} {_place(random, picture)}"),
        _noisy(random, _prefixed(random, f"{coloured} {_place(random, picture)}")),
        _noisy(random, _prefixed(random, mixed)),
        _noisy(random, _prefixed(random, pair)),
        _noisy(random, _prefixed(random, word)),
    )
    assert len(texts) == NUM_CAPTIONS
    return texts


def _phrase(random: np.random.Generator, placed: PlacedObject, adjectives: Sequence[str]) -> str:
    words = " ".join(_word(random, placed, kind) for kind in (*adjectives, "shape"))
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _list(phrases: Sequence[str]) -> str:
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)


def _place(random: np.random.Generator, picture: Picture) -> str:
    return f"{PLACES[picture.scene]} {_scene(random, picture)}"


def _scene(random: np.random.Generator, picture: Picture) -> str:
    return _say(random, "scene", picture.scene)


def _word(random: np.random.Generator, placed: PlacedObject, kind: str) -> str:
    return _say(random, kind, getattr(placed, kind))


def _say(random: np.random.Generator, kind: str, concept: str) -> str:
    synonyms = ATTRIBUTES[kind].get(concept, ())
    return _one(random, synonyms) if random.random() < SYNONYM_RATE and synonyms else concept


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
