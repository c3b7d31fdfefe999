"""One rule for every image, wherever it comes from: what a viewer shows, as 8-bit RGB.

    orientation   turned upright as its EXIF data say; `exif=ignore` leaves the pixels as they are stored
    transparency  shown on white, as img2dataset does; the hidden colours of transparent pixels do not count
    more bits     scaled by what is white, by the rules of `white`
    frames        of an animation or of a document with pages: the first, or the one that someone has chosen
    other modes   grey, palette, CMYK, YCbCr, HSV, LAB: as Pillow converts them; colour profiles do not count

Imported without torch.
"""

from __future__ import annotations

import struct
from typing import TypeAlias

import numpy as np
from PIL import ExifTags, Image

from splice_exp.core.images.white import (
    DARK,
    SCALED,
    SIXTEEN,
    Dark,
    UnreadableImage,
    White,
    darkness,
    levels,
    note_depth,
    white_of,
)

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
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # a tag of TIFF that Pillow heeds in images of 8 bits only

Pixels: TypeAlias = Image.Image | np.ndarray


def rgb(image: Pixels, name: str = "The image", exif: str = UPRIGHT, white: White | None = None) -> Image.Image:
    """Return an image in colours, with nothing left in it that would turn it again.

    Args:
        image: A PIL image, or an array: (height, width), (height, width, 3) or, with alpha, (height, width, 4).
        name: What it is called, for errors.
        exif: `upright` or `ignore`.
        white: What is white in images of more than 8 bits, where it is not the largest value of their type.

    Returns:
        It; `info[DARK]` is a `Dark` where an image of 16 bits is nearly black, because it may have fewer.

    Raises:
        UnreadableImage: if its values have no known meaning.
        SpliceError: if `white` does not apply to it.

    Example:
        >>> rgb(np.full((2, 3), 65535, dtype=np.uint16)).getpixel((0, 0))
        (255, 255, 255)
    """
    if isinstance(image, np.ndarray):
        return _of_array(image, name, white)
    note_depth(image)
    image.load()  # Pillow turns some kinds of files itself, and then says so no more
    turn = orientation(image) if exif == UPRIGHT else None
    if image.mode == "RGB" and turn is None and not image.info and not image.getexif():
        return image
    coloured, dark = _coloured(image, name, white)
    if turn is not None:
        coloured = coloured.transpose(turn)
    coloured.info.clear()
    return _noted(coloured, dark)


def _noted(image: Image.Image, dark: Dark | None) -> Image.Image:
    if dark is not None:
        image.info[DARK] = dark
    return image


def orientation(image: Image.Image) -> Image.Transpose | None:
    """Return what turns an image upright; None if it is, or says nothing that can be understood."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):  # EXIF data are damaged easily
        return None
    return TURNS.get(value) if isinstance(value, int) else None


def _of_array(array: np.ndarray, name: str, white: White | None) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or not array.size:
        raise UnreadableImage(
            f"{name} is an array of shape {array.shape}, but must be (height, width), with 3 colours (height, width, "
            "3), or with alpha (height, width, 4)."
        )
    coloured, _ = _coloured(Image.fromarray(levels(array, name, white)), name, None)
    return _noted(coloured, _dark(array[:, :, :3] if array.ndim == 3 else array, white))


def _dark(values: np.ndarray, white: White | None) -> Dark | None:
    largest = darkness(values) if white is None else None
    return None if largest is None else Dark(largest, in_colours=False)


def _coloured(image: Image.Image, name: str, white: White | None) -> tuple[Image.Image, Dark | None]:
    """Return a copy in colours; and whether it is nearly black, if its values have 16 bits."""
    white = white_of(image, name, white)
    if image.mode in SCALED:
        values = np.asarray(image)
        return _scaled(image, values, name, white).convert("RGB"), _dark(values, white)
    largest = darkness(image) if SIXTEEN in image.info else None
    dark = None if largest is None else Dark(largest, in_colours=True)
    if not image.has_transparency_data:
        return image.convert("RGB"), dark
    shown = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    behind = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(behind, shown).convert("RGB"), dark


def _scaled(image: Image.Image, values: np.ndarray, name: str, white: White | None) -> Image.Image:
    grey = levels(values, name, white)
    if getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO:
        grey = 255 - grey
    if "transparency" in image.info:
        grey = np.where(values == image.info["transparency"], np.uint8(255), grey)
    return Image.fromarray(grey)
