"""One rule for every image, wherever it comes from: what a viewer shows, as 8-bit RGB.

    orientation   turned upright as its EXIF data say; `exif=ignore` leaves the pixels as they are stored
    transparency  shown on white, as img2dataset does; the hidden colours of transparent pixels do not count
    16 bits       the upper 8 of them (65535 is white), as Pillow itself reads 16-bit colours
    32-bit ints   as 16 bits, if they can be nothing else; refused otherwise
    floats        0 is black and 1 is white; refused if a value lies outside
    frames        of an animation or of a document with pages: the first, or the one that someone has chosen
    other modes   grey, palette, CMYK, YCbCr, HSV, LAB: as Pillow converts them; colour profiles do not count

Imported without torch.
"""

from __future__ import annotations

import struct
from typing import TypeAlias

import numpy as np
from PIL import ExifTags, Image

from splice_exp.core.errors import SpliceError

UPRIGHT, IGNORE = "upright", "ignore"
EXIF = (UPRIGHT, IGNORE)
TURNS = {  # value of the EXIF tag → what turns such an image upright; 1 is upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SCALED = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # modes whose values Pillow would clip at 255
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # a tag of TIFF that Pillow heeds in images of 8 bits only

Pixels: TypeAlias = Image.Image | np.ndarray


class UnreadableImage(SpliceError):  # noqa: N818  as its base, it speaks of what is wrong
    """An image whose content is damaged or has no known meaning: it is the same whenever one tries."""


def rgb(image: Pixels, name: str = "The image", exif: str = UPRIGHT) -> Image.Image:
    """Return an image in colours, with nothing left in it that would turn it again.

    Args:
        image: A PIL image, or an array: (height, width), (height, width, 3) or, with alpha, (height, width, 4).
        name: What it is called, for errors.
        exif: `upright` or `ignore`.

    Raises:
        UnreadableImage: if its values have no known meaning.

    Example:
        >>> rgb(np.full((2, 3), 65535, dtype=np.uint16)).getpixel((0, 0))
        (255, 255, 255)
    """
    found = _of_array(image, name) if isinstance(image, np.ndarray) else image
    found.load()  # Pillow turns some kinds of files itself, and then says so no more
    turn = orientation(found) if exif == UPRIGHT else None
    if found.mode == "RGB" and turn is None and not found.info and not found.getexif():
        return found
    coloured = _coloured(found, name)
    if turn is not None:
        coloured = coloured.transpose(turn)
    coloured.info.clear()
    return coloured


def orientation(image: Image.Image) -> Image.Transpose | None:
    """Return what turns an image upright; None if it is, or says nothing that can be understood."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):  # EXIF data are damaged easily
        return None
    return TURNS.get(value) if isinstance(value, int) else None


def levels(values: np.ndarray, name: str = "The image") -> np.ndarray:
    """Scale values of any type to 0 … 255, by the range of the type and never by the values.

    Args:
        values: Of any shape.
        name: Of their image, for errors.

    Raises:
        UnreadableImage: if the type has no range that images use, and the values do not say which one is meant.

    Example:
        >>> levels(np.array([0.0, 0.5, 1.0])), levels(np.array([0, 32896, 65535], dtype=np.uint16))
        (array([  0, 128, 255], dtype=uint8), array([  0, 128, 255], dtype=uint8))
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    if values.dtype.kind == "f":
        if not (low >= 0 and high <= 1):  # NaN neither
            raise UnreadableImage(
                f"{name} has floating-point values from {low:g} to {high:g}, but 0 must be black and 1 white: divide "
                "them by what is white, or save it with 8 or 16 bits."
            )
        return np.rint(values * 255.0).astype(np.uint8)
    if values.dtype.kind not in "iu":
        raise UnreadableImage(f"{name} has values of type {values.dtype}, but must have integers or floats.")
    unclear = low < 0 or high > 65535 or 0 < high <= 255  # up to 255 it may be 8 bits or, nearly black, 16
    if unclear and (values.dtype.kind, values.dtype.itemsize) != ("u", 2):
        raise UnreadableImage(
            f"{name} has {values.dtype} values from {low} to {high}, which do not say what is white: save it with "
            "8 or 16 bits without a sign."
        )
    return (values >> 8).astype(np.uint8)


def _of_array(array: np.ndarray, name: str) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or not array.size:
        raise UnreadableImage(
            f"{name} is an array of shape {array.shape}, but must be (height, width), with 3 colours (height, width, "
            "3), or with alpha (height, width, 4)."
        )
    return Image.fromarray(levels(array, name))


def _coloured(image: Image.Image, name: str) -> Image.Image:
    """Return a copy in colours."""
    if image.mode in SCALED:
        return _scaled(image, name).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    shown = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    white = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(white, shown).convert("RGB")


def _scaled(image: Image.Image, name: str) -> Image.Image:
    values = np.asarray(image)
    grey = levels(values, name)
    if getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO:
        grey = 255 - grey
    if "transparency" in image.info:
        grey = np.where(values == image.info["transparency"], np.uint8(255), grey)
    return Image.fromarray(grey)
