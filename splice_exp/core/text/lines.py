"""Lists of names as files have them: the only place that reads them, with one rule for all.

UTF-8, with or without a byte order mark. A line ends with a line feed, before which a carriage return does not count;
nothing else ends a line. White space around a name does not count, nor do marks that no one sees. A blank line is no
name: it is left out, and its number is reported. Anything else is refused with its line.
"""

from __future__ import annotations

import codecs
import logging
import re
from pathlib import Path
from typing import NamedTuple

from splice_exp.core.errors import SpliceError, shown

log = logging.getLogger(__name__)

MARK = "\ufeff"  # byte order mark; also where files with one were put together
_UNSEEN = re.compile(r"^[\s\u200b\u2060\ufeff]+|[\s\u200b\u2060\ufeff]+$")  # spaces with a width and without
OTHER_UNICODE = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


class Line(NamedTuple):
    """A line that is not blank.

    Attributes:
        number: In the file, from 1.
        text: Of the line, without white space around it.
    """

    number: int  # from 1
    text: str


def trimmed(text: str) -> str:
    r"""Return a name without what is around it and is not seen: white space, and marks that web pages leave there.

    Example:
        >>> trimmed("\u200b hot dog\u00a0\u2060")
        'hot dog'
    """
    return _UNSEEN.sub("", text)


def read_lines(path: str | Path, key: str) -> list[Line]:
    """Read the lines of a file that are not blank, without white space around them.

    Args:
        path: The file.
        key: Of the configuration, or another name of what the file was given as, for errors.

    Raises:
        SpliceError: naming key, file and line: a file that cannot be read, is not UTF-8, or ends lines otherwise.
    """
    found: list[Line] = []
    blank: list[int] = []
    for number, line in enumerate(read_text(path, key).split("\n"), start=1):
        text = line.removesuffix("\r")
        if "\r" in text:
            raise SpliceError(
                f"{key}: line {number} of {path} has a carriage return inside, but lines must end with a line feed: "
                "save the file with the line ends of Unix or Windows."
            )
        if text := trimmed(text.replace(MARK, "")):
            blank += range(found[-1].number + 1 if found else 1, number)
            found.append(Line(number, text))
    if blank:
        log.warning("%s: line %s left out: blank", Path(path).name, shown(blank))
    return found


def read_text(path: str | Path, key: str) -> str:
    """Read a file of text, without a byte order mark.

    Args:
        path: `~` is the home folder.
        key: Of the configuration, for errors.

    Raises:
        SpliceError: naming key, file and line: a file that cannot be read, or is not UTF-8.
    """
    try:
        content = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise SpliceError(f"{key} is {str(path)!r}, which cannot be read ({error.strerror}).") from error
    for mark, name in OTHER_UNICODE.items():
        if content.startswith(mark):
            raise SpliceError(f"{key}: {path} is {name}, but must be UTF-8: save it as UTF-8 text.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a mark, the decoder counts from behind it.
        at = error.start + (len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0)
        raise SpliceError(
            f"{key}: line {_line_at(content, at)} of {path} is not UTF-8 (byte {content[at]:#04x}): save it as UTF-8 "
            "text."
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SpliceError(f"{key}: line {line} of {path} has a zero byte, so it is no text: give a text file in UTF-8.")
    return text


def _line_at(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1
