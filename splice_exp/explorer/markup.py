"""What views look like: HTML without a script, in which every name is text.

Whatever a reader can choose is a button with `data-pick`, so that a keyboard reaches it; its colours are those of the
page, light or dark.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

from PIL import Image

from splice_exp.core.text.visible import visible
from splice_exp.explorer.bars import Bar, Fit
from splice_exp.record.pictures import LABELS

QUALITY = 85  # of images as WebP
SMALL = 96  # pixels of an image in a list
LARGE = 336  # pixels of the image that is looked at
MARKS = {"true": "✓", "binding error": "≈", "false": "✗", "": ""}


def text(value: object) -> str:
    """Write a name as text, whatever it is made of.

    Example:
        >>> text("<b>red</b>")
        '&lt;b&gt;red&lt;/b&gt;'
    """
    return escape(visible(" ".join(str(value).split())), quote=True)


def _pick(name: str) -> str:
    """Write a name so that the browser hands back exactly this one."""
    return escape(name, quote=True).replace("\r", "&#13;").replace("\n", "&#10;")


def address(image: Image.Image, side: int) -> str:
    """Return an image as a data URL; a small one is enlarged, so that its pixels can be seen.

    Args:
        image: In colours.
        side: Of the square that it is to fill, in pixels.
    """
    scale = side / max(image.size)
    size = tuple(max(1, round(scale * length)) for length in image.size)
    shown = image.resize((size[0], size[1]), Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    shown.save(stream, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def picture(source: str, about: str, note: str = "") -> str:
    """Write an image with a line below it.

    Args:
        source: Data URL.
        about: What it shows, for those who do not see it.
        note: The line below.
    """
    below = f"<figcaption>{text(note)}</figcaption>" if note else ""
    return f'<figure class="sx-figure"><img src="{source}" alt="{text(about)}">{below}</figure>'


def gallery(items: Iterable[tuple[int, str, str | None]]) -> str:
    """Write samples as buttons, each with its image or, without one, its name.

    Args:
        items: Row, name and data URL of each.
    """
    buttons = [
        f'<button type="button" class="sx-sample" data-pick="{row}" title="{text(name)}">'
        + (f'<img src="{source}" alt="{text(name)}">' if source else f"<span>{text(name)}</span>")
        + "</button>"
        for row, name, source in items
    ]
    return f'<div class="sx-gallery">{"".join(buttons)}</div>' if buttons else sentence("There are none.")


def sentence(words: str) -> str:
    """Write a sentence."""
    return f'<p class="sx-sentence">{text(words)}</p>'


def bars(found: Sequence[Bar]) -> str:
    """Write concepts as bars, each a button that chooses its concept; above them what their colours mean."""
    if not found:
        return sentence("No concept is active here: lower the penalty.")
    largest = max(abs(one.code) for one in found)
    rows = [
        f'<button type="button" class="sx-bar" data-pick="{_pick(one.concept)}" '
        f'title="{text(one.concept)}: which pixels?"><span class="sx-name">{text(one.concept)}</span>'
        f"{_bar(abs(one.code) / largest, one.colour)}"
        f'<span class="sx-value">{one.code:.3f}</span>{_verdict(one.verdict)}</button>'
        for one in found
    ]
    return f'{_legend(found)}<div class="sx-bars" role="list">{"".join(rows)}</div>'


def _verdict(verdict: str) -> str:
    """Write a verdict as a sign and in words; where there is little room, only the sign is seen."""
    return f'<span class="sx-verdict">{MARKS[verdict]} <span>{verdict}</span></span>'


def _bar(share: float, colour: str) -> str:
    return (
        f'<span class="sx-track"><span class="sx-fill" style="width:{100 * share:.1f}%;background:{colour}">'
        "</span></span>"
    )


def _legend(found: Sequence[Bar]) -> str:
    if not any(one.verdict for one in found):
        return ""
    keys = [f'<span><i style="background:{colour}"></i>{text(label)}</span>' for colour, label in LABELS.items()]
    return f'<div class="sx-legend">{"".join(keys)}</div>'


def fit(found: Fit) -> str:
    """Write how sparse and how good a code is."""
    entries = {
        "L0": str(found.l0),
        "centred cosine": f"{found.centred:.3f}",
        "cosine": f"{found.cosine:.3f}",
        "cosine of the mean baseline": f"{found.mean_only:.3f}",
        "duality gap": f"{found.duality_gap:.0e}" if found.duality_gap > 1e-12 else "≤ 1e-12",
    }
    cells = [f"<div><dt>{text(name)}</dt><dd>{value}</dd></div>" for name, value in entries.items()]
    return f'<dl class="sx-fit">{"".join(cells)}</dl>'


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """Write a table; numbers stand on the right.

    Args:
        headings: One for each column.
        rows: Cells: texts, numbers, or `Markup`.
        caption: Above the table.
    """
    lines = [list(row) for row in rows]
    numeric = [not isinstance(cell, str) for cell in lines[0]] if lines else [False] * len(headings)
    head = "".join(
        f'<th class="sx-number">{text(one)}</th>' if number else f"<th>{text(one)}</th>"
        for one, number in zip(headings, numeric, strict=True)
    )
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in lines)
    above = f"<caption>{text(caption)}</caption>" if caption else ""
    return f'<div class="sx-wide"><table class="sx-table">{above}<tr>{head}</tr>{body}</table></div>'


class Markup(str):
    """HTML that is ready, and not escaped again."""


def share_bar(share: float, colour: str) -> Markup:
    """Write a share as a bar, with its number.

    Args:
        share: In [0, 1].
        colour: Of the bar.
    """
    return Markup(f'{_bar(min(max(share, 0.0), 1.0), colour)}<span class="sx-value">{100 * share:.1f} %</span>')


def signed_bar(value: float, share: float, colour: str) -> Markup:
    """Write a difference as a bar, with its number and its sign.

    Args:
        value: The difference.
        share: Its size, of the largest one.
        colour: Of the bar.
    """
    return Markup(f'{_bar(min(share, 1.0), colour)}<span class="sx-value">{value:+.3f}</span>')


def count_bar(count: int, share: float, colour: str) -> Markup:
    """Write a count as a bar.

    Args:
        count: Of samples.
        share: Of the largest count.
        colour: Of the bar.
    """
    return Markup(f'{_bar(min(share, 1.0), colour)}<span class="sx-value">{count}</span>')


def choice(pick: str, label: str) -> Markup:
    """Write a button that chooses something.

    Args:
        pick: What is chosen.
        label: What stands on it.
    """
    return Markup(f'<button type="button" class="sx-link" data-pick="{_pick(pick)}">{text(label)}</button>')


def _cell(cell: object) -> str:
    if isinstance(cell, Markup):
        return f"<td>{cell}</td>"
    if isinstance(cell, float):
        return f'<td class="sx-number">{cell:.3f}</td>'
    return f'<td class="sx-number">{cell}</td>' if isinstance(cell, int) else f"<td>{text(cell)}</td>"
