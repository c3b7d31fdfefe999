"""Files are opened in one place, which says in a sentence what is wrong with one."""

import io
import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from splice_exp.core.errors import SpliceError
from splice_exp.core.images.opening import open_stored, read_image
from splice_exp.core.images.white import UnreadableImage
from tests.core.images.test_colours import LEVELS, noise

PACKAGE = Path(__file__).parents[3] / "splice_exp"


def test_images_are_opened_and_brought_to_colours_in_one_place():
    opens = re.compile(r"\bImage\.open\(|\bimread\(|\bread_image\(.*torchvision|exif_transpose|\.convert\(\"RGB\"\)")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if opens.search(path.read_text(encoding="utf-8"))
    }
    own_figures = {"report/index.py"}  # which it has just drawn
    assert found - own_figures == {"core/images/opening.py", "core/images/colours.py"}


def saved(path, image, orientation=None):
    exif = Image.Exif()
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    image.save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "avif"])
def test_a_photograph_is_the_same_however_it_was_held(tmp_path, suffix):
    upright = noise(size=(48, 32)).resize((480, 320))
    held = upright.transpose(Image.Transpose.ROTATE_90)  # as a camera on its side stores it
    path = saved(tmp_path / f"held.{suffix}", held, 6)
    found, expected = (
        np.asarray(image, dtype=float)
        for image in (read_image(path, "held"), read_image(saved(tmp_path / f"upright.{suffix}", upright), "upright"))
    )
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 5  # of compression


def test_a_tiff_is_turned_by_pillow_itself_and_not_twice(tmp_path):
    path = saved(tmp_path / "held.tiff", noise(), 6)
    assert read_image(path, "held").size == read_image(path, "held", exif="ignore").size == (4, 6)


@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
def test_a_16_bit_file_is_its_8_bit_copy(tmp_path, suffix):
    Image.fromarray(LEVELS.astype(np.uint16) * np.uint16(257)).save(tmp_path / f"deep.{suffix}")
    Image.fromarray(LEVELS).save(tmp_path / f"plain.{suffix}")
    deep, plain = (np.asarray(read_image(tmp_path / f"{name}.{suffix}", name)) for name in ("deep", "plain"))
    assert np.array_equal(deep, plain)


def test_a_16_bit_tiff_in_which_white_is_zero(tmp_path):
    path = tmp_path / "negative.tiff"
    Image.fromarray(LEVELS.astype(np.uint16) * np.uint16(257)).save(path, tiffinfo={262: 0})
    content = bytearray(path.read_bytes())
    place = content.index(struct.pack("<HHI", 262, 3, 1))
    content[place + 8 : place + 10] = struct.pack("<H", 0)
    path.write_bytes(content)
    assert np.array_equal(np.asarray(read_image(path, "negative"))[:, :, 0], 255 - LEVELS)


def test_the_first_of_several_frames_is_taken(tmp_path):
    frames = [Image.new("RGB", (5, 4), colour) for colour in ((200, 0, 0), (0, 200, 0))]
    for suffix in ("gif", "tiff", "png", "webp"):
        path = tmp_path / f"frames.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)  # of WebP
        assert read_image(path, "frames").getpixel((0, 0)) == (200, 0, 0)


def test_bytes_and_images_are_read_by_the_same_rules(tmp_path):
    path = saved(tmp_path / "held.png", noise(), 6)
    of_file = read_image(path, "held")
    assert read_image(path.read_bytes(), "held").tobytes() == of_file.tobytes()
    assert read_image(Image.open(path), "held").tobytes() == of_file.tobytes()
    assert read_image(np.asarray(of_file), "held").tobytes() == of_file.tobytes()


