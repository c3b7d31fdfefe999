"""Files of a view: figures that open, and numbers that compute nothing."""

from xml.etree import ElementTree

import pandas as pd
from PIL import Image

from splice_exp.explorer.exports import bar_figure, image_figure, map_figure, write
from splice_exp.explorer.maps import explain
from tests.explorer.models import embeddings_of, explorer


def suffixes(files):
    return [path.suffix for path in files]


def test_a_view_is_written_as_png_svg_and_csv():
    model = explorer()
    seen = model.sample(0)
    found = model.decompose(seen, 0.2)
    table = pd.DataFrame({"concept": ["=1+1", "<b>"], "code": [0.5, 0.25]})
    files = write("../concepts of <b>", table, image_figure(model, seen, found))
    assert suffixes(files) == [".csv", ".png", ".svg"]
    assert {path.stem for path in files} == {"concepts_of_b"}
    assert files[0].read_text() == "concept,code\n'=1+1,0.5\n<b>,0.25\n"
    with Image.open(files[1]) as image:
        assert image.width > 300
    ElementTree.parse(files[2])


def test_numbers_alone():
    assert suffixes(write("", pd.DataFrame({"a": [1]}))) == [".csv"]


def test_maps_and_bars_have_figures(embedding_files):
    model = explorer()
    table = pd.DataFrame({"a": [1]})
    assert len(write("map", table, map_figure(explain(model, model.sample(0), "a photo of a star")))) == 3
    groups = {"before": [0.1, 0.9], "after": [0.5, 0.5]}
    assert len(write("bars", table, bar_figure("$title$", ["<a>", "b$"], groups, "probability"))) == 3
    other = embeddings_of(embedding_files)
    seen = other.sample(0)
    assert len(write("codes", table, image_figure(other, seen, other.decompose(seen, 0.2)))) == 3
