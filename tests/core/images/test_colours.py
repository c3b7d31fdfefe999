"""Every kind of image becomes what a viewer shows: upright, on white, scaled by the range of its type."""

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from splice_exp.core.images.colours import TURNS, rgb
from splice_exp.core.images.white import UnreadableImage, White, levels

LEVELS = np.arange(256, dtype=np.uint8).reshape(16, 16)


def noise(seed=0, size=(6, 4)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size[::-1], 3), dtype=np.uint8))


def tagged(image, value):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    image.info["exif"] = exif.tobytes()
    return image


@pytest.mark.parametrize("value", TURNS)
def test_images_are_turned_upright_once(value):
    stored = tagged(noise(), value)
    expected = ImageOps.exif_transpose(stored)
    shown = rgb(stored)
    assert shown.tobytes() == expected.tobytes()
    assert rgb(shown) is shown  # nothing is left that would turn it again
    ignored = rgb(stored, exif="ignore")
    assert ignored.tobytes() == stored.tobytes()
    assert rgb(ignored).tobytes() == stored.tobytes()


def test_an_orientation_that_someone_has_set_counts_and_can_be_ignored():
    image = noise()
    image.getexif()[ExifTags.Base.Orientation] = 6
    assert rgb(image).size == image.size[::-1]
    assert rgb(rgb(image, exif="ignore")).size == image.size


@pytest.mark.parametrize("exif", [b"Exif\x00\x00", b"Exif\x00\x00garbage", b"", b"MM\x00\x2a\xff\xff\xff\xff"])
def test_damaged_exif_data_turn_nothing(exif):
    image = noise()
    image.info["exif"] = exif
    assert rgb(image).tobytes() == image.tobytes()


@pytest.mark.parametrize("value", [0, 1, 9, "6"])
def test_an_orientation_without_a_meaning_turns_nothing(value):
    image = noise()
    image.getexif()[ExifTags.Base.Orientation] = value
    assert rgb(image).tobytes() == image.tobytes()


def test_what_is_upright_and_in_colours_is_handed_on():
    image = noise()
    assert rgb(image) is image


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L", "I;16N", "I", "F", "L", "1"])
def test_deep_images_look_as_their_8_bit_copy(mode):
    grey = LEVELS if mode != "1" else np.where(LEVELS > 127, np.uint8(255), np.uint8(0))
    if mode.startswith("I;16"):
        image = Image.fromarray(grey.astype(np.uint16) * 257)
        image = image if mode == "I;16" else Image.frombytes(mode, (16, 16), (grey * np.uint16(257)).tobytes())
    elif mode == "I":
        image = Image.fromarray(grey.astype(np.int32) * 257)
    elif mode == "F":
        image = Image.fromarray(grey.astype(np.float32) / 255)
    else:
        image = Image.fromarray(grey).convert(mode)
    assert image.mode == mode
    assert np.array_equal(np.asarray(rgb(image)), np.repeat(grey[:, :, None], 3, axis=2))


@pytest.mark.parametrize("factor", [256, 257])
def test_both_ways_to_16_bits_come_back(factor):
    assert np.array_equal(levels(LEVELS.astype(np.uint16) * np.uint16(factor)), LEVELS)
    assert np.array_equal(levels((LEVELS.astype(np.uint16) * np.uint16(factor)).astype(">u2")), LEVELS)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_from_black_to_white(dtype):
    assert np.array_equal(levels((LEVELS / 255).astype(dtype)), LEVELS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (LEVELS.astype(np.float32), "has floating-point values from 0 to 255, but 0 must be black and 1 white"),
        (np.array([[-0.1, 0.5]]), r"has floating-point values from -0\.1 to 0\.5"),
        (LEVELS.astype(np.int32), "has int32 values from 0 to 255, which do not say what is white"),
        (LEVELS.astype(np.int64) * 65536, "has int64 values from 0 to 16711680"),
        (np.full((2, 2), -5), "has int64 values from -5 to -5"),
        (np.zeros((2, 2), dtype=complex), "has values of type complex128"),
    ],
)
def test_values_that_do_not_say_what_is_white_are_refused(values, message):
    with pytest.raises(UnreadableImage, match=f"^moon.tif {message}"):
        levels(values, "moon.tif")
    if values.dtype in (np.int32, np.float32):
        with pytest.raises(UnreadableImage, match=message):
            rgb(Image.fromarray(values), "moon.tif")


