"""Figures of the tables that evaluations leave: the right panels, and bars where the values are."""

from copy import copy

import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from PIL import Image

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import write_json
from splice_exp.core.plotting import save
from splice_exp.report.drawings.class_bars import ClassBars
from splice_exp.report.drawings.drift import DriftLines, PartBars
from splice_exp.report.drawings.figures import Bars
from splice_exp.report.drawings.groups import GroupedBars
from splice_exp.report.drawings.histograms import Histograms
from splice_exp.report.drawings.overlays import Overlays
from splice_exp.report.drawings.scatter import Scatter
from splice_exp.report.records import declared_by
from tests.report.test_reports import TOP1, record


@pytest.fixture
def rows(tmp_path):
    return [record(tmp_path, {"data.split": split}, [1.0, 0.0]) for split in ("train", "test")]


def test_class_bars_are_means_over_rows_largest_first(rows):
    for row, code in zip(rows, (0.2, 0.4), strict=True):
        table = pd.DataFrame({"class": "zebra", "rank": [1, 2], "concept": ["zebra", "grass"], "code": [code, 0.1]})
        table.to_parquet(row.directory / "concepts.parquet")
    canvas = ClassBars("concepts").draw(rows, "title")
    (axis,) = canvas.axes
    assert axis.get_title() == "zebra"
    assert [text.get_text() for text in axis.get_yticklabels()] == ["zebra", "grass"]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([0.3, 0.1])
    assert axis.patches[0].get_facecolor() != axis.patches[1].get_facecolor()
    assert ClassBars("concepts", classes=["Zebra"]).draw(rows, "title").axes[0].get_title() == "zebra"
    with pytest.raises(SpliceError, match="^classes has 'zebras', which is no class .nearest: 'zebra'"):
        ClassBars("concepts", classes=["zebras"]).draw(rows, "title")


def test_class_bars_find_classes_of_imagenet_by_older_names(rows):
    for row in rows:
        table = pd.DataFrame({"class": ["tench", "carved pumpkin"], "rank": 1, "concept": "orange", "code": 0.1})
        table.to_parquet(row.directory / "concepts.parquet")
    canvas = ClassBars("concepts", classes=["jack-o'-lantern", "Tench"]).draw(rows, "title")
    assert [axis.get_title() for axis in canvas.axes] == ["carved pumpkin", "tench"]
    with pytest.raises(SpliceError, match="^classes has 'chain saw', which is no class"):
        ClassBars("concepts", classes=["chain saw"]).draw(rows, "title")


def test_overlays_show_each_map_once(rows):
    pictures = pd.DataFrame([(0, 2, 3, list(range(18)))], columns=["picture", "height", "width", "values"])
    maps = pd.DataFrame(
        [(0, name, 2, 3, [scale * value for value in range(6)]) for name, scale in (("star", 1.0), ("ring", -1.0))],
        columns=["picture", "name", "height", "width", "values"],
    )
    for row, table in zip(rows, (maps, maps.assign(values=[maps["values"][0]] * 2)), strict=True):
        table.to_parquet(row.directory / "maps.parquet")
        pictures.to_parquet(row.directory / "pictures.parquet")
    columns = {rows[1].label: "label-free", rows[0].label: "COCOA", "not there": "nothing"}
    canvas = Overlays(columns, pictures=4).draw(rows, "title")
    titles = [axis.get_title() for axis in canvas.axes]
    assert titles == ["", "label-free", "COCOA: star", "COCOA: ring"]  # of two equal maps one is shown
    scores = canvas.axes[2].images[1].get_array()
    assert scores.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert canvas.axes[2].images[1].get_clim() == (-5, 5)
    assert Overlays({"not there": "nothing"}).draw(rows, "title") is None


def test_drift_lines_have_prevalence_and_code_on_axes_of_their_own(rows):
    table = pd.DataFrame(
        {"concept": "star", "class": ["2015", "2016"], "place": [0, 1], "true": [0.1, 0.3], "code": [0.01, 0.02]}
    )
    for row in rows:
        table.to_parquet(row.directory / "drift.parquet")
    canvas = DriftLines("drift").draw(rows, "title")
    solid, dotted = canvas.axes
    assert solid.get_title() == "star"
    assert solid.lines[0].get_ydata().tolist() == pytest.approx([10, 30])
    assert dotted.lines[0].get_ydata().tolist() == pytest.approx([0.01, 0.02])


