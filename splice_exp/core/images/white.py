"""What is white in images of more than 8 bits: by the type of their values and never by the values of one image.

    unsigned 16 bits  65535; of TIFF what its tags say, if that is the largest value of some number of bits
    other integers    as 16 bits, if they can be nothing else; refused otherwise
    floats            1
    all of these      what someone has set, as 4095 where cameras and scanners write 12 bits into 16

Of colours of 16 bits Pillow reads the upper 8, so that 65535 is white, whatever was set.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from splice_exp.core.errors import SpliceError

SCALED = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # modes whose values Pillow would clip at 255
FULL = 65535  # 16 bits
TWELVE = 4095  # bits: values of 16 bits that stay below are nearly black
# Tags of TIFF. MaxSampleValue is the largest value of an image, and says the number of bits only if it is one of these.
BITS, LARGEST = 258, {281: "MaxSampleValue", 341: "SMaxSampleValue"}
OF_BITS = frozenset(2**bits - 1 for bits in range(9, 16))
SIXTEEN, DARK = "values of 16 bits", "nearly black"  # notes in what Pillow knows of an image


class UnreadableImage(SpliceError):  # noqa: N818  as its base, it speaks of what is wrong
    """An image whose content is damaged or has no known meaning: it is the same whenever one tries."""


class UnknownWhite(UnreadableImage):
    """An image whose values do not say what is white: someone may know it."""


class White(NamedTuple):
    """The value that is white in images of more than 8 bits, and what says so.

    Attributes:
        value: The brightness that becomes 255.
        said_by: The key of the configuration, or whatever else says so.
    """

    value: int
    said_by: str = "white"


def levels(values: np.ndarray, name: str = "The image", white: White | None = None) -> np.ndarray:
    """Scale values of any type to 0 … 255, by the range of the type and never by the values.

    Args:
        values: Of any shape.
        name: Of their image, for errors.
        white: What is white, where it is known; values of 8 bits do not ask.

    Returns:
        Values of 8 bits, of the same shape.

    Raises:
        UnreadableImage: if the type has no range that images use, and the values do not say which one is meant.
        SpliceError: if a value is brighter than white.

    Example:
        >>> levels(np.array([0.0, 0.5, 1.0])), levels(np.array([0, 32896, 65535], dtype=np.uint16))
        (array([  0, 128, 255], dtype=uint8), array([  0, 128, 255], dtype=uint8))
        >>> levels(np.array([0, 2056, 4095], dtype=np.uint16), white=White(4095))
        array([  0, 128, 255], dtype=uint8)
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind not in "fiu":
        raise UnreadableImage(f"{name} has values of type {values.dtype}, but must have integers or floats.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise UnreadableImage(f"{name} has {count} values that are NaN or infinite, which are no brightness.")
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    if white is not None:
        return _of_white(values, name, white)
    if values.dtype.kind == "f":
        if not (low >= 0 and high <= 1):
            raise UnknownWhite(
                f"{name} has floating-point values from {low:g} to {high:g}, but 0 must be black and 1 white: divide "
                "them by what is white, or save it with 8 or 16 bits."
            )
        return np.rint(values * 255.0).astype(np.uint8)
    unclear = low < 0 or high > FULL or 0 < high <= 255  # up to 255 it may be 8 bits or, nearly black, 16
    if unclear and (values.dtype.kind, values.dtype.itemsize) != ("u", 2):
        raise UnknownWhite(
            f"{name} has {values.dtype} values from {low} to {high}, which do not say what is white: save it with "
            "8 or 16 bits without a sign."
        )
    return (values >> 8).astype(np.uint8)


def _of_white(values: np.ndarray, name: str, white: White) -> np.ndarray:
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    if low < 0:
        raise UnreadableImage(f"{name} has values from {low:g} to {high:g}, but 0 must be black.")
    if high > white.value:
        raise SpliceError(
            f"{name} has values up to {high:g}, but {white.said_by} says that {white.value} is white: set it to the "
            "largest value that images of this kind can have."
        )
    return np.rint(values * (255.0 / white.value)).astype(np.uint8)


def note_depth(image: Image.Image) -> None:
    """Note that an image has 16 bits of colours or with transparency, which is seen only before it is loaded."""
    if image.mode not in SCALED and any(";16" in str(tile.args) for tile in getattr(image, "tile", ())):
        image.info[SIXTEEN] = True


def white_of(image: Image.Image, name: str, white: White | None) -> White | None:
    """Return what is white in an image: as someone has set it, or as its tags say.

    Args:
        image: Loaded.
        name: What it is called, for errors.
        white: As it was set.

    Raises:
        SpliceError: if it was set, and the image has 16 bits of which only the upper ones are read.
    """
    if white is not None:
        if SIXTEEN in image.info:
            raise SpliceError(
                f"{name} has colours of 16 bits, of which only the upper 8 are read, so that {white.said_by} cannot be "
                f"{white.value} for it: save it with 8 bits."
            )
        return white
    tags = getattr(image, "tag_v2", {})
    bits = _number(tags.get(BITS))
    if bits is not None and 2**bits - 1 in OF_BITS:
        return White(2**bits - 1, f"its {bits} bits")
    for tag, called in LARGEST.items():
        largest = _number(tags.get(tag))
        if largest is not None and largest in OF_BITS:
            return White(largest, f"its tag {called}")
    return None


def _number(value: object) -> int | None:
    """Return a tag that is one integer; those of colours have one number for each."""
    found = value[0] if isinstance(value, tuple) and len(value) == 1 else value
    return int(found) if isinstance(found, int | float) and found == int(found) else None


def darkness(values: np.ndarray | Image.Image) -> int | None:
    """Return the largest of 16-bit values that are all nearly black; None if there are brighter ones, or only black.

    Args:
        values: As they are stored; or an image of 16-bit colours, as it is read.
    """
    if isinstance(values, Image.Image):
        bands = [band for band in zip(values.getbands(), _extrema(values), strict=True) if band[0] != "A"]
        largest = max(high for _, (_, high) in bands)
        return (largest + 1) * 256 - 1 if 0 < largest <= TWELVE >> 8 else None
    if values.dtype.kind not in "iu" or values.dtype.itemsize == 1 or not values.size:
        return None
    high = int(values.max())
    return high if 0 < high <= TWELVE else None


def _extrema(image: Image.Image) -> list[tuple[int, int]]:
    found = image.getextrema()
    return [found] if len(image.getbands()) == 1 else list(found)  # type: ignore[list-item, arg-type]


class Dark(NamedTuple):
    """An image that is nearly black.

    Attributes:
        largest: Of its values.
        in_colours: Whether it has 16-bit colours, of which the lower bits are lost.
    """

    largest: int
    in_colours: bool

    def sentence(self, name: str, key: str | None) -> str:
        """Say so, and what to do about it.

        Args:
            name: Of the image.
            key: That says what is white; None where there is no configuration.
        """
        said = f"{name} is nearly black: its values of 16 bits go up to {self.largest} of {FULL}"
        if key is None or self.in_colours:
            return f"{said}; if they have 12 bits, scale them to 8 (values * 255 // {TWELVE})"
        return f"{said}; if another value is white, set {key} to it ({key}={TWELVE} for 12 bits)"
