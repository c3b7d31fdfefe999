r"""Names in Markdown: the only place that writes cells of tables, and that tells markup from what is meant literally.

References:
    CommonMark 0.31, section 2.4 (backslash escapes); GitHub Flavored Markdown 0.29, section 4.10 (tables); GitHub's
    mathematics between dollar signs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from tabulate import tabulate

from splice_exp.core.text.visible import visible

# A list or a heading begins with one of these and a space, or is one of these alone; a quotation needs no space, and a
# line of hyphens is a ruler.
_BLOCK = re.compile(r"^(?:((?:[-+]|#{1,6})(?=\s|$)|>|-(?=[-\s]*$))|(\d{1,9})([.)])(?=\s|$))")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # not inside a word: snake_case is none


def escaped(text: str) -> str:
    r"""Write a text so that Markdown shows it as it is, on one line and in one cell.

    Example:
        >>> print(escaped("a|b <b>$x_1$</b> `c` snake_case"))
        a\|b &lt;b>\$x_1\$&lt;/b> \`c\` snake_case
        >>> print(escaped("- two\nlines"), escaped("[76.4, 78.6]"), escaped("-0.12"))
        \- two lines [76.4, 78.6] -0.12
    """
    text = visible(" ".join(text.split()))
    text = re.sub(r"[\\`*|$~]", r"\\\g<0>", text)
    text = _EMPHASIS.sub(r"\\_", text)
    text = _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace("](", r"]\(")
    text = re.sub(r"(?<=\s)#", r"\\#", text)  # a heading ends with them
    return _BLOCK.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", text)


def image(text: str, address: str) -> str:
    r"""Write an image.

    Args:
        text: Shown where the image is not.
        address: Path or address; characters that would end it are escaped.

    Example:
        >>> print(image("a [b] c", "../figures/b (c).png"))
        ![a \[b\] c](../figures/b%20%28c%29.png)
    """
    shown = re.sub(r"[][]", r"\\\g<0>", escaped(text))
    return f"![{shown}]({quote(address)})"


def code_block(text: str) -> str:
    r"""Write lines of code.

    Example:
        >>> print(code_block("python -m splice_exp 'name=two\nlines'"))
            python -m splice_exp 'name=two
            lines'
    """
    return "\n".join(f"    {line}" for line in visible(text).split("\n"))


def table(headings: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    r"""Write a table, cell by cell as it is meant.

    Args:
        headings: One for each column, written by `str`.
        rows: With as many cells.

    Example:
        >>> print(table(["concept", "code"], [["a|b", 0.5]]))
        | concept   | code   |
        |:----------|:-------|
        | a\|b      | 0.5    |
    """
    shown = [[escaped(str(cell)) for cell in row] for row in rows]
    return tabulate(shown, [escaped(str(cell)) for cell in headings], tablefmt="pipe", disable_numparse=True)
