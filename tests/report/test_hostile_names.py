"""A whole report about names that would break tables, pages, figures or terminals, were they taken for markup."""

import csv
import re
from dataclasses import replace
from xml.etree import ElementTree

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from splice_exp.core.io import read_json, write_json
from splice_exp.core.text.visible import visible
from splice_exp.report.drawings.figures import Bars, Curves
from splice_exp.report.listings import Listing
from splice_exp.report.page import Report
from tests.core.text.test_markdown import HOSTILE, meant
from tests.report.test_reports import TOP1, record

NAMES = [*HOSTILE, "=cmd|' /C calc'!A0", "null", "NA", "001"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    tmp_path, rows = tmp_path_factory.mktemp("hostile"), []
    for number, name in enumerate(NAMES):
        row = record(tmp_path, {"x": f"row{number}"}, [1.0, 0.0])
        row.labels = {"variant": name}
        if number == 0:
            pd.DataFrame({"concept": NAMES, "code": 0.5}).to_parquet(row.directory / "chosen.parquet")
        written = read_json(row.directory / "environment.json")
        written["data"]["name"] = "a|b <i>$x$</i>\x1b[1m"
        write_json(row.directory / "environment.json", written)
        rows.append(row)
    listing = Listing(title="Chosen", table="chosen", lines=["concept"], value="code")
    report = Report("Names", "Which?", [TOP1], [], Bars([TOP1]), (), [listing])
    report.write(rows, tmp_path / "results", "stem", "python -m splice_exp 'x=<b>\nline'")
    curves = replace(report, figure=Curves("l0/mean", "variant", [TOP1]))
    curves.write(rows[16:24], tmp_path / "results", "curves", "python")
    return tmp_path / "results"


def test_markdown_shows_them_as_they_are(results):
    tokens = MarkdownIt("commonmark").enable("table").parse((results / "tables" / "stem.md").read_text())
    inline = [token for token in tokens if token.type == "inline"]
    shown = ["".join(child.content for child in token.children) for token in inline]
    for name in NAMES:
        assert shown.count(meant(name)) >= 2  # in the table and in the listing
    assert shown[0] == r"Names: a|b <i>$x$</i>\x1b[1m"
    assert "\x1b" not in (results / "tables" / "stem.md").read_text()
    kinds = {child.type for token in inline for child in token.children}
    assert kinds <= {"text", "text_special", "image", "softbreak"}
    assert [token.content for token in tokens if token.type == "code_block"] == ["python -m splice_exp 'x=<b>\nline'\n"]


def test_pages_show_them_as_they_are(results):
    page = (results / "pages" / "stem.html").read_text()
    assert "<script>alert" not in page
    assert "<i>$x$" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search("[\x1b\u202e]", page)
    assert visible("\x1b[31mred") in page


def test_csv_computes_nothing(results):
    with (results / "tables" / "stem.csv").open(newline="") as file:
        found = [row["variant"] for row in csv.DictReader(file)]
    assert len(found) == len(NAMES)
    assert "'=cmd|' /C calc'!A0" in found
    assert {"null", "NA", "001", "a|b"} <= set(found)


def test_figures_are_there(results):
    for stem in ("stem", "curves"):
        assert (results / "figures" / f"{stem}.png").stat().st_size > 10_000
        ElementTree.parse(results / "figures" / f"{stem}.svg")
