"""What is put off is imported when it is used, and nothing stays behind; one file asks for each such package."""

import ast
import sys
from pathlib import Path

import pytest

import splice_exp
from splice_exp.core.packages.later import Later, put_off

HOME = Path(splice_exp.__file__).parent


def imported(path):
    """Yield the packages that a file imports when it is run, not those for type checkers."""
    tree = ast.parse(path.read_text())
    typed = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for line in node.body
        for inner in ast.walk(line)
    }
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if node not in typed:
            yield from (name.split(".")[0] for name in names)


@pytest.mark.parametrize(("package", "file"), [("open_clip", "clip"), ("lightning", "lightning")])
def test_only_one_file_imports_the_package(package, file):
    found = [path.relative_to(HOME).as_posix() for path in HOME.rglob("*.py") if package in imported(path)]
    assert found == [f"core/packages/{file}.py"]


def test_modules_are_as_they_were_afterwards(monkeypatch):
    for name in ("json.tool", "json"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import json as there

    with put_off("json", "json.tool"):
        assert sys.modules["json"] is there  # imported before: stays
        from json.tool import main

        with pytest.raises(ImportError):
            from json.tool import __nothing__  # noqa: F401
    assert "json.tool" not in sys.modules
    assert main.module == "json.tool"
    with put_off("statistics_of_nobody"):
        from statistics_of_nobody import mean
    with pytest.raises(ModuleNotFoundError, match="statistics_of_nobody"):
        mean([1])
    with pytest.raises(RuntimeError), put_off("statistics_of_nobody"):
        raise RuntimeError
    assert "statistics_of_nobody" not in sys.modules


def test_nothing_is_an_instance_of_a_class_that_is_not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "fractions", raising=False)
    kind = Later("fractions", "Fraction")
    assert not isinstance(1, kind)
    assert "fractions" not in sys.modules
    import fractions

    assert isinstance(fractions.Fraction(1, 2), kind)
    assert not isinstance(1, kind)
