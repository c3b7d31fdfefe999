"""Whatever names are made of, the page shows them as they are."""

from html.parser import HTMLParser

import pytest
from PIL import Image

from splice_exp.explorer import markup
from splice_exp.explorer.bars import Bar
from tests.core.text.test_markdown import HOSTILE, meant

NAMES = [
    *HOSTILE,
    '"><img src=x onerror=alert(1)>',
    "' onclick='alert(1)",
    "${alert(1)}",
    "{{value}}",
    "=cmd|' /C calc'!A0",
]


class Seen(HTMLParser):
    """What a browser would see: tags with their attributes, and texts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


ALLOWED = {
    "div",
    "button",
    "span",
    "i",
    "p",
    "figure",
    "figcaption",
    "img",
    "table",
    "tr",
    "td",
    "th",
    "caption",
    "dl",
    "dt",
    "dd",
}


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_text(name):
    bars = markup.bars([Bar(name, 0.5, "#000000", "true")])
    gallery = markup.gallery([(0, name, None), (1, name, "data:image/webp;base64,AA")])
    table = markup.table([name, name], [[name, markup.choice(name, name)]], name)
    figure = markup.picture("data:image/webp;base64,AA", name, name)
    for page in (bars, gallery, table, figure, markup.sentence(name)):
        seen = Seen(page)
        assert {tag for tag, _ in seen.tags} <= ALLOWED
        assert not [key for _, attributes in seen.tags for key in attributes if key.startswith("on")]
    (pick,) = [attributes["data-pick"] for _, attributes in Seen(bars).tags if "data-pick" in attributes]
    assert pick == name
    assert meant(name) in map(meant, Seen(bars).texts)


def test_small_images_are_enlarged_and_large_ones_reduced():
    for size in ((8, 4), (2000, 1000)):
        source = markup.address(Image.new("RGB", size, "red"), 100)
        assert source.startswith("data:image/webp;base64,")
        assert len(source) < 2000


def test_without_concepts_there_is_advice():
    assert "lower the penalty" in markup.bars([])


def test_numbers_stand_on_the_right():
    page = markup.table(["a", "b"], [[1, 0.5]])
    assert page.count('<td class="sx-number"') == page.count('<th class="sx-number"') == 2
    assert "0.500" in page
    assert "50.0 %" in markup.share_bar(0.5, "red")
