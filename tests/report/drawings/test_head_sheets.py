"""A line for each signed direction, with its images; heads that were not read are refused; a page for each head."""

import re
from pathlib import Path

import pandas as pd
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.report.drawings.head_sheets import HeadSheets
from splice_exp.report.head_pages import HeadPages
from splice_exp.report.records import Record


class Run(Record):
    error = None

    def __init__(self):
        super().__init__({}, Path())

    def table(self, name):
        poles = [f"L3.H{head}.{number}{pole}" for head in range(2) for number in range(2) for pole in "+−"]
        if name == "vectors":
            lines = [(pole, 1.0, rank, f"word {rank}", 0.5) for pole in poles for rank in (1, 2, 3)]
            return pd.DataFrame(lines, columns=["vector", "gain", "rank", "concept", "code"])
        if name == "heads":
            known = [("L3.H0", "colour", 0.25), ("L3.H0", "scene", 0.75)]
            chance = [("random directions (L3)", "colour", 0.6), ("random directions (L3)", "scene", 0.4)]
            return pd.DataFrame(known + chance, columns=["head", "kind", "share"])
        if name == "driving":
            lines = [(pole, rank, rank) for pole in poles for rank in (1, 2)]
            return pd.DataFrame(lines, columns=["vector", "rank", "picture"])
        return pd.DataFrame(
            [(picture, 2, 2, [0, 128, 255] * 4) for picture in (1, 2)],
            columns=["picture", "height", "width", "values"],
        )

    def has_table(self, name):
        return name == "heads"


def test_every_pole_has_its_words_and_pictures():
    canvas = HeadSheets(vectors=2, pictures=3).draw([Run()], "title")
    texts = [text.get_text() for part in canvas.subfigs for axis in part.axes for text in axis.texts]
    assert len(texts) == 2 * 2 * 2
    assert texts[1].startswith("0−")
    assert "word 1 0.50, word 2 0.50" in texts[0]
    images = [image for part in canvas.subfigs for axis in part.axes for image in axis.images]
    assert len(images) == 2 * 2 * 2 * 2  # two images are all there are
    one = HeadSheets(["L3.H1"], vectors=1).draw([Run()], "title")
    assert sum(len(part.axes[0].texts) for part in one.subfigs if part.axes) == 1
    assert HeadSheets().draw([], "title") is None
    with pytest.raises(SpliceError, match="^heads has 'L3.H9', which was not read"):
        HeadSheets(["L3.H9"]).draw([Run()], "title")


def test_every_head_has_a_page(tmp_path):
    links = HeadPages("Heads", "?", []).more_pages([Run()], tmp_path, "stem")
    assert links == [{"title": f"L3.H{head}", "path": f"stem/L3.H{head}.html"} for head in range(2)]
    first, second = ((tmp_path / "pages" / link["path"]).read_text() for link in links)
    assert not re.findall(r"(?:src|href)=[\"\'](?:https?:)?//", first)
    assert 'href="../stem/L3.H1.html"' in first
    assert 'href="../stem.html"' in first
    assert first.count("word 1 0.50") == 2 * 2
    assert first.count("data:image/webp;base64,") == 2 * 2 * 2
    assert first.index("scene") < first.index("colour")  # the larger share comes first
    assert "75.0 %" in first
    assert "40.0 %" in first
    assert "75.0 %" not in second
    assert "The other vectors" not in first  # all have images here