@pytest.mark.parametrize(
    "array",
    [
        np.stack([LEVELS] * 3, axis=2),
        np.stack([LEVELS] * 3, axis=2).astype(np.uint16) * np.uint16(257),
        np.stack([LEVELS] * 3, axis=2) / 255,
        np.stack([*[LEVELS] * 3, np.full_like(LEVELS, 255)], axis=2),
        LEVELS,
        LEVELS[:, :, None],
        LEVELS.astype(np.uint16) * np.uint16(257),
    ],
    ids=["8 bits", "16 bits", "floats", "alpha", "grey", "grey channel", "16-bit grey"],
)
def test_arrays_are_images(array):
    assert np.array_equal(np.asarray(rgb(array)), np.repeat(LEVELS[:, :, None], 3, axis=2))


@pytest.mark.parametrize("shape", [(3, 8, 8), (8,), (0, 4, 3), (2, 8, 8, 3)])
def test_arrays_of_other_shapes_are_refused(shape):
    with pytest.raises(UnreadableImage, match=r"is an array of shape .*, but must be \(height, width\)"):
        rgb(np.zeros(shape, dtype=np.uint8))


def transparent(mode):
    """Black pixels: one opaque, one half, two that are not to be seen."""
    image = Image.new("RGBA", (4, 1), (0, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 128))
    return {
        "RGBA": lambda: image,
        "RGBa": lambda: image.convert("RGBa"),
        "LA": lambda: image.convert("LA"),
        "La": lambda: image.convert("LA").convert("La"),
        "P": lambda: image.convert("P"),  # its palette has alpha
        "PA": lambda: image.convert("P").convert("PA"),
    }[mode]()


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "LA", "La", "P", "PA"])
def test_what_is_transparent_is_white(mode):
    image = transparent(mode)
    assert image.mode == mode
    shown = np.asarray(rgb(image))[0]
    assert shown[0].tolist() == [0, 0, 0]
    assert shown[1] == pytest.approx(127, abs=1)
    assert shown[2:].tolist() == [[255, 255, 255]] * 2


def test_a_colour_that_counts_as_transparent_is_white():
    palette = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="P")
    palette.putpalette([9, 9, 9, 200, 100, 50])
    palette.info["transparency"] = 0
    assert np.asarray(rgb(palette)).tolist() == [[[255, 255, 255], [200, 100, 50]]]
    for pixels in (np.array([[7, 200]], dtype=np.uint8), np.array([[7, 200]], dtype=np.uint16) * np.uint16(257)):
        grey = Image.fromarray(pixels)
        grey.info["transparency"] = int(pixels[0, 0])
        assert np.asarray(rgb(grey))[0, :, 0].tolist() == [255, 200]
    colours = noise()
    colours.info["transparency"] = colours.getpixel((0, 0))
    assert rgb(colours).getpixel((0, 0)) == (255, 255, 255)
    assert rgb(colours).getpixel((1, 0)) == colours.getpixel((1, 0))


def test_an_opaque_image_keeps_its_colours():
    image = noise(size=(64, 64))
    assert rgb(image.convert("RGBA")).tobytes() == image.tobytes()


@pytest.mark.parametrize("mode", ["P", "CMYK", "YCbCr", "HSV", "LAB", "RGBX", "L"])
def test_other_modes_are_converted_by_pillow(mode):
    image = noise().convert(mode) if mode != "LAB" else Image.new("LAB", (2, 2), (255, 128, 128))
    assert rgb(image).mode == "RGB"
    assert rgb(image).tobytes() == image.convert("RGB").tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("white", [None, White(255)])
def test_values_that_are_no_numbers_are_counted(value, white):
    values = np.full((2, 3), 0.5, dtype=np.float32)
    values[0, :2] = value
    with pytest.raises(UnreadableImage, match="^a has 2 values that are NaN or infinite") as error:
        rgb(values, "a", white=white)
    assert type(error.value) is UnreadableImage  # no white would help
