"""Tables for machines: no text in them is computed by a spreadsheet, and numbers stay numbers."""

import csv
import io
import re
from pathlib import Path

import pandas as pd
import pytest

from splice_exp.core.text.csv import as_csv

PACKAGE = Path(__file__).parents[3] / "splice_exp"


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "-", "＝1", "+"]
)
def test_formulas_are_texts(name):
    (heading, row) = list(csv.reader(io.StringIO(as_csv(pd.DataFrame({name: [name], "x": [1.5]})), newline="")))
    shown = name.replace("\r", "\n")
    assert heading == [f"'{shown}", "x"]
    assert row == [f"'{shown}", "1.5"]


@pytest.mark.parametrize(
    "name", ["dog", "-0.5", "+1e-3", "5", "a=b", "1-2", "null", "a,b", 'say "x"', "two\nlines", "'"]
)
def test_other_texts_stay(name):
    (_, row) = list(csv.reader(io.StringIO(as_csv(pd.DataFrame({"name": [name], "x": [-0.5]})), newline="")))
    assert row == [name, "-0.5"]


def test_numbers_are_not_rounded():
    frame = pd.read_csv(io.StringIO(as_csv(pd.DataFrame({"a": [0.1 + 0.2, None], "b": [1, 2]}))))
    assert frame["a"][0] == 0.1 + 0.2
    assert frame["a"].isna().tolist() == [False, True]


def test_there_is_one_place_that_writes_them():
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\.to_csv\(|csv\.writer|DictWriter", path.read_text(encoding="utf-8"))
    }
    assert found == {"core/text/csv.py"}
