"""The code that numbers pass through, as one digest: a changed measure is another run.

Of some modules: these, all modules of the package that they import, and so on. They are read, not imported, so that
the command line can name a run without torch. Comments, docstrings and layout do not count, as they change no number.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from splice_exp.core.io import digest

PACKAGE = Path(__file__).parents[2]
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_digest(names: Iterable[str], package: Path = PACKAGE) -> str:
    """Digest the code behind some names.

    Args:
        names: Dotted names of classes, modules, or packages (which stand for all modules in them).
        package: Folder of the package; imports of other packages do not count.
    """
    found: dict[Path, str] = {}
    waiting = [file for name in names for file in _files_of(name, package)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file], imported = _read(file, file.stat().st_mtime_ns)
            waiting += [target for name in imported for target in _files_of(name, package, whole=False)]
    texts = sorted((package / "assets").rglob("*.txt"))  # stop words, prompts, vocabularies: code reads them by name
    return digest(
        {
            "code": {file.relative_to(package).as_posix(): code for file, code in sorted(found.items())},
            "texts": {text.relative_to(package).as_posix(): text.read_text(encoding="utf-8") for text in texts},
        }
    )


def code_of(*components: object) -> str:
    """Digest the code behind the classes of some objects."""
    return code_digest(sorted({type(component).__module__ for component in components}))


def _files_of(name: str, package: Path, whole: bool = True) -> Iterator[Path]:
    """Yield the file of the module that a dotted name is, or is in; none if that is in another package.

    Args:
        name: Dotted. Of a name that a package hands on it is not known from which module: all of them count.
        package: Folder of the package.
        whole: Whether a package itself stands for all its modules, or for what it does when it is imported.
    """
    first, *parts = name.split(".")
    if first != package.name:
        return
    for length in range(len(parts), 0, -1):
        at = package.joinpath(*parts[:length])
        if at.with_suffix(".py").is_file():
            yield at.with_suffix(".py")
            return
        if at.is_dir():
            yield from sorted(at.rglob("*.py")) if whole or length < len(parts) else [at / "__init__.py"]
            return
    if whole and not parts:  # else it is a name that the root hands on, which computes nothing
        yield from sorted(package.rglob("*.py"))


@cache
def _read(file: Path, changed: int) -> tuple[str, tuple[str, ...]]:
    """Return the code of a file as Python writes it, and the names that it imports, anywhere in it.

    Args:
        file: Of a module.
        changed: When, so that a file is read again once it has changed.
    """
    tree = _Bare().visit(ast.parse(file.read_text(encoding="utf-8")))
    imported: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported += [f"{node.module}.{name.name}" for name in node.names]
    return ast.unparse(tree), tuple(imported)


class _Bare(ast.NodeTransformer):
    """Takes out what never runs: docstrings, and what is imported for type checkers only."""

    def visit_If(self, node: ast.If) -> ast.AST:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = [ast.Pass()]
        return self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return super().generic_visit(node)
