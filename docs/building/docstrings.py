"""Docstrings as they are written, for a parser of reStructuredText.

Ours are plain text: code in single backticks, formulas in Unicode, indented blocks for what stands in columns. What
would be markup (|x|, *, trailing underscores) is escaped here, and indented blocks become literal ones, before napoleon
reads the sections.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from sphinx.application import Sphinx

SECTION = re.compile(r"(Args|Attributes|Returns|Yields|Raises|Examples?|References|Note):$")
ITEMS = ("Args", "Attributes", "Raises")  # sections of `name: what it is`
CODE = re.compile(r"(``.+?``|`[^`]+`)")


def escaped(line: str) -> str:
    """Escape what reStructuredText would take for markup, outside of backticks; code gets two of them."""
    parts = CODE.split(line)
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = f"``{part.strip('`')}``"
        else:
            part = part.replace("\\", "\\\\").replace("`", "\\`").replace("*", "\\*").replace("|", "\\|")
            parts[index] = re.sub(r"(\w)_(?!\w)", r"\1\\_", part)
    return "".join(parts)


def plain(lines: list[str]) -> list[str]:
    """Return the lines of a docstring as reStructuredText with sections that napoleon knows."""
    found: list[str] = []
    margin = 0  # of the text: 4 in a section
    items = False  # whether the section lists `name: what it is`
    literal = False  # in an indented block
    code = False  # in a doctest
    for line in lines:
        text, indent = line.strip(), len(line) - len(line.lstrip())
        after_empty = not found or not found[-1].strip()
        if not text:
            code = False
            found.append("")
            continue
        if indent == 0:
            literal = False
            if SECTION.fullmatch(text):
                margin, items = 4, text[:-1] in ITEMS
                found += [line] if after_empty else ["", line]
                continue
            margin, items = 0, False
        literal = literal and indent > margin
        code = code or text.startswith(">>>")
        if not literal and not code and not items and indent > margin and after_empty:
            literal = True
            found += [" " * margin + "::", ""]
        found.append(line if literal or code else escaped(line))
    return found


def _process(app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    lines[:] = plain(lines)


def _skip(app: Sphinx, what: str, name: str, of: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what a module has imported from elsewhere, before its signature is looked at."""
    foreign = (inspect.isroutine(of) or inspect.isclass(of)) and not str(of.__module__).startswith("splice_exp")
    return True if what == "module" and foreign else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Process docstrings before napoleon does."""
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
