"""Text on a terminal: the only place that prints, so that no name can give commands to the terminal.

Control characters (escape codes, backspaces …), characters that turn the direction of writing, other ends of lines, and
halves of characters (of file names that are not UTF-8) are shown by their codes.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, NoReturn

from splice_exp.core.text.terminal import known_width, wrapped
from splice_exp.core.text.unread import drop

# C0 without tab and line feed, delete and C1; marks, embeddings, overrides and isolates of direction; separators of
# lines and paragraphs; byte order mark; surrogates; tags.
_INVISIBLE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""Write what has no appearance of its own by its code; tabs and line feeds stay.

    Example:
        >>> print(visible("\x1b[31mred"))
        \x1b[31mred
        >>> visible("naïve 熊\n") == "naïve 熊\n"
        True
    """
    return _INVISIBLE.sub(_code, text)


def _code(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def say(*lines: str, to: Any = None, flush: bool = False) -> None:
    """Print lines; where nobody reads any more, the command goes on without.

    Args:
        lines: To print.
        to: A file open for text; by default standard output.
        flush: Whether they must be seen at once.
    """
    try:
        print(*(visible(line) for line in lines), sep="\n", file=to, flush=flush)
    except BrokenPipeError:
        drop(to or sys.stdout)


def end(message: str) -> NoReturn:
    """Print an error, and end the process with code 1."""
    say(wrapped(f"error: {message}", known_width()), to=sys.stderr)
    sys.exit(1)


class VisibleFormatter(logging.Formatter):
    """Of log records, on the console and in files: a file is looked at on a terminal, too."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record with control characters made visible."""
        return visible(super().format(record))


class ConsoleFormatter(VisibleFormatter):
    """Of log records on the console: no line is longer than the terminal is wide."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record with its long lines broken at the width of the terminal."""
        return wrapped(super().format(record), known_width())
