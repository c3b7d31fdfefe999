"""What a user sees while working is written in the words of the field: headings, messages, helps, committed tables."""

import ast
import re
from pathlib import Path

import pytest

import splice_exp
from tests.report.test_notes import old_words
from tests.test_measures import evaluations

PACKAGE = Path(splice_exp.__file__).parent
TABLES = Path(__file__).parents[1] / "results" / "tables"
CURRENT = [path for path in sorted(TABLES.glob("*.md")) if "splice_exp 0.1.0" not in path.read_text(encoding="utf-8")]
YAML = {"null", "recompose", "stream"}  # of values and keys, and of what Hugging Face streams
LOGGED = {"debug", "info", "warning", "error", "exception"}


def text_of(node):
    """The constant parts of a string, with `…` for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def messages(source):
    """The texts of errors and of the log, and the helps of options."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name.endswith("Error") or name in LOGGED:
            yield from map(text_of, call.args)
        yield from (text_of(word.value) for word in call.keywords if word.arg == "help")


def test_messages_are_found():
    source = """
raise SpliceError(f"{name} has no pictures.")
log.warning("made anew: %s", path)
parser.add_argument("--words", help="one a line")
"""
    assert old_words(messages(source)) == ["pictures", "anew", "one a line"]


def test_messages_have_no_old_words():
    found = {path: list(messages(path.read_text(encoding="utf-8"))) for path in PACKAGE.rglob("*.py")}
    assert sum(map(len, found.values())) > 500
    assert {path: words for path, texts in found.items() if (words := set(old_words(texts)) - YAML)} == {}


def test_headings_of_measures_have_no_old_words():
    headings = {measure.title for evaluation in evaluations() for measure in evaluation.measures}
    assert len(headings) > 300
    assert old_words(sorted(headings)) == []


@pytest.mark.parametrize("path", CURRENT, ids=lambda path: path.stem)
def test_committed_tables_have_no_old_words(path: Path):
    """Those of version 0.1.0 have the notes and headings of that time, until they are computed again."""
    text = path.read_text(encoding="utf-8")
    assert old_words([re.sub(r"^    .*$|`[^`]*`", "", text, flags=re.MULTILINE)]) == []  # but for commands


def test_claims_of_all_committed_tables_have_no_old_words():
    claims = [
        claim
        for path in sorted(TABLES.glob("*.md"))
        for claim in re.findall(r"^- Claim: (.*)\. Verdict:", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    assert len(claims) > 150
    assert old_words(claims) == []
