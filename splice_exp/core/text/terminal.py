"""How wide a terminal is, and lines and tables that fit it: wrapped between words, headings over several lines.

A terminal reports its width; elsewhere the environment variable COLUMNS may. Without either nothing is wrapped, so that
a log file has one line per message, and tables take `TABLE_WIDTH`. Widths are in columns of the terminal: Chinese,
Japanese and Korean characters take two.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Sequence

from rich.cells import cell_len

TABLE_WIDTH = 100  # characters of a table where no width is known
GAP = 2  # spaces between two columns
INDENT = "  "  # of the lines after the first of a message
COMMAND = "python -m "  # a line that begins so is to be copied
BETWEEN = re.compile(r"(?<=\S) ")  # words of a message; further spaces belong to them, as names of files may have two
SHELL_WORD = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""")  # with quotes, that may hold spaces


def known_width() -> int | None:
    """Return the width of the terminal in columns; None where the output goes elsewhere and COLUMNS is not set."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return None
    return shutil.get_terminal_size().columns


def wrapped(text: str, width: int | None) -> str:
    r"""Break lines that are too long between words; a longer word, such as a path, stays whole, and commands as well.

    Args:
        text: Lines; those that fit stay as they are.
        width: Columns; None: nothing is broken.

    Returns:
        The text, with more line ends.

    Example:
        >>> wrapped("results: the table of the run", 16)
        'results: the\n  table of the\n  run'
        >>> wrapped("results: the table of the run", None)
        'results: the table of the run'
    """
    if width is None:
        return text
    return "\n".join(
        command_lines(line, width) if line.lstrip().startswith(COMMAND) else _broken(line, width)
        for line in text.split("\n")
    )


def _broken(line: str, width: int) -> str:
    start = line[: len(line) - len(line.lstrip())]
    return line if cell_len(line) <= width else _filled(BETWEEN.split(line.strip()), width, start, start + INDENT)


def _filled(words: Iterable[str], width: int, start: str = "", then: str = "", end: str = "") -> str:
    """Put as many words into each line as fit; a word that is longer than a line stays whole.

    Args:
        words: In their order.
        width: Columns of the terminal.
        start: What the first line begins with.
        then: What the others begin with.
        end: What lines end with that another one follows.
    """
    lines, empty = [start], True
    for word in words:
        longer = f"{lines[-1]}{'' if empty else ' '}{word}"
        if empty or cell_len(longer + end) <= width:
            lines[-1], empty = longer, False
        else:
            lines.append(then + word)
    return f"{end}\n".join(lines)


def command_lines(command: str, width: int | None) -> str:
    r"""Break a shell command so that it can still be copied: between its words, with backslashes at the ends of lines.

    Args:
        command: In one line.
        width: Columns; None: nothing is broken.

    Returns:
        The command, with more line ends.

    Example:
        >>> print(command_lines("python -m splice_exp experiment=zero_shot solver=fista", 40))
        python -m splice_exp \
          experiment=zero_shot solver=fista
    """
    if width is None or cell_len(command) <= width:
        return command
    start = command[: len(command) - len(command.lstrip())]
    return _filled(SHELL_WORD.findall(command), width, start, start + INDENT, end=" \\")


def fitting(headings: Sequence[str], rows: Sequence[Sequence[str]], keys: int, width: int) -> int:
    """Return how many columns of a table fit, from the left; headings may break between words, cells may not.

    Args:
        headings: Of all columns.
        rows: Cells.
        keys: Columns that are always shown.
        width: Columns of the terminal.
    """
    used = shown = 0
    for place, heading in enumerate(headings):
        used += _least(heading, rows, place) + (GAP if place else 0)
        if used > width and place >= keys:
            break
        shown = place + 1
    return shown


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int, flexible: Collection[int] = ()) -> str:
    """Lay a table out.

    Args:
        headings: Of all columns; they break between words.
        rows: Cells, of one line each.
        width: Columns of the terminal.
        flexible: Columns whose cells may take several lines.

    Returns:
        Lines without spaces at their ends.
    """
    from rich.console import Console  # here, because most commands print no table
    from rich.table import Table
    from rich.text import Text

    laid = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
    for place, heading in enumerate(headings):
        least = _least(heading, rows, place)
        if place in flexible:
            laid.add_column(Text(heading), overflow="fold")
        else:  # as narrow as it can be: rich, which makes columns narrower if need be, would cut cells off
            laid.add_column(Text(_filled(heading.split(), least)), no_wrap=True)
    for row in rows:
        laid.add_row(*(Text(cell) for cell in row))
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        console.print(laid)
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n"))


def _least(heading: str, rows: Sequence[Sequence[str]], place: int) -> int:
    """Return the width that a column needs: of its longest cell, and of the longest word of its heading."""
    return max([1, *map(cell_len, heading.split()), *(cell_len(row[place]) for row in rows)])
