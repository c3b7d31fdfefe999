"""The words of the benchmark: what can be in an image, by kind, in order of frequency, and what else it is called.

The synonyms of a concept mean exactly the same here. A few words are synonyms of two concepts, as "rose" is of a colour
and of a flower: what they mean in a caption, only the image shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Words: TypeAlias = Mapping[str, tuple[str, ...]]  # concept → its synonyms

SHAPES: Words = {
    "circle": ("disc",),
    "star": ("pentagram",),
    "square": (),
    "heart": ("valentine",),
    "triangle": (),
    "cross": ("plus",),
    "flower": ("blossom", "rose"),
    "house": ("cottage",),
    "fish": (),
    "arrow": ("pointer",),
    "cup": ("mug",),
    "ring": ("hoop",),
    "moon": ("crescent",),
    "bottle": ("flask",),
    "diamond": ("rhombus",),
    "boat": ("ship",),
    "skull": ("cranium",),
    "leaf": (),
    "key": (),
    "cat": ("kitten",),
    "umbrella": ("parasol",),
    "tower": ("castle",),
    "bell": (),
    "apple": (),
    "hexagon": (),
    "mushroom": ("toadstool",),
    "oval": ("ellipse",),
    "book": (),
    "rectangle": (),
    "lightning": ("bolt",),
    "butterfly": ("moth",),
    "anchor": (),
    "gear": ("cog",),
    "hammer": ("mallet",),
    "lock": ("padlock",),
    "tent": (),
    "candle": (),
    "ghost": ("phantom",),
    "cactus": (),
    "pencil": (),
    "teardrop": (),
    "clover": ("shamrock",),
    "sword": ("dagger",),
    "envelope": (),
    "pentagon": (),
    "trophy": ("goblet",),
    "shirt": (),
    "pear": (),
    "axe": ("hatchet",),
    "hourglass": (),
    "egg": (),
    "boot": (),
    "spade": (),
    "bulb": (),
    "carrot": (),
    "ladder": (),
    "chevron": (),
    "magnet": (),
    "bowtie": ("bow",),
    "semicircle": (),
    "comb": (),
    "capsule": ("pill",),
    "spiral": (),
    "octagon": (),
}
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "polygon": ("square", "triangle", "diamond", "hexagon", "rectangle", "pentagon", "chevron", "octagon"),
    "rounded": ("circle", "ring", "oval", "egg", "semicircle", "capsule", "spiral"),
    "symbol": ("star", "heart", "cross", "arrow", "moon", "lightning", "teardrop", "clover", "spade"),
    "plant": ("flower", "leaf", "mushroom", "cactus"),
    "building": ("house", "tower", "tent"),
    "animal": ("fish", "cat", "butterfly"),
    "container": ("cup", "bottle", "trophy", "envelope"),
    "tool": ("key", "hammer", "lock", "anchor", "gear", "axe", "ladder", "comb", "magnet"),
    "spooky": ("skull", "ghost"),
    "food": ("apple", "pear", "carrot"),
    "garment": ("shirt", "boot", "bowtie"),
    "household": ("umbrella", "bell", "candle", "book", "pencil", "hourglass", "bulb"),
    "vehicle": ("boat",),
    "weapon": ("sword",),
}  # family → its shapes
COLOURS: Words = {
    "red": ("crimson",),
    "blue": ("azure",),
    "green": ("emerald",),
    "yellow": ("golden",),
    "white": ("ivory",),
    "black": ("ebony",),
    "orange": ("tangerine",),
    "purple": ("violet",),
    "pink": ("rose",),
    "brown": ("chocolate",),
    "grey": ("silver",),
    "teal": ("turquoise",),
    "navy": (),
    "beige": ("cream",),
    "maroon": ("burgundy",),
    "lime": (),
    "magenta": ("fuchsia",),
    "olive": ("khaki",),
}
SURFACES: Words = {
    "plain": ("solid",),
    "striped": ("stripy",),
    "dotted": ("spotted",),
    "checkered": ("chequered",),
    "shaded": ("gradient",),
    "hatched": (),
    "ringed": ("concentric",),
    "speckled": ("flecked",),
    "halved": ("bicolour",),
    "wavy": ("rippled",),
    "hollow": ("outlined",),
    "zigzag": ("jagged",),
}
SIZES: Words = {"small": ("little",), "large": ("big",)}
PARTS: Words = {
    "eyes": (),
    "hat": ("cap",),
    "legs": (),
    "wings": (),
    "crown": ("tiara",),
    "flag": ("pennant",),
    "tail": (),
    "ribbon": ("bow",),
    "horns": ("antlers",),
    "halo": (),
    "wheels": (),
    "antenna": ("aerial",),
}
SCENES: Words = {
    "grass": ("meadow", "lawn"),
    "sky": ("clouds",),
    "water": ("sea", "ocean"),
    "sand": ("beach",),
    "snow": ("winter",),
    "night": ("midnight",),
    "forest": ("jungle",),
    "wood": ("planks",),
    "brick": ("wall",),
    "stone": ("cobbles",),
    "desert": ("dunes",),
    "field": ("farmland",),
    "concrete": ("asphalt",),
    "paper": ("parchment",),
    "sunset": (),
    "carpet": ("rug",),
    "hedge": ("bush",),
    "tiles": ("mosaic",),
    "gravel": ("pebbles",),
    "ice": ("glacier",),
    "metal": ("steel",),
    "space": ("galaxy",),
    "moss": (),
    "mud": ("swamp",),
    "marble": (),
    "hay": ("straw",),
    "smoke": ("haze",),
    "denim": (),
    "rust": (),
    "lava": ("magma",),
    "bark": (),
    "bubbles": ("foam",),
    "aurora": (),
    "camouflage": (),
}
PROPS: Words = {
    "tree": ("oak",),
    "sun": (),
    "cloud": (),
    "mountain": ("peak",),
    "fence": ("railing",),
    "bird": ("seagull",),
    "rock": ("boulder",),
    "lantern": ("streetlight",),
    "signpost": (),
    "balloon": (),
    "path": ("road",),
    "bridge": (),
    "pond": ("puddle",),
    "bench": (),
    "kite": (),
    "hill": (),
    "windmill": (),
    "lighthouse": (),
    "pyramid": (),
    "snowman": (),
    "campfire": ("bonfire",),
    "barrel": (),
    "planet": ("saturn",),
    "rocket": (),
    "fountain": (),
    "comet": (),
    "crate": (),
    "ufo": (),
    "statue": (),
    "well": (),
    "ball": (),
    "traffic light": (),
}
LIGHTING: Words = {
    "bright": ("sunlit",),
    "dim": ("gloomy",),
    "sunrise": ("dawn",),
    "shadowed": (),
    "spotlit": ("spotlight",),
    "moonlit": ("moonlight",),
    "candlelit": ("candlelight",),
    "neon": (),
    "backlit": (),
}
WEATHER: Words = {
    "rain": ("rainy",),
    "fog": ("mist",),
    "snowfall": ("winter",),
    "sunbeams": ("sunrays",),
    "thunderstorm": ("bolt",),
    "dust": ("sandstorm",),
    "hail": (),
    "rainbow": (),
}
BORDERS: Words = {
    "white frame": (),
    "black frame": (),
    "wooden frame": (),
    "polaroid": (),
    "rounded corners": (),
    "gilded frame": ("golden frame",),
    "letterbox": ("widescreen",),
    "film strip": (),
    "dashed border": (),
    "torn edges": (),
    "porthole": (),
    "window frame": (),
    "double border": (),
    "perforated edges": (),
}
CAMERA: Words = {
    "blurred": ("unfocused",),
    "vignette": (),
    "grainy": ("noisy",),
    "faded": (),
    "vivid": ("saturated",),
    "pixelated": ("mosaic",),
    "greyscale": ("monochrome",),
    "overexposed": (),
    "scanlines": (),
    "sepia": ("vintage",),
    "posterized": (),
    "negative": ("inverted",),
    "duotone": (),
    "thermal": (),
}
MARKS: Words = {
    "watermark": (),
    "timestamp": (),
    "price tag": (),
    "subtitles": (),
    "badge": (),
    "play button": (),
    "barcode": (),
    "cursor": (),
    "crosshair": (),
    "battery icon": (),
}
COUNTS: Words = {"single": (), "pair": ("couple",), "trio": (), "quartet": (), "quintet": ()}  # one to five objects
RELATIONS: Words = {
    "left of": (),
    "right of": (),
    "above": ("over",),
    "below": ("under",),
    "in front of": ("overlapping",),
}  # of one object to another
POSITIONS: Words = {"centred": (), "upper left": (), "upper right": (), "lower left": (), "lower right": ()}

ATTRIBUTES: Mapping[str, Words] = {
    "shape": SHAPES,
    "colour": COLOURS,
    "surface": SURFACES,
    "size": SIZES,
    "scene": SCENES,
    "family": dict.fromkeys(FAMILIES, ()),
    "part": PARTS,
    "position": POSITIONS,
    "relation": RELATIONS,
    "count": COUNTS,
    "prop": PROPS,
    "lighting": LIGHTING,
    "weather": WEATHER,
    "border": BORDERS,
    "camera": CAMERA,
    "mark": MARKS,
}
MAIN_KINDS = ("shape", "colour", "scene")  # what a short caption names
OBJECT_ATTRIBUTES = ("shape", "colour", "surface", "size")  # every object has one of each
SURROUNDINGS = ("prop", "lighting", "weather", "border", "camera", "mark")  # an image has at most one of each
HELD_OUT_KINDS: tuple[str, ...] = ("border", "camera", "mark")  # captions name them, the vocabulary does not

FINE_SHAPES: Mapping[str, str] = {
    f"star with {number} points": "star" for number in ("four", "five", "six", "seven", "eight")
}  # shapes that no caption of the training tells apart, and what they are called there

FAMILY_OF: Mapping[str, str] = {shape: family for family, shapes in FAMILIES.items() for shape in shapes}
KIND_OF: Mapping[str, str] = {concept: kind for kind, words in ATTRIBUTES.items() for concept in words}


def _meanings() -> Mapping[str, tuple[str, ...]]:
    meanings: dict[str, tuple[str, ...]] = {}
    for words in ATTRIBUTES.values():
        for concept, synonyms in words.items():
            for word in (concept, *synonyms):
                meanings[word] = (*meanings.get(word, ()), concept)
    return meanings


MEANINGS: Mapping[str, tuple[str, ...]] = _meanings()  # word → the concepts that it names, mostly one
AMBIGUOUS: Mapping[str, tuple[str, ...]] = {word: named for word, named in MEANINGS.items() if len(named) > 1}
CONCEPT_OF: Mapping[str, str] = {
    **{word: word if word in AMBIGUOUS else named[0] for word, named in MEANINGS.items()},
    **FINE_SHAPES,
}  # an ambiguous word is a concept of its own: true where one of its meanings is


def with_ambiguous(concepts: frozenset[str]) -> frozenset[str]:
    """Return concepts together with the ambiguous words that one of them makes true.

    Example:
        >>> sorted(with_ambiguous(frozenset({"pink", "star"})))
        ['pink', 'rose', 'star']
    """
    return concepts.union(word for word, meanings in AMBIGUOUS.items() if not concepts.isdisjoint(meanings))


def held_out_words(kinds: Iterable[str] = HELD_OUT_KINDS) -> frozenset[str]:
    """Return the single words that name concepts of some kinds, and of no other kind.

    Example:
        >>> sorted(held_out_words(["weather"]) & {"rain", "rainy", "bolt", "winter"})
        ['rain', 'rainy']
    """
    out, kept = set[str](), set[str]()
    for kind, words in ATTRIBUTES.items():
        names = (part for concept, synonyms in words.items() for word in (concept, *synonyms) for part in word.split())
        (out if kind in kinds else kept).update(names)
    return frozenset(out - kept)
