"""Open image files: here, and nowhere else.

What is wrong with an image is told apart from what is wrong with a disk: the first is the same whenever one tries and
may be skipped, the second may not.
"""

from __future__ import annotations

import logging
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import numpy as np
from PIL import Image, UnidentifiedImageError

from splice_exp.core.errors import SpliceError
from splice_exp.core.images.colours import UPRIGHT, Pixels, rgb
from splice_exp.core.images.white import UnreadableImage, White, note_depth

log = logging.getLogger(__name__)

# Those that Pillow decodes by itself: for others, as PostScript, it starts programs.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TGA", "TIFF", "WEBP")
DAMAGE = (  # what decoders raise for a damaged file
    *(OSError, SyntaxError, ValueError, TypeError, EOFError, LookupError, ArithmeticError, AttributeError),
    *(struct.error, Image.DecompressionBombError),
)
PNG = b"\x89PNG\r\n\x1a\n"  # how such a file begins
LONGEST = 1000  # times the shorter side
_OPENING = Lock()  # filters of warnings are those of all threads

Stored: TypeAlias = Path | bytes | Pixels


def read_image(source: Stored, name: str, exif: str = UPRIGHT, white: White | None = None) -> Image.Image:
    """Return an image in colours, by the rules of `colours`, with its notes.

    Args:
        source: A file, its bytes, or an image in memory.
        name: What it is called, for errors.
        exif: `upright` or `ignore`.
        white: What is white in images of more than 8 bits, where it is not the largest value of their type.

    Raises:
        UnreadableImage: if its content is the fault.
        SpliceError: if the file cannot be read, or `white` does not apply to it.
    """
    if not isinstance(source, Image.Image | np.ndarray):
        source = open_stored(source, name)
    with _in_words(name):
        found = rgb(source, name, exif, white)
    if max(found.size) > LONGEST * min(found.size):
        raise UnreadableImage(
            f"{name} has {found.width} × {found.height} pixels, but its longer side may be {LONGEST} times the shorter "
            "one: an encoder enlarges the shorter side, and such a strip would fill the memory."
        )
    return found


def open_stored(source: Path | bytes, name: str) -> Image.Image:
    """Return an image as it is stored, with its palette and its orientation; the file is closed again.

    Args:
        source: A file, or its bytes.
        name: Of the image, for errors.

    Raises:
        UnreadableImage: if its content is the fault.
        SpliceError: if the file cannot be read.
    """
    with _in_words(name):
        with _OPENING, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # it does not name the file
            image = Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=_known())
        with image:
            most = Image.MAX_IMAGE_PIXELS
            if most is not None and image.width * image.height > most:
                log.warning(
                    "%s has %d million pixels, and is read slowly each time: a smaller copy would do.",
                    name,
                    image.width * image.height // 10**6,
                )
            note_depth(image)
            image.load()
            if image.format == "PNG":
                _check_png(source)
            return image


def _check_png(source: Path | bytes) -> None:
    """Refuse an image whose pixels were changed: Pillow leaves their checksums alone, and shows what it finds.

    What is missing behind the last whole part is left to Pillow, which knows whether pixels are lacking.

    References:
        W3C. Portable Network Graphics (PNG) Specification, third edition, sections 5.3 and 5.5.
    """
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        file.seek(len(PNG))
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            content, check = file.read(size), file.read(4)
            if kind == b"IEND" or len(check) < 4:
                return
            if kind == b"IDAT" and zlib.crc32(kind + content) != int.from_bytes(check, "big"):
                raise OSError("the checksum of its pixels is another: it was changed after it was written")


@cache
def _known() -> tuple[str, ...]:
    """Return those of `FORMATS` that this Pillow has."""
    Image.init()
    return tuple(one for one in FORMATS if one in Image.OPEN)


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    try:
        yield
    except SpliceError:
        raise
    except Image.DecompressionBombError as error:
        size, *_ = re.findall(r"\d+", str(error)) or ["too many"]
        raise UnreadableImage(
            f"{name} has {size} pixels, which is more than Pillow reads, because a small file can fill the memory that "
            "way: make the image smaller, or leave it out."
        ) from error
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise SpliceError(f"{name} cannot be read ({error.strerror}).") from error
        reason = str(error) or type(error).__name__
        if isinstance(error, UnidentifiedImageError):  # its text names an address in memory
            reason = f"it is none of {', '.join(_known())}"
        raise UnreadableImage(f"{name} cannot be read as an image ({reason}).") from error
