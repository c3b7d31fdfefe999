"""A report with one page per head: its signed directions, as concepts and as the images that drive them most."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from splice_exp.report.page import Report
from splice_exp.report.pages import write_template
from splice_exp.report.records import Row
from splice_exp.report.sheets import Sheet, sheets_of
from splice_exp.report.summary import PageLink

PICTURES = 5  # per signed direction
SIDE = 128  # pixels
RANDOM = "random directions"  # what they are called among the heads
QUALITY = 80  # of images as WebP


@dataclass(frozen=True)
class HeadPages(Report):
    """The report, and pages of its heads in a folder of its name, one linked to the next."""

    def more_pages(self, rows: Sequence[Row], results: Path, stem: str) -> list[PageLink]:
        """Write one page per head."""
        sheets = {head: sheet for row in rows if row.complete for head, sheet in sheets_of(row)}
        links: list[PageLink] = [{"title": head, "path": f"{stem}/{head}.html"} for head in sheets]
        for place, (head, sheet) in enumerate(sheets.items()):
            write_template(
                results / "pages" / links[place]["path"],
                "head.html.j2",
                title=f"{self.title}: {head}",
                head=head,
                report=stem,
                links=links,
                shares=_shares(sheet, head),
                gains=_gains(sheet, head),
                vectors=_vectors(sheet, head),
                others=_others(sheet, head),
            )
        return links


def _of(table: pd.DataFrame, head: str) -> pd.DataFrame:
    return table[table["vector"].str.rpartition(".")[0] == head]


def _shares(sheet: Sheet, head: str) -> list[tuple[str, float, float]]:
    """Return what share of the codes of a head goes to each kind of concepts, the largest first, and of random ones."""
    if sheet.shares is None:
        return []
    own = sheet.shares[sheet.shares["head"] == head].sort_values("share", ascending=False, kind="stable")
    chance = sheet.shares[sheet.shares["head"].str.startswith(RANDOM)].set_index("kind")["share"]
    return [(kind, float(share), float(chance[kind])) for kind, share in zip(own["kind"], own["share"], strict=True)]


def _gains(sheet: Sheet, head: str) -> list[float]:
    """Return the singular values of the vectors of a head, one per vector, those of the direction +."""
    own = _of(sheet.vectors, head)
    first = own[own["vector"].str.endswith("+") & (own["rank"] == 1)]
    return [float(gain) for gain in first["gain"]]


def _vectors(sheet: Sheet, head: str) -> list[dict[str, Any]]:
    """Return what is shown of the vectors whose images are known."""
    driving = _of(sheet.driving, head)
    numbers = dict.fromkeys(name.rpartition(".")[2][:-1] for name in driving["vector"])
    return [
        {"number": number, "poles": [_pole(sheet, driving, f"{head}.{number}{sign}") for sign in ("+", "−")]}
        for number in numbers
    ]


def _pole(sheet: Sheet, driving: pd.DataFrame, name: str) -> dict[str, Any]:
    pictures = driving[driving["vector"] == name].sort_values("rank")["picture"].head(PICTURES)
    return {
        "sign": name[-1],
        "concepts": _concepts(sheet, name),
        "pictures": [_address(sheet.images[picture]) for picture in pictures],
    }


def _concepts(sheet: Sheet, name: str) -> list[tuple[str, float]]:
    own = sheet.vectors[sheet.vectors["vector"] == name]
    return list(zip(own["concept"], own["code"].astype(float), strict=True))


def _others(sheet: Sheet, head: str) -> list[tuple[str, str, str]]:
    """Return number and concepts of the vectors without images."""
    shown = set(_of(sheet.driving, head)["vector"])
    names = dict.fromkeys(name[:-1] for name in _of(sheet.vectors, head)["vector"] if name not in shown)
    return [
        (name.rpartition(".")[2], *(", ".join(word for word, _ in _concepts(sheet, name + sign)) for sign in "+−"))
        for name in names
    ]


def _address(picture: np.ndarray) -> str:
    """Return an image as a data URL, not larger than it is shown on a fine screen."""
    stream, image = io.BytesIO(), Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE))
    image.save(stream, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
