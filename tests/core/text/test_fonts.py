"""Names in figures are drawn as they are written, in a font that has their letters, or it is said that none has."""

import logging
import re
import warnings
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from PIL import Image

from splice_exp.core.plotting import STYLE, save
from splice_exp.core.text import fonts

PACKAGE = Path(__file__).parents[3] / "splice_exp"
BEAR = "熊"


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    """Other tests may have looked at fonts, and warned of scripts."""
    monkeypatch.setattr(fonts, "_warned", set())
    for kept in (fonts._installed, fonts._fonts_with):
        kept.cache_clear()
    yield
    for kept in (fonts._installed, fonts._fonts_with):
        kept.cache_clear()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A font with a bear, which is a black square."""
    pen = TTGlyphPen(None)
    for place, point in enumerate([(0, 0), (0, 1000), (1000, 1000), (1000, 0)]):
        (pen.lineTo if place else pen.moveTo)(point)
    pen.closePath()
    square, empty = pen.glyph(), TTGlyphPen(None).glyph()
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder([".notdef", "bear"])
    made.setupCharacterMap({ord(BEAR): "bear"})
    made.setupGlyf({".notdef": empty, "bear": square})
    made.setupHorizontalMetrics({".notdef": (1000, 0), "bear": (1000, 0)})
    made.setupHorizontalHeader(ascent=1000, descent=0)
    made.setupNameTable({"familyName": "Bears Sans", "styleName": "Regular"})
    made.setupOS2()
    made.setupPost()
    made.save(tmp_path / "bears.ttf")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    font_manager.fontManager.addfont(tmp_path / "bears.ttf")
    font_manager.fontManager._findfont_cached.cache_clear()
    yield
    font_manager.fontManager._findfont_cached.cache_clear()


def drawn(folder, words):
    """Draw words wherever figures have some, and return the pixels and the drawing's text."""
    with mpl.rc_context(STYLE):
        canvas, axes = plt.subplots(figsize=(3, 2), layout="constrained")
        axes.barh([0, 1], [1, 2], label=words)
        axes.set_yticks([0, 1], [words, words])
        axes.set_title(words)
        axes.set_xlabel(words)
        axes.text(0.5, 0.5, words)
    canvas.legend([words])  # outside of the style, as a legend that comes later is
    canvas.suptitle(words)
    png, svg = save(canvas, folder / "figure")
    with Image.open(png) as image:
        return np.asarray(image.convert("L")), svg.read_text()


@pytest.mark.parametrize("words", ["$$", "$$$", "$x_1$", "a$b$c", r"$\frac{$", "5 $ or 6 $", "{}_^%#&", "\\", "$ $ $"])
def test_dollars_and_all_are_drawn(tmp_path, words):
    found, _ = drawn(tmp_path, words)
    assert (found == 0).any()


def test_mathematics_is_not_drawn(tmp_path):
    """Were it parsed, the dollars would not take room: `$x$` would be as wide as `x`."""
    with mpl.rc_context(STYLE):
        canvas = plt.figure()
        literal, plain = canvas.text(0, 0, "$x$"), canvas.text(0, 0.5, "x")
    save(canvas, tmp_path / "figure")
    assert literal.get_window_extent().width > 2 * plain.get_window_extent().width


def test_letters_are_drawn_in_a_font_that_has_them(tmp_path, installed, caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, drawing = drawn(tmp_path, f"a {BEAR}")
    assert not caplog.records
    assert fonts.fonts_for(f"a {BEAR}", ("sans-serif",)).families == ("Bears Sans",)
    assert (found == 0).sum() > 7 * 10**2  # seven black squares, where boxes would be mostly white
    assert "M 0 0" in drawing  # their outline


def test_scripts_that_no_font_has_are_named_once(tmp_path, caplog):
    letters = {"\U00012000": "CUNEIFORM", "\U00013000": "EGYPTIAN"}
    if any(not fonts.fonts_for(letter, ("sans-serif",)).lacking for letter in letters):
        pytest.skip("fonts for dead scripts are installed")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in (*letters, *letters, "\U00012001", "a"):
            drawn(tmp_path, f"x {name}")
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == 2
    assert all(script in line for script, line in zip(letters.values(), warned, strict=True))
    assert all("install a font that has them" in line for line in warned)


def test_figures_are_written_in_one_place():
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\.savefig\(", path.read_text(encoding="utf-8"))
    }
    assert found == {"core/plotting.py", "training/model_card.py"}  # the latter of our own words


@pytest.mark.parametrize("name", ["x" * 20_000, "a word " * 3_000, "熊" * 5_000])
def test_a_name_of_thousands_of_letters_leaves_room_for_the_figure(tmp_path, name):
    """A figure as wide as the name would be 200,000 pixels wide."""
    found, drawing = drawn(tmp_path, name)
    assert found.shape[1] < 4000
    assert len(drawing) < 3_000_000


def test_lines_of_a_title_and_texts_that_are_wrapped_stay(tmp_path):
    with mpl.rc_context(STYLE):
        canvas = plt.figure()
        title = canvas.suptitle("\n".join(["x" * 60] * 3))
        wrapped = canvas.text(0, 0, "word " * 40, wrap=True)
    save(canvas, tmp_path / "figure")
    assert title.get_text() == "\n".join(["x" * 60] * 3)
    assert wrapped.get_text() == "word " * 40
