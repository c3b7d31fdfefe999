"""Tables for notebooks: what an object shows of itself below a cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def html_table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table with a line above it; every cell is text.

    Args:
        caption: The line above.
        headings: One for each column.
        rows: Cells are written by `str`, and escaped.

    Example:
        >>> html_table("two <rows>", ["n"], [[1], ["a"]])
        '<p>two &lt;rows&gt;</p><table><tr><th>n</th></tr><tr><td>1</td></tr><tr><td>a</td></tr></table>'
    """
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<p>{escape(caption)}</p><table><tr>{head}</tr>{body}</table>"