def test_part_bars_have_a_panel_a_class(rows):
    table = pd.DataFrame(
        [("grass", label, part, 0.1) for label in ("star", "heart") for part in ("train", "test")],
        columns=["concept", "class", "part", "code"],
    )
    table.to_parquet(rows[0].directory / "shift.parquet")
    canvas = PartBars("shift").draw(rows[:1], "title")
    assert [axis.get_title() for axis in canvas.axes] == ["star", "heart"]
    assert len(canvas.axes[0].patches) == 2


def test_grouped_bars_leave_out_what_was_not_measured(rows):
    for row in rows:
        write_json(
            row.directory / "metrics.json", {"intervention/worst_before": 0.5, "intervention/worst_by_hand": 0.9}
        )
    drawing = GroupedBars(
        {"worst": "worst group"}, "intervention/{group}_{bar}", {"before": "b", "by_hand": "a", "none": "n"}, "%", 50
    )
    canvas = drawing.draw(rows, "title")
    assert len(canvas.axes) == 2
    assert [bar.get_height() for bar in canvas.axes[0].patches] == pytest.approx([50, 90])
    assert drawing.draw([], "title") is None


def test_histograms_take_panels_from_what_was_swept(rows):
    for row, share in zip(rows, (0.9, 0.4), strict=True):
        bins = pd.DataFrame({"kind": "star", "from": [0.0, 0.5], "to": [0.5, 1.0], "share": [share, 1 - share]})
        bins.to_parquet(row.directory / "codes.parquet")
    drawing = Histograms(
        "codes", "split", {"train": "training", "test": "testing"}, {"star": "stars"}, "x", "share", True
    )
    canvas = drawing.draw(rows, "title")
    assert [axis.get_title() for axis in canvas.axes] == ["training", "testing"]
    assert canvas.axes[0].get_yscale() == "log"
    assert canvas.axes[0].patches[0].get_data()[0].tolist() == [0.9, pytest.approx(0.1)]


def test_a_figure_of_a_thousand_rows_can_be_drawn_and_written(tmp_path):
    """matplotlib refuses images of 65,536 pixels, and takes seconds to name a hundred rows."""
    measured = record(tmp_path, {"seed": "0"}, [1.0, 0.0])
    rows = []
    for seed in range(1200):
        row = copy(measured)
        row.labels = {"seed": str(seed)}
        rows.append(row)
    canvas = Bars([TOP1]).draw(rows, "title")
    (axis,) = canvas.axes
    (points,) = (marks for marks in axis.collections if isinstance(marks, PathCollection))  # all alike: no bars
    assert len(points.get_offsets()) == 1200
    labels = [text.get_text() for text in axis.get_yticklabels()]
    assert (labels[0], labels[1], len(labels)) == ("seed 0", "seed 12", 100)
    assert max(canvas.get_size_inches()) < 40
    canvas.set_size_inches(1, 700)
    png, _ = save(canvas, tmp_path / "high")
    with Image.open(png) as image:
        assert image.height < 2**16


def test_rows_of_the_same_declarations_share_them(tmp_path):
    rows = [record(tmp_path, {"seed": str(seed)}, [1.0, 0.0]) for seed in range(3)]
    assert rows[0].measures is rows[1].measures is rows[2].measures
    assert declared_by(rows) == rows[0].measures


def test_points_are_where_rows_are_good(tmp_path, monkeypatch):
    """The better end of each axis is up and to the right; the colour is the third measure, grey where there is none."""
    rows = [record(tmp_path, {"seed": str(seed)}, [value, 0.0]) for seed, value in enumerate((1.0, 0.0))]
    rows[1].metrics.pop("l0/mean", None)
    canvas = Scatter(TOP1, TOP1, "l0/mean", [TOP1]).draw(rows, "title")
    axis = canvas.axes[0]
    assert [text.get_text() for text in axis.texts][:2] == ["1", "2"]
    assert "1  " in axis.texts[-1].get_text()
    points = [collection for collection in axis.collections if isinstance(collection, PathCollection)]
    assert [point.get_offsets()[0].tolist() for point in points] == [[50.0, 50.0], [0.0, 0.0]]
    assert to_hex(points[1].get_facecolor()[0]) == "#c9c9c9" != to_hex(points[0].get_facecolor()[0])
    assert not axis.xaxis_inverted()
    assert Scatter(TOP1, "l0/none", TOP1).draw(rows, "title") is None
