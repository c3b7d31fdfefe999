"""Words in figures: as they are written, in a font that has their letters. The only place that decides either.

A dollar sign is a dollar sign, not mathematics. Letters that the font of figures lacks come from another installed font
that has them; of scripts that no font has, a warning says so, once for each.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable
from functools import cache

from matplotlib import font_manager, ft2font
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

log = logging.getLogger(__name__)

# What matplotlib brings along: a font that has a box for everything, and fonts of TeX, whose letters are not where they
# should be.
NO_FONTS = ("Last Resort", "cm", "STIX")
LONGEST = 80  # letters of a line
_warned: set[str] = set()  # of scripts


def write_as_meant(canvas: Canvas) -> None:
    """Show all words of a figure literally, and in fonts that have their letters.

    Args:
        canvas: Complete, about to be written.
    """
    for axes in canvas.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _shorten_labels(axis)
    words: list[Text] = canvas.findobj(Text)
    lacking: set[str] = set()
    for word in words:
        word.set_parse_math(False)
        if not word.get_wrap():
            word.set_text(shortened(word.get_text()))
        families = word.get_fontfamily()
        others = fonts_for(word.get_text(), tuple(families))
        lacking |= others.lacking
        if others.families:
            word.set_fontfamily([*families, *others.families])
    _warn(lacking)


def shortened(text: str) -> str:
    """Cut what is longer than a figure is wide, line by line: a name of thousands of letters leaves no room for it.

    Example:
        >>> shortened("a photo of a dog"), len(shortened("a" * 3000))
        ('a photo of a dog', 80)
    """
    return "\n".join(line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…" for line in text.split("\n"))


def _shorten_labels(axis: Axis) -> None:
    """Let an axis show short labels: it sets their texts again whenever it is rendered."""
    labels = axis.get_ticklabels()  # they are set when they are asked for
    if any(shortened(label.get_text()) != label.get_text() for label in labels):
        written = axis.get_major_formatter()
        axis.set_major_formatter(FuncFormatter(lambda value, place: shortened(written(value, place))))
        axis.get_ticklabels()


class Fonts:
    """Fonts beside those that a text is set in.

    Attributes:
        families: Installed ones that have the letters which those lack, as few as that takes.
        lacking: Letters that no installed font has.
    """

    def __init__(self, families: tuple[str, ...], lacking: frozenset[str]) -> None:
        self.families, self.lacking = families, lacking


def fonts_for(text: str, families: tuple[str, ...]) -> Fonts:
    """Return what else a text needs.

    Args:
        text: Of the figure.
        families: Fonts that it is set in, the first one first.
    """
    missing = frozenset(text) - _has(font_manager.findfont(font_manager.FontProperties(family=list(families))))
    return _fonts_with(frozenset(letter for letter in missing if letter.isprintable() and not letter.isspace()))


@cache
def _fonts_with(letters: frozenset[str]) -> Fonts:
    chosen: list[str] = []
    left = set(letters)
    while left:
        family, found = max(_installed(), key=lambda pair: len(left & pair[1]), default=("", frozenset()))
        if not left & found:
            break
        chosen.append(family)
        left -= found
    return Fonts(tuple(chosen), frozenset(left))


@cache
def _installed() -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the families of fonts and the letters of their regular font; those without serifs first, then by name."""
    fonts = [font for font in font_manager.fontManager.ttflist if not font.name.startswith(NO_FONTS)]
    fonts.sort(key=lambda font: ("Sans" not in font.name, font.name, font.style != "normal", _distance(font.weight)))
    regular: dict[str, str] = {}
    for font in fonts:
        regular.setdefault(font.name, font.fname)
    return tuple((name, _has(path)) for name, path in regular.items())


def _distance(weight: int | str) -> int:
    """Return how far a weight is from that of regular letters."""
    return abs((weight if isinstance(weight, int) else font_manager.weight_dict.get(weight, 900)) - 400)


@cache
def _has(path: str) -> frozenset[str]:
    """Return the letters of a font file."""
    return frozenset(map(chr, ft2font.FT2Font(path).get_charmap()))


def _warn(letters: Iterable[str]) -> None:
    """Name the letters that are shown as boxes, once for each script."""
    new = {letter: script for letter in sorted(letters) if (script := _script(letter)) not in _warned}
    if new:
        _warned.update(new.values())
        log.warning(
            "figures show boxes for some letters (%s: %s): install a font that has them, of Noto or another family",
            ", ".join(dict.fromkeys(new.values())),
            " ".join(list(new)[:10]),
        )


def _script(letter: str) -> str:
    return unicodedata.name(letter, "unknown").split()[0]
