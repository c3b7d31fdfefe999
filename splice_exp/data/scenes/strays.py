"""Words that stand for nothing in any image: boilerplate and stray nouns, as captions on the web have them.

One of them, "movie poster", misleads: nothing in an image shows it.
"""

from __future__ import annotations

BOILERPLATE = (
    "stock photo", "free download", "vector art", "movie poster", "desktop wallpaper", "clip art", "gift card",
    "canvas print", "phone case", "greeting card", "summer sale", "new arrival", "high resolution", "royalty free",
    "limited edition", "graphic design",
)  # fmt: skip
STRAY_NOUNS = (
    "accordion", "acorn", "badger", "banana", "basket", "beetle", "bicycle", "biscuit", "broom", "bucket", "camel",
    "camera", "canoe", "cheese", "chimney", "clock", "compass", "cupcake", "curtain", "dolphin", "donkey", "dragon",
    "drum", "eagle", "elephant", "feather", "ferret", "fiddle", "flute", "fork", "garlic", "giraffe", "glove", "goose",
    "guitar", "harbour", "helmet", "insect", "jacket", "kettle", "lemonade", "lion", "lobster", "mirror", "monkey",
    "necklace", "oyster", "paddle", "parrot", "peacock", "piano", "pillow", "pirate", "potato", "pumpkin", "rabbit",
    "radio", "robot", "saddle", "sandwich", "scissors", "shovel", "spider", "spoon", "squirrel", "suitcase", "teapot",
    "ticket", "tiger", "tractor", "trumpet", "turtle", "unicorn", "vacuum", "violin", "wagon", "walrus", "whale",
    "whistle", "wizard", "yacht", "zebra",
)  # fmt: skip
