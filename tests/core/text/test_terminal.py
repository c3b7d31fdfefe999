"""Lines and tables fit the width they are given, and nothing of a cell is cut off."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from splice_exp.core.text import terminal

WORDS = st.text("abcdefgh", min_size=1, max_size=9)
WIDE = st.text("ab赤い星", min_size=1, max_size=5)  # letters of one column and of two


@given(st.lists(WORDS | WIDE, min_size=1, max_size=30), st.integers(12, 60))
def test_words_survive_and_lines_fit(words, width):
    lines = terminal.wrapped(" ".join(words), width).split("\n")
    assert " ".join(line.strip() for line in lines) == " ".join(words)
    assert max(map(cell_len, lines)) <= width


def test_a_name_with_two_spaces_keeps_them():
    assert terminal.wrapped("written to my  photo.jpg again", 20) == "written to my\n   photo.jpg again"
    assert terminal.wrapped("written to my  photo.jpg again", 24) == "written to my  photo.jpg\n  again"


@given(st.lists(st.one_of(WORDS, st.text("ab' \"\\\\[$,", min_size=1, max_size=9)), max_size=9), st.integers(12, 60))
def test_a_broken_command_is_still_that_command(words, width):
    command = shlex.join(["python", "-m", "splice_exp", *words])
    for lines in (terminal.command_lines(f"  {command}", width), terminal.wrapped(command, width)):
        copied = "".join(line.removesuffix("\\") for line in lines.split("\n"))
        assert shlex.split(copied) == shlex.split(command)
        longest = max(map(len, ["splice_exp", *map(shlex.quote, words)]))
        assert max(map(len, lines.split("\n"))) <= max(width, longest + 6)


@given(st.lists(st.tuples(WORDS, WIDE, WORDS), min_size=1, max_size=4), st.integers(40, 80))
def test_a_table_shows_every_cell_whole_within_its_width(rows, width):
    headings = ["a long heading of words", "second", "third heading"]
    assert terminal.fitting(headings, rows, 1, width) == 3
    lines = terminal.table(headings, rows, width).split("\n")
    assert max(map(cell_len, lines)) <= width
    assert [tuple(line.split()) for line in lines[-len(rows) :]] == rows


def test_columns_that_do_not_fit_are_left_out_from_the_right():
    rows = [["true", "0.25", "8.81 ± 0.24", "76.5 ± 1.2"]]
    headings = ["nonnegative", "l1 penalty", "L0", "F1 (%)"]
    assert [terminal.fitting(headings, rows, 2, width) for width in (5, 30, 40, 60)] == [2, 2, 3, 4]


def test_a_flexible_column_takes_several_lines():
    text = terminal.table(["image", "concepts"], [["a.png", "red star 0.3, blue ring 0.2"]], 20, flexible=(1,))
    assert max(map(len, text.split("\n"))) <= 20
    assert " ".join(text.split()).startswith("image concepts a.png red star")


@pytest.mark.parametrize(("columns", "width"), [("100", 100), ("", None), ("wide", None)])
def test_the_width_is_that_of_the_environment_where_no_terminal_is(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.known_width() == width
