"""Tables are read as they are written: every cell a text, whoever wrote the file and with what program."""

import json

import pandas as pd
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.core.text.tables import read_table

WORDS = ["null", "None", "NA", "N/A", "nan", "NaN", "-", "#N/A", "true", "001", "1e5", "2012", "0x1F", " a b", "1_000"]


def columns(path):
    table = read_table(path, "table")
    return {name: table.column(name, "table") for name in table.names}


@pytest.mark.parametrize("word", WORDS)
def test_a_text_is_taken_for_nothing_else(tmp_path, word):
    rows = {"file": ["001", "002"], "label": [word, ""]}
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "t.csv", index=False, quoting=1)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t", quoting=1)
    frame.to_json(tmp_path / "t.json", orient="records")
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "columns.json")
    frame.to_parquet(tmp_path / "t.parquet")
    for path in tmp_path.iterdir():
        assert columns(path) == rows, path.name


@pytest.mark.parametrize(
    "content",
    [
        "file,label\na.jpg,hot dog\nb.jpg,NA\n",
        "file;label\na.jpg;hot dog\nb.jpg;NA\n",
        "file\tlabel\na.jpg\thot dog\nb.jpg\tNA\n",
        "\ufefffile,label\r\na.jpg,hot dog\r\nb.jpg,NA\r\n",
        "file, label\na.jpg, hot dog\n\nb.jpg, NA",
        '"file";"label"\n"a.jpg";"hot dog"\n"b.jpg";"NA"\n',
        " file ,label \na.jpg,hot dog\nb.jpg,NA\n",
    ],
)
def test_csv_of_any_program(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content.encode())
    assert columns(tmp_path / "t.csv") == {"file": ["a.jpg", "b.jpg"], "label": ["hot dog", "NA"]}


def test_cells_may_hold_separators_and_line_ends(tmp_path):
    (tmp_path / "t.csv").write_text('file,label\na.jpg,"a, b; c"\nb.jpg,"two\nlines"\nc.jpg,"say ""x"""\nd.jpg,e\n')
    table = read_table(tmp_path / "t.csv", "table")
    assert table.column("label", "table") == ["a, b; c", "two\nlines", 'say "x"', "e"]
    assert table.lines == [2, 3, 5, 6]
    (tmp_path / "one.csv").write_text("file\na,b.jpg\n")
    assert columns(tmp_path / "one.csv") == {"file": ["a,b.jpg"]}


def test_nothing_and_numbers_of_other_writers(tmp_path):
    frame = pd.DataFrame({"year": [2012, None], "word": ["a", None], "share": [0.5, None]})
    frame.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.json").write_text(json.dumps([{"year": 2012, "word": "a", "share": 0.5}, {"word": None}]))
    for path in tmp_path.iterdir():
        assert columns(path) == {"year": ["2012", ""], "word": ["a", ""], "share": ["0.5", ""]}, path.name


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"file,label\na.jpg\n", r"^table: line 2 of .* has 1 cells, but there are 2 headings"),
        ("t.csv", b"file,label\na,b\nc,d,e\n", r"^table: line 3 of .* has 3 cells, .*parted by ','"),
        ("t.csv", b'file,label\na,"b\nc,d\n', r"^table: .* cannot be read as csv: line 2: "),
        ("t.csv", b"file,label\na,caf\xe9\n", r"^table: line 2 of .* is not UTF-8"),
        ("t.csv", "file,label\na,b\n".encode("utf-16"), r"^table: .* is UTF-16, but must be UTF-8"),
        ("t.csv", b"", "is empty, but must have a line of headings"),
        ("t.json", b"{not", "cannot be read as a table in JSON"),
        ("t.json", b"3", "cannot be read as a table in JSON"),
        ("t.json", b"[1, 2]", "must hold a list of objects, one per row"),
        ("t.jsonl", b'{"a": 1}\n[1]\n', "must hold a list of objects, one per row"),
        ("t.json", b'{"a": [1, 2], "b": [1]}', "cannot be read as a table in JSON"),
        ("t.parquet", b"no parquet", "cannot be read as parquet"),
    ],
)
def test_anything_else_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SpliceError, match=message):
        columns(tmp_path / name)


def test_columns_of_the_same_name_are_refused_when_they_are_asked_for(tmp_path):
    (tmp_path / "t.csv").write_text("file,label,label\na.jpg,x,y\n")
    table = read_table(tmp_path / "t.csv", "table")
    assert table.column("file", "file_column") == ["a.jpg"]
    with pytest.raises(SpliceError, match=r"^label_column is 'label', but .*t\.csv has 2 columns of that name"):
        table.column("label", "label_column")


def test_csv_of_old_macs_ends_lines_with_a_carriage_return(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'a;b\r001;"x;y"\rNA;z\r')
    table = read_table(tmp_path / "t.csv", "table")
    assert [table.column(name, "table") for name in table.names] == [["001", "NA"], ["x;y", "z"]]


@pytest.mark.parametrize("cell", [["a", "b"], {"a": 1}, b"\xff\xfe"])
def test_a_cell_is_one_word_or_one_number(tmp_path, cell):
    """The labels of an image would otherwise be one class, called `['a', 'b']`."""
    pd.DataFrame({"file": ["1", "2"], "label": [cell, cell]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(SpliceError, match=r"^label_column is 'label', but line 1 of .* has a \w+ there"):
        read_table(tmp_path / "t.parquet", "table").column("label", "label_column")


def test_bytes_are_text_in_utf_8(tmp_path):
    pd.DataFrame({"a": ["caf\u00e9".encode(), b"x"]}).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", "table").column("a", "table") == ["caf\u00e9", "x"]
