"""The digest of code follows imports through a package, and knows a changed number from a changed comment."""

import os
import shutil
from pathlib import Path

import pytest

import splice_exp
from splice_exp.core.runs import code, file_digests
from splice_exp.core.runs.code import PACKAGE, code_digest, code_of
from splice_exp.core.runs.provenance import run_id
from splice_exp.core.types import Embeddings

MEASURE = '''"""A measure."""

from typing import TYPE_CHECKING

from small.core.numbers import ONE  # of the package

if TYPE_CHECKING:
    from small.typed import KIND


def measure(x: float) -> float:
    """Add one."""
    return x + ONE
'''


@pytest.fixture
def small(tmp_path):
    files = {
        "__init__.py": "",
        "question.py": "def ask():\n    import small.measure as m\n    return m.measure(1)\n",
        "measure.py": MEASURE,
        "core/__init__.py": "",
        "core/numbers.py": "ONE = 1\n",
        "typed.py": "KIND = 1\n",
        "report.py": "from small.measure import measure\nprint(measure(1))\n",
        "solvers/__init__.py": "def __getattr__(name):\n    return name\n",
        "solvers/omp.py": "class OMP:\n    steps = 3\n",
        "assets/words.txt": "the\n",
    }
    for name, text in files.items():
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "small"


@pytest.mark.parametrize("name", ["small.question", "small.question.ask", "small.measure", "small.core", "small"])
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("core/numbers.py", "1", "2"), ("assets/words.txt", "the", "a")],
)
def test_what_numbers_pass_through_changes_the_digest(small, name, file, old, new):
    before = code_digest([name], small)
    path = small / file
    path.write_text(path.read_text().replace(old, new))
    assert code_digest([name], small) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("measure.py", '"""Add one."""', '"""Add 1."""'),
        ("measure.py", "# of the package", "# anything"),
        ("measure.py", "x + ONE", "(x +\n            ONE)"),
        ("typed.py", "1", "2"),
        ("report.py", "print(measure(1))", "print(measure(2))"),
        ("solvers/omp.py", "3", "4"),
    ],
)
def test_words_layout_and_other_modules_do_not(small, file, old, new):
    before = code_digest(["small.question.ask"], small)
    path = small / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert code_digest(["small.question.ask"], small) == before


def test_a_name_that_a_package_hands_on_stands_for_all_its_modules(small):
    before = code_digest(["small.solvers.OMP"], small)
    (small / "solvers" / "omp.py").write_text("class OMP:\n    steps = 4\n")
    assert code_digest(["small.solvers.OMP"], small) != before


def test_code_of_objects_is_that_of_their_modules():
    import torch

    made = Embeddings(torch.eye(2), None, ("a", "b"), (), "image", "x")
    assert code_of(made, made) == code_digest(["splice_exp.core.types.Embeddings"])
    assert code_of(1) == code_digest(["torch.nn"])  # other packages have versions instead
    assert code_of(made) != code_of(1)


CONFIG = {
    "backbone": {"_target_": "splice_exp.backbones.planted.PlantedBackbone"},
    "evaluation": {
        "_target_": "splice_exp.evaluation.splice.decomposition.SpliceEvaluation",
        "parts": [{"_target_": "splice_exp.heads.rules.Above"}],
    },
    "report": {"_target_": "splice_exp.report.page.Report"},
}


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("evaluation/splice/decomposition.py", True),  # itself
        ("evaluation/measures/functional.py", True),  # imported by it
        ("backbones/planted.py", True),
        ("solvers/objective.py", True),  # imported by what it imports
        ("heads/rules.py", True),  # of a part of a part
        ("report/page.py", False),
        ("record/write_record.py", False),
        ("cli.py", False),
        ("evaluation/splice/retrieval.py", False),  # another question
    ],
)
def test_a_run_is_known_by_the_code_of_its_components(tmp_path, monkeypatch, file, changes):
    package = shutil.copytree(
        PACKAGE, tmp_path / "splice_exp", ignore=shutil.ignore_patterns("__pycache__", "scenes_clip")
    )
    monkeypatch.setattr("splice_exp.core.runs.provenance._code", lambda names, trusted: code_digest(names, package))
    before = run_id(CONFIG, lambda data: None)
    with (package / file).open("a") as changed:
        changed.write("\nCHANGED = 1\n")
    assert (run_id(CONFIG, lambda data: None) != before) is changes


def test_the_version_is_said_once():
    citation = Path(splice_exp.__file__).parents[1] / "CITATION.cff"
    assert f"version: {splice_exp.__version__}\n" in citation.read_text()


@pytest.fixture
def as_later(monkeypatch, tmp_path):
    """A package of one module, and a way to begin as a later command does, with the same cache."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "one.py").write_text("x = 1\n")
    for file in folder.iterdir():
        os.utime(file, (1e9, 1e9))
    monkeypatch.setattr(file_digests, "is_settled", lambda stamp: True)
    monkeypatch.setattr(code, "is_settled", lambda stamp: True)

    def begin():
        for one in (code._KNOWN, code._UNKEPT, code._GIVEN, file_digests._READ):
            one.clear()
        file_digests.keep_digests_in(tmp_path / "cache")
        return folder

    yield begin
    file_digests._KEPT_IN.clear()
    code._KNOWN.clear()


def test_what_was_read_is_kept_for_later_commands(as_later, monkeypatch, tmp_path):
    folder = as_later()
    first = code_digest(["mine.one"], folder)
    (kept,) = (tmp_path / "cache" / "digests").glob("code-*.json")
    as_later()
    monkeypatch.setattr(code, "_read", lambda *_: pytest.fail("read again"))
    assert code_digest(["mine.one"], folder) == first
    monkeypatch.undo()
    monkeypatch.setattr(code, "is_settled", lambda stamp: True)
    (folder / "one.py").write_text("x = 2\n")
    second = code_digest(["mine.one"], folder)
    assert second != first
    as_later()
    assert code_digest(["mine.one"], folder) == second
    kept.write_text(kept.read_text()[:-5])  # cut off
    as_later()
    assert code_digest(["mine.one"], folder) == second
    assert "x = 2" not in kept.read_text()  # hashes are kept, and no code


def test_a_digest_is_given_again_until_something_that_it_hangs_on_changes(as_later, monkeypatch):
    folder = as_later()
    (folder / "two.py").write_text("import mine.one\nimport mine.three.four\n")
    (folder / "assets").mkdir()
    first = code_digest(["mine.two"], folder)
    with monkeypatch.context() as patched:
        patched.setattr(code, "_known", lambda *_: pytest.fail("looked at again"))
        assert code_digest(iter(["mine.two"]), folder) == first
    seen = {first}
    for file, text in (
        ("one.py", "x = 2\n"),  # of what is imported
        ("assets/words.txt", "a\n"),  # added
        ("assets/words.txt", "bb\n"),  # of another size, where times of files are coarse
        ("three.py", "four = 4\n"),  # what a name means now
    ):
        (folder / file).write_text(text)
        seen.add(code_digest(["mine.two"], folder))
    assert len(seen) == 5
    (folder / "three.py").unlink()
    assert code_digest(["mine.two"], folder) in seen  # as before it was there


def test_a_file_that_was_changed_just_now_is_not_kept(as_later, monkeypatch, tmp_path):
    folder = as_later()
    monkeypatch.setattr(code, "is_settled", lambda stamp: False)
    code_digest(["mine.one"], folder)
    assert not (tmp_path / "cache").exists()