def png_of(width, height):
    """A file of a few bytes that says that it is large."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\x00" * 1000)), (b"IEND", b"")]
    written = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


@pytest.mark.parametrize("suffix", [".png", ".gif", ".tiff", ".bmp"])
def test_a_pixel_bomb_is_named(tmp_path, suffix):
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(png_of(30_000, 30_000))  # whatever its name says
    with pytest.raises(
        UnreadableImage, match=rf"^bomb{suffix} has 900000000 pixels, which is more .* make the image smaller"
    ):
        read_image(path, path.name)


def test_a_large_image_is_read_and_named(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    noise().save(tmp_path / "large.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(tmp_path / "large.png", "large.png").size == (6, 4)
    assert "large.png has 0 million pixels, and is read slowly" in caplog.text
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(UnreadableImage, match=r"^large.png has 24 pixels, which is more than Pillow reads"):
        read_image(tmp_path / "large.png", "large.png")


DAMAGE = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "text": lambda content: b"no image at all\n",
    "header": lambda content: content[:20],
    "page": lambda content: b"<html><body>404</body></html>",
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp", "tiff", "ppm", "jp2"])
def test_a_damaged_file_is_named_in_a_sentence(tmp_path, kind, suffix):
    path = tmp_path / f"a.{suffix}"
    noise(size=(64, 48)).save(path)
    path.write_bytes(DAMAGE[kind](path.read_bytes()))
    with pytest.raises(UnreadableImage, match=rf"^a\.{suffix} cannot be read as an image \(.+\)\.$") as error:
        read_image(path, path.name)
    assert "0x" not in str(error.value)  # no address in memory: the record would never repeat
    with pytest.raises(UnreadableImage) as other:
        read_image(path.read_bytes(), path.name)
    assert "0x" not in str(other.value)


def test_a_disk_that_fails_is_no_damaged_image(tmp_path):
    for path in (tmp_path / "nowhere.png", tmp_path):
        with pytest.raises(SpliceError, match="cannot be read") as error:
            read_image(path, path.name)
        assert not isinstance(error.value, UnreadableImage)


def test_no_program_is_started_for_an_image(tmp_path):
    """PostScript under the name of an image would be given to Ghostscript."""
    path = tmp_path / "a.png"
    noise().save(path, "EPS")
    with pytest.raises(UnreadableImage, match="it is none of .*JPEG.*PNG"):
        read_image(path, "a.png")


def test_masks_keep_their_numbers(tmp_path):
    mask = Image.fromarray(np.array([[0, 7], [255, 3]], dtype=np.uint8), mode="P")
    mask.putpalette([value % 256 for value in range(768)])
    mask.save(tmp_path / "mask.png")
    assert np.asarray(open_stored(tmp_path / "mask.png", "mask")).tolist() == [[0, 7], [255, 3]]
    with pytest.raises(UnreadableImage, match="^mask cannot be read"):
        open_stored(io.BytesIO(b"nothing").getvalue(), "mask")


def test_photographs_of_phones_that_hold_two_images_are_the_first(tmp_path):
    first, second = Image.new("RGB", (8, 6), (200, 0, 0)), Image.new("RGB", (8, 6), (0, 200, 0))
    first.save(tmp_path / "two.jpg", "MPO", save_all=True, append_images=[second])
    assert Image.open(tmp_path / "two.jpg").format == "MPO"
    red, green, _ = read_image(tmp_path / "two.jpg", "two.jpg").getpixel((0, 0))
    assert red > 150 > 50 > green


def test_changed_pixels_of_a_png_are_found_by_their_checksum():
    """Some bytes unpack to another image, which Pillow shows without a word."""
    rows, columns = np.mgrid[0:40, 0:60]
    content = io.BytesIO()
    Image.fromarray(np.stack([columns * 4, rows * 6, (rows + columns) * 2], -1).astype(np.uint8)).save(content, "PNG")
    whole, silent = content.getvalue(), 0
    start = whole.index(b"IDAT") + 4
    for place in range(start, start + int.from_bytes(whole[start - 8 : start - 4], "big")):
        changed = bytearray(whole)
        changed[place] ^= 0x55
        with pytest.raises(UnreadableImage, match=r"^a\.png cannot be read as an image") as error:
            read_image(bytes(changed), "a.png")
        silent += "the checksum of its pixels is another" in str(error.value)
    assert silent > 0
    assert read_image(whole, "a.png").size == (60, 40)


def test_an_image_without_the_end_of_its_file_is_read_if_it_has_all_pixels():
    content = io.BytesIO()
    noise().save(content, "PNG")
    assert read_image(content.getvalue()[:-12], "a.png").size == (6, 4)


@pytest.mark.parametrize("size", [(3003, 3), (2, 2001)])
def test_a_strip_that_an_encoder_would_blow_up_is_named(size):
    """To 224 pixels on the shorter side, 30,000 × 2 would become two gigabytes."""
    with pytest.raises(
        UnreadableImage, match=rf"^a has {size[0]} × {size[1]} pixels, .* may be 1000 times the shorter"
    ):
        read_image(Image.new("RGB", size), "a")
    assert read_image(Image.new("RGB", (3000, 3)), "a").size == (3000, 3)
