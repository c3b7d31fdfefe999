"""Names in Markdown are shown as they are, whatever they are made of: read back by a parser of Markdown."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from splice_exp.core.text.markdown import code_block, escaped, image, table
from splice_exp.core.text.visible import visible

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "splice_exp"
HOSTILE = [
    "a|b",
    "|",
    "\\|",
    "a\\",
    "two\nlines",
    "two\r\nlines",
    "`code`",
    "``",
    "<script>alert(1)</script>",
    "<!-- no more -->",
    "&lt;b&gt;",
    "&#124;",
    "# heading",
    "#",
    "- item",
    "---",
    "1. first",
    "> said",
    "*bold* _too_ __so__ ~~gone~~",
    "$x_1$",
    "$$",
    "[text](http://example.org)",
    "![image](x.png)",
    "[76.4, 78.6]",
    "snake_case_name",
    "\x1b[31mred",
    "gpj.\u202etac",
    "http://example.org",
    "熊猫",
    "-0.122",
    ">>>>>>>>",
    "</",
    "\\\\'",
]


def meant(text):
    return visible(" ".join(text.split()))


def cells(text):
    """Return the cells of the first table of a page, as a reader sees them."""
    shown, row = [], []
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text):
        if token.type == "tr_close":
            shown, row = [*shown, row], []
        if token.type == "inline":
            assert {child.type for child in token.children} <= {"text", "text_special"}, token.content
            row.append("".join(child.content for child in token.children))
    return shown


def test_hostile_names_are_cells_like_others():
    found = cells(table(["concept", "code"], [[name, 0.5] for name in HOSTILE]))
    assert found == [["concept", "code"], *([meant(name), "0.5"] for name in HOSTILE)]
    assert cells(table(HOSTILE, [HOSTILE])) == [[meant(name) for name in HOSTILE]] * 2


@given(st.text(alphabet=st.sampled_from("ab1 |\\`*_<>&;#-+.)[](!$~\n'\"="), max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_name_is_read_back_as_it_is(name):
    assert cells(table(["x", name], [[name, "y"], ["z", name]])) == [
        ["x", meant(name)],
        [meant(name), "y"],
        ["z", meant(name)],
    ]
    for before, kind in (("# ", "heading_open"), ("- ", "bullet_list_open")):
        tokens = MarkdownIt("commonmark").parse(f"{before}x\n\n{before}{escaped(name)}\n")
        assert [token.type for token in tokens].count("inline") <= 2
        assert "".join(t.content for t in tokens[-1].children or ()) == "" or tokens[0].type == kind
        inline = [token for token in tokens if token.type == "inline"]
        if meant(name):
            assert "".join(child.content for child in inline[-1].children) == meant(name)


def test_dollars_are_no_mathematics():
    """GitHub draws what stands between them; a backslash before each prevents it."""
    assert escaped("$x_1$") == r"\$x_1\$"


def test_images_and_code_stay_what_they_are():
    (inline,) = (t for t in MarkdownIt().parse(image("a ](b) [c] |", "../x.png")) if t.type == "inline")
    (shown,) = inline.children
    assert (shown.type, shown.attrs["src"], shown.content.replace("\\", "")) == ("image", "../x.png", "a ](b) [c] |")
    command = "name=a\n# no heading"
    tokens = MarkdownIt().parse(f"x\n\n{code_block(command)}\n\ny\n")
    assert [token.content for token in tokens if token.type == "code_block"] == [f"{command}\n"]


def test_cells_are_written_in_one_place():
    writes = re.compile(r"tabulate|tablefmt|to_markdown|\| *-{3}|:-{3}|\" \| \"\.join|f\"\| ")
    writers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("splice_exp", "scripts", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if writes.search(path.read_text(encoding="utf-8"))
    }
    assert writers == {"splice_exp/core/text/markdown.py"}


@pytest.mark.parametrize("path", sorted((ROOT / "results" / "tables").glob("*.md")), ids=lambda path: path.stem)
def test_committed_tables_need_no_escapes(path):
    """What this project itself calls things reads the same in a Markdown file and on a page."""
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("|") and not line.startswith("|:"):
            for cell in line.strip("|").split(" | "):
                assert escaped(cell) == " ".join(cell.split())


def test_cells_of_tables_are_written_in_one_place():
    """Nobody else lays out a table of Markdown: what a name may contain is escaped there."""
    writes = re.compile(r"\btabulate\b|to_markdown|[\"'] ?\| ?[\"']\.join|[\"']\|[:-]")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if writes.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"core/text/markdown.py"}
