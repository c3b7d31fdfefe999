"""Scripts and benchmarks name what the package has: nobody runs all of them before each commit."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("scripts", "benchmarks", "docs/building", "docs/tutorials")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
OWN = ("splice_exp", "scripts", "benchmarks", "tests")


def imported(path):
    """Yield what a file imports of this repository, anywhere in it: module and name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.partition(".")[0] in OWN:
            yield from ((node.module, name.name) for name in node.names)
        elif isinstance(node, ast.Import):
            yield from ((name.name, None) for name in node.names if name.name.partition(".")[0] in OWN)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_script_imports_of_this_repository_is_there(path):
    for module, name in imported(path):
        found = importlib.import_module(module)
        if name is not None and not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")


def test_there_are_such_files():
    assert any(list(imported(path)) for path in FILES)
