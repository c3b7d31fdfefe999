"""The words of the world: what can be in a picture, what else it is called, and what is never in one.

Every attribute has a canonical word and synonyms that mean exactly the same here. Distractors occur in captions, as
boilerplate and stray nouns do on the web, but stand for nothing in any picture; one of them, "movie poster", misleads.
"""

from __future__ import annotations

from collections.abc import Mapping

SHAPES: Mapping[str, tuple[str, ...]] = {
    "circle": ("disc",),
    "square": ("box",),
    "triangle": ("pyramid",),
    "diamond": ("rhombus",),
    "star": ("pentagram",),
    "heart": ("valentine",),
    "cross": ("plus",),
    "ring": ("hoop",),
    "moon": ("crescent",),
    "arrow": ("pointer",),
    "house": ("cottage",),
    "skull": ("cranium",),
}
COLOURS: Mapping[str, tuple[str, ...]] = {
    "red": ("crimson",),
    "orange": ("tangerine",),
    "yellow": ("golden",),
    "green": ("emerald",),
    "blue": ("azure",),
    "purple": ("violet",),
    "pink": ("rose",),
    "brown": ("chocolate",),
    "black": ("ebony",),
    "white": ("ivory",),
}
SURFACES: Mapping[str, tuple[str, ...]] = {
    "plain": ("solid",),
    "striped": ("stripy",),
    "dotted": ("spotted",),
}
SIZES: Mapping[str, tuple[str, ...]] = {"small": ("little",), "large": ("big",)}
SCENES: Mapping[str, tuple[str, ...]] = {
    "grass": ("meadow", "lawn"),
    "sand": ("beach", "desert"),
    "water": ("sea", "ocean"),
    "sky": ("clouds",),
    "night": ("midnight",),
    "snow": ("ice", "winter"),
    "brick": ("wall",),
    "forest": ("jungle",),
    "wood": ("planks",),
    "stone": ("cobbles",),
}
ATTRIBUTES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "shape": SHAPES,
    "colour": COLOURS,
    "surface": SURFACES,
    "size": SIZES,
    "scene": SCENES,
}
MAIN_KINDS = ("shape", "colour", "scene")  # what a short caption names
OBJECT_ATTRIBUTES = ("shape", "colour", "surface", "size")

FINE_SHAPES: Mapping[str, str] = {
    f"star with {number} points": "star" for number in ("four", "five", "six", "seven", "eight")
}  # shapes that no caption of the training tells apart, and what they are called there

BOILERPLATE = (
    "stock photo", "free download", "vector art", "movie poster", "desktop wallpaper", "clip art", "gift card",
    "canvas print", "phone case", "greeting card", "summer sale", "new arrival", "high resolution", "royalty free",
    "limited edition", "graphic design",
)  # fmt: skip
STRAY_NOUNS = (
    "anchor", "apple", "banana", "barrel", "basket", "bicycle", "bottle", "bridge", "broom", "bucket", "butterfly",
    "camel", "camera", "candle", "canoe", "carpet", "castle", "chair", "cheese", "clock", "cupcake", "curtain",
    "dolphin", "donkey", "dragon", "drum", "eagle", "elephant", "feather", "fiddle", "flute", "fork", "garlic",
    "giraffe", "glove", "guitar", "hammer", "harbour", "helmet", "insect", "jacket", "kettle", "kitten", "ladder",
    "lantern", "lemonade", "lion", "lobster", "mirror", "monkey", "mushroom", "necklace", "oyster", "paddle", "parrot",
    "peacock", "pencil", "piano", "pillow", "pirate", "potato", "pumpkin", "rabbit", "radio", "robot", "rocket",
    "saddle", "sandwich", "scissors", "shovel", "spider", "spoon", "squirrel", "suitcase", "teapot", "ticket", "tiger",
    "tractor", "trumpet", "turtle", "umbrella", "unicorn", "violin", "wagon", "whale", "whistle", "window", "wizard",
    "yacht", "zebra",
)  # fmt: skip

CONCEPT_OF: Mapping[str, str] = {
    **{
        word: concept
        for attribute in ATTRIBUTES.values()
        for concept, synonyms in attribute.items()
        for word in (concept, *synonyms)
    },
    **FINE_SHAPES,
}
KIND_OF: Mapping[str, str] = {concept: kind for kind, attribute in ATTRIBUTES.items() for concept in attribute}
