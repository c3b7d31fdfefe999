"""What is white in images of more than 8 bits: the range of a type, what tags say, or what someone has set."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from splice_exp.core.errors import SpliceError
from splice_exp.core.images.colours import rgb
from splice_exp.core.images.opening import read_image
from splice_exp.core.images.white import DARK, Dark, UnreadableImage, White, levels

RAMP = np.arange(0, 4096, 16, dtype=np.uint16).reshape(16, 16)  # of 12 bits
SHOWN = np.rint(RAMP * (255 / 4095)).astype(np.uint8)


def tiff_of_12_bits(values):
    """Write TIFF by hand: Pillow reads 12 bits in a value, and writes none."""
    height, width = values.shape
    bits = "".join(f"{value:012b}" for value in values.ravel())
    pixels = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    long, short = 4, 3
    tags = {
        256: (long, width),
        257: (long, height),
        258: (short, 12),
        259: (short, 1),
        262: (short, 1),
        273: (long, 8),
        277: (short, 1),
        278: (long, height),
        279: (long, len(pixels)),
    }
    entries = b"".join(
        struct.pack("<HHI", tag, kind, 1) + struct.pack("<I" if kind == long else "<H2x", value)
        for tag, (kind, value) in tags.items()
    )
    head = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
    return head + pixels + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)


def png_of_16_bits(values):
    """Write PNG by hand: Pillow reads colours of 16 bits, and writes none."""
    height, width, bands = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[bands], 0, 0, 0)
    parts = (("IHDR", head), ("IDAT", zlib.compress(rows)), ("IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind.encode(), content) for kind, content in parts)


def stored(values, kind, **options):
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind, **options)
    return file.getvalue()


def greys(image):
    return np.asarray(image)[:, :, 0]


def test_a_tiff_of_12_bits_says_so():
    shown = read_image(tiff_of_12_bits(RAMP), "a.tif")
    assert np.array_equal(greys(shown), SHOWN)
    assert DARK not in shown.info


@pytest.mark.parametrize("tag", [281, 341])
def test_tags_that_say_the_number_of_bits_count(tag):
    shown = read_image(stored(RAMP, "TIFF", tiffinfo={tag: 4095}), "a.tif")
    assert np.array_equal(greys(shown), SHOWN)
    assert DARK not in shown.info


@pytest.mark.parametrize("largest", [4080, 3000, 255, 65535])
def test_the_largest_value_of_an_image_is_not_its_white(largest):
    """MaxSampleValue is a statistic: an image would be as bright as its brightest pixel allows."""
    shown = read_image(stored(RAMP, "TIFF", tiffinfo={281: largest}), "a.tif")
    assert np.array_equal(greys(shown), RAMP >> 8)


def test_tags_that_are_contradicted_are_refused():
    with pytest.raises(SpliceError, match=r"^a.tif has values up to 4080, but its tag MaxSampleValue says that 1023"):
        read_image(stored(RAMP, "TIFF", tiffinfo={281: 1023}), "a.tif")


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_what_is_set_counts(kind):
    content, white = stored(RAMP, kind), White(4095, "data.white")
    assert np.array_equal(greys(read_image(content, "a", white=white)), SHOWN)
    assert DARK not in read_image(content, "a", white=White(65535)).info
    tagged = stored(RAMP, "TIFF", tiffinfo={281: 4095})
    assert np.array_equal(greys(read_image(tagged, "a", white=White(65535))), np.rint(RAMP * (255 / 65535)))
    with pytest.raises(SpliceError, match=r"^a has values up to 4080, but data.white says that 1023 is white: set it"):
        read_image(content, "a", white=White(1023, "data.white"))


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.int64, np.float64])
def test_what_is_set_counts_for_other_types(dtype):
    white = White(4095)
    assert np.array_equal(levels(RAMP.astype(dtype), white=white), SHOWN)
    with pytest.raises(UnreadableImage, match="^The image has values from -16 to 4064, but 0 must be black"):
        levels(RAMP.astype(dtype) - 16, white=white)
    if dtype in (np.int32, np.float32):
        assert np.array_equal(greys(rgb(Image.fromarray(RAMP.astype(dtype)), white=white)), SHOWN)


@pytest.mark.parametrize("dtype", [np.uint8, bool])
def test_of_8_bits_the_white_is_known(dtype):
    values = SHOWN.astype(dtype)
    assert np.array_equal(levels(values, white=White(4095)), levels(values))


@pytest.mark.parametrize(
    ("values", "largest"),
    [(RAMP, 4080), (RAMP.astype(np.int32), 4080), (np.stack([RAMP] * 3, axis=2), 4080), (RAMP // 16, 255)],
    ids=["grey", "32 bits", "colours", "8 bits in 16"],
)
def test_an_image_that_is_nearly_black_is_noted_and_not_changed(values, largest):
    shown = rgb(values)
    assert shown.info[DARK] == Dark(largest, in_colours=False)
    assert np.array_equal(greys(shown), (values if values.ndim == 2 else values[:, :, 0]) >> 8)
    if values.ndim == 2:
        assert rgb(Image.fromarray(values)).info[DARK] == shown.info[DARK]
    assert not rgb(shown).info  # noted once


@pytest.mark.parametrize("values", [np.zeros_like(RAMP), RAMP * np.uint16(2), RAMP * np.uint16(16), SHOWN, SHOWN / 255])
def test_other_images_are_not_noted(values):
    assert DARK not in rgb(values).info


@pytest.mark.parametrize("bands", [2, 3, 4])
def test_of_16_bit_colours_the_upper_bits_are_read(bands):
    """Pillow reads no others: what has 12 bits is noted, and cannot be scaled."""
    pixels = np.stack([RAMP] * bands, axis=2)
    if bands != 3:
        pixels[:, :, -1] = 65535  # opaque
    found = read_image(png_of_16_bits(pixels), "a.png")
    assert found.info[DARK] == Dark(4095, in_colours=True)
    assert np.array_equal(greys(found), RAMP >> 8)
    assert DARK not in read_image(png_of_16_bits(np.minimum(pixels, 4095) * np.uint16(16)), "a.png").info
    with pytest.raises(SpliceError, match=r"^a.png has colours of 16 bits, .* data.white cannot be 4095 for it"):
        read_image(png_of_16_bits(pixels), "a.png", white=White(4095, "data.white"))


def test_the_sentence_names_the_key_or_the_sum():
    said = "a is nearly black: its values of 16 bits go up to 3000 of 65535"
    assert Dark(3000, False).sentence("a", "data.white") == (
        f"{said}; if another value is white, set data.white to it (data.white=4095 for 12 bits)"
    )
    cure = "; if they have 12 bits, scale them to 8 (values * 255 // 4095)"
    assert Dark(3000, False).sentence("a", None) == Dark(3000, True).sentence("a", "data.white") == said + cure
