"""How wide a terminal is, and lines and tables that fit it: wrapped between words, headings over several lines.

A terminal reports its width; elsewhere the environment variable COLUMNS may. Without either nothing is wrapped, so that
a log file has one line per message, and tables take `TABLE_WIDTH`.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Collection, Sequence

TABLE_WIDTH = 100  # characters of a table where no width is known
GAP = 2  # spaces between two columns
INDENT = "  "  # of the lines after the first of a message
COMMAND = "python -m "  # a line that begins so is to be copied
SHELL_WORD = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""")  # with quotes, that may hold spaces


def known_width() -> int | None:
    """Return the width of the terminal in characters; None where the output goes elsewhere and COLUMNS is not set."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return None
    return shutil.get_terminal_size().columns


def wrapped(text: str, width: int | None) -> str:
    r"""Break lines that are too long between words; a longer word, such as a path, stays whole, and commands as well.

    Args:
        text: Lines; those that fit stay as they are.
        width: Characters; None: nothing is broken.

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
    if len(line) <= width:
        return line
    start = line[: len(line) - len(line.lstrip())]
    words = textwrap.wrap(line, width, subsequent_indent=start + INDENT, break_long_words=False, break_on_hyphens=False)
    return "\n".join(words)


def command_lines(command: str, width: int | None) -> str:
    r"""Break a shell command so that it can still be copied: between its words, with backslashes at the ends of lines.

    Args:
        command: In one line.
        width: Characters; None: nothing is broken.

    Returns:
        The command, with more line ends.

    Example:
        >>> print(command_lines("python -m splice_exp experiment=zero_shot solver=fista", 40))
        python -m splice_exp \
          experiment=zero_shot solver=fista
    """
    if width is None or len(command) <= width:
        return command
    start = command[: len(command) - len(command.lstrip())]
    lines = [start]
    for word in SHELL_WORD.findall(command):
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else f"{lines[-1]}{word}"
        if lines[-1].strip() and len(longer) > width - 2:  # which the backslash needs
            lines.append(f"{start}{INDENT}{word}")
        else:
            lines[-1] = longer
    return " \\\n".join(lines)


def fitting(headings: Sequence[str], rows: Sequence[Sequence[str]], keys: int, width: int) -> int:
    """Return how many columns of a table fit, from the left; headings may break between words, cells may not.

    Args:
        headings: Of all columns.
        rows: Cells.
        keys: Columns that are always shown.
        width: Characters.
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
        width: Characters.
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
            laid.add_column(Text(textwrap.fill(heading, least, break_long_words=False)), no_wrap=True)
    for row in rows:
        laid.add_row(*(Text(cell) for cell in row))
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        console.print(laid)
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n"))


def _least(heading: str, rows: Sequence[Sequence[str]], place: int) -> int:
    """Return the width that a column needs: of its longest cell, and of the longest word of its heading."""
    return max([1, *(len(word) for word in heading.split()), *(len(row[place]) for row in rows)])
