"""Lists of names: one rule for every file that has them, whoever wrote it and on whatever machine."""

import re
from pathlib import Path

import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import read_json
from splice_exp.core.text.lines import Line, read_lines, read_text

PACKAGE = Path(__file__).parents[3] / "splice_exp"


def read(tmp_path, content):
    path = tmp_path / "names.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [line.text for line in read_lines(path, "classes")]


@pytest.mark.parametrize(
    "content",
    [
        "ice cream\nfire\n",
        "ice cream\nfire",
        "\ufeffice cream\nfire\n",
        "ice cream\r\nfire\r\n",
        "\ufeffice cream\r\nfire",
        "  ice cream \n\tfire\n\n\n",
        "\n \nice cream\n\nfire\n",
        "\u200bice cream\u200b \n\u2060fire\u00a0\n",  # as web pages part words without a space
        "\ufeffice cream\n\ufefffire\n",  # two files with a mark, put together
    ],
)
def test_however_it_was_saved_the_names_are_the_same(tmp_path, content):
    assert read(tmp_path, content) == ["ice cream", "fire"]


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_nothing_but_a_line_feed_ends_a_line(tmp_path, character):
    assert read(tmp_path, f"ice{character}cream\nfire\n") == [f"ice{character}cream", "fire"]


def test_names_keep_what_they_are_made_of(tmp_path):
    names = [
        "$$",
        "a|b",
        "<b>",
        "#1",
        "- x",
        "=1+1",
        "熊猫",
        "عربي",
        "null",
        "001",
        "a\u200bb",
        "می\u200cخواهم",
        '"quoted"',
        "a,b",
        "\x1b[31mred",
    ]
    assert read(tmp_path, "\n".join(names)) == names


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ant\ncaf\xe9\n", r"^classes: line 2 of .*names\.txt is not UTF-8 \(byte 0xe9\)"),
        (b"\xef\xbb\xbfant\ncaf\xe9\n", r"^classes: line 2 of .* is not UTF-8 \(byte 0xe9\)"),
        ("ant\nbee\n".encode("utf-16"), r"^classes: .*names\.txt is UTF-16, but must be UTF-8"),
        ("ant\nbee\n".encode("utf-32"), r"^classes: .*names\.txt is UTF-32, but must be UTF-8"),
        (b"ant\nb\0ee\n", r"^classes: line 2 of .* has a zero byte"),
        (b"ant\rbee\rcow", r"^classes: line 1 of .* has a carriage return inside"),
    ],
)
def test_anything_else_is_refused_with_its_line(tmp_path, content, message):
    with pytest.raises(SpliceError, match=message):
        read(tmp_path, content)


def test_blank_lines_inside_are_reported_and_those_at_the_end_are_not(tmp_path, caplog):
    assert read(tmp_path, "\nant\n \t\nbee\n\n") == ["ant", "bee"]
    assert [record.getMessage() for record in caplog.records] == ["names.txt: line 1, 3 left out: blank"]
    assert read_lines(tmp_path / "names.txt", "classes")[1] == Line(4, "bee")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SpliceError, match=r"^classes is '.*nowhere\.txt', which cannot be read \(No such file"):
        read_lines(tmp_path / "nowhere.txt", "classes")
    with pytest.raises(SpliceError, match="cannot be read"):
        read_text(tmp_path, "classes")  # a folder


def test_a_byte_order_mark_does_no_harm_to_a_sidecar(tmp_path):
    (tmp_path / "E.json").write_text('{"classes": ["ant"]}', encoding="utf-8-sig")
    assert read_json(tmp_path / "E.json") == {"classes": ["ant"]}


NO_LISTS = {  # what these modules read are no lists of names
    "backbones/published.py": "the name of a commit",
    "commands/build_vocabulary.py": "captions, as many as there are",
    "commands/prepare_data.py": "a checksum, and the server's name of a version",
    "dictionaries/conceptnet.py": "assertions, gigabytes of them",
    "data/cub200.py": "a table of numbers",
    "core/runs/code.py": "the sources of the package",
    "core/arrays.py": "arrays of numbers in an archive",
    "core/io.py": "JSON",
    "core/runs/file_digests.py": "digests that it wrote itself",
    "core/runs/provenance.py": "JSON of a saved data set",
    "core/runs/run_directory.py": "a folder, for its lock",
    "data/huggingface.py": "images, as bytes",
    "core/plotting.py": "a drawing",
    "heads/decisions.py": "JSON, line by line",
    "heads/judge.py": "a prompt of the package",
    "backbones/drawings_only.py": "the settings of a model",
    "core/yaml_file.py": "yaml",
    "mistyped.py": "yaml of the package",
    "experiments.py": "yaml, with its comments",
    "explorer/page/launch.py": "the style of the page",
    "report/pages.py": "the style of pages",
    "solvers/kernels/compile.py": "the sources of the package",
    "core/text/lines.py": "here",
    "core/text/unread.py": "the file that takes what nobody reads",
}
READS_TEXT = re.compile(
    r"\.read_text\(|\.readlines\(|(?<!Image)(?<!tarfile)\.open\((?!\"[rwa]?b)|gzip\.open\(|\bopen\([^)]*encoding"
)


def test_lists_of_names_are_read_in_one_place():
    """Whoever reads text elsewhere says here what it is."""
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if READS_TEXT.search(path.read_text(encoding="utf-8"))
    }
    assert found <= NO_LISTS.keys()
    split = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if ".splitlines(" in line and "str(error)" not in line and "str(reason)" not in line
    }
    assert split <= {"mistyped.py"}  # of a message
