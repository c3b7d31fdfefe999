"""The code that numbers pass through, as one digest: a changed measure is another run.

Of some modules: these, all modules of the same packages that they import, and so on. They are read, not imported, so
that the command line can name a run without torch. Comments, docstrings and layout do not count, as they change no
number.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from splice_exp.core.io import digest
from splice_exp.core.runs.file_digests import Stamp, is_settled, keep, kept, stamp_of
from splice_exp.core.runs.trusted import is_of, sources

PACKAGE = Path(__file__).parents[2]
# What was read of each file: its stamp, the hash of its code and what it imports; kept for later commands, until this
# module reads in another way, or another Python writes code in another.
_KNOWN: dict[str, tuple[Stamp, str, tuple[str, ...]]] = {}
_UNKEPT: set[str] = set()
# Digests given before: of which names, and the files and folders that they hang on, as these were then.
_GIVEN: dict[tuple[tuple[str, ...], tuple[Path, ...]], tuple[dict[str, Stamp], str]] = {}
_VERSION = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
_KEPT = f"code-{sys.version_info.major}.{sys.version_info.minor}-{_VERSION}"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_digest(names: Iterable[str], *packages: Path) -> str:
    """Digest the code behind some names.

    Args:
        names: Dotted names of classes, modules, or packages (which stand for all modules in them).
        packages: Folders of packages, and files of modules that are none; imports of others do not count. By default
            this package.
    """
    asked = (tuple(names), packages or (PACKAGE,))
    stamps, given = _GIVEN.get(asked, ({}, ""))
    if not given or any(_stamp_or_none(path) != stamp for path, stamp in stamps.items()):
        stamps, given = _digest_of(*asked)
        if all(is_settled(stamp) for stamp in stamps.values()):
            _GIVEN[asked] = stamps, given
    return given


def _digest_of(names: Sequence[str], packages: Sequence[Path]) -> tuple[dict[str, Stamp], str]:
    """Return the digest, and the stamps of all files and folders that it hangs on, taken before they are read."""
    _load()
    stamps: dict[str, Stamp] = {}
    found: dict[Path, tuple[Path, str]] = {}
    waiting = [file for name in names for file in _files_of(name, packages)]
    while waiting:
        file, package = waiting.pop()
        if file not in found:
            _add_stamps(stamps, file, package)
            code, imported = _known(file, package)
            found[file] = package, code
            waiting += [target for name in imported for target in _files_of(name, packages, whole=False)]
    if _UNKEPT:
        keep(_KEPT, {path: list(entry) for path, entry in _KNOWN.items()})
        _UNKEPT.clear()
    # Stop words, prompts, vocabularies: code reads them by name.
    texts = sorted((text, package) for package in packages for text in (package / "assets").rglob("*.txt"))
    for package in packages:
        for folder in (package, *(package / "assets").rglob("**")):  # where a file that is added would be
            if folder.exists():
                stamps[str(folder)] = stamp_of(str(folder))
    for text, package in texts:
        _add_stamps(stamps, text, package)
    return stamps, digest(
        {
            "code": {_place(file, package): code for file, (package, code) in sorted(found.items())},
            "texts": {_place(text, package): text.read_text(encoding="utf-8") for text, package in texts},
        }
    )


def _place(file: Path, package: Path) -> str:
    return file.relative_to(package.parent).as_posix()


def _add_stamps(stamps: dict[str, Stamp], file: Path, package: Path) -> None:
    """Add the stamps of a file and of the folders that it is in, up to its package: a name may come to mean another."""
    for path in (file, *file.parents):
        if str(path) in stamps or path == package.parent:
            return
        stamps[str(path)] = stamp_of(str(path))


def _stamp_or_none(path: str) -> Stamp | None:
    try:
        return stamp_of(path)
    except OSError:
        return None


def code_of(*components: object) -> str:
    """Digest the code behind the classes of some objects; of those that extend ours, with their packages."""
    kinds = [type(component) for component in components]
    ours = [kind for kind in kinds if any(is_of(base.__module__, [PACKAGE.name]) for base in kind.__mro__)]
    others = {kind.__module__.partition(".")[0] for kind in ours} - {PACKAGE.name}
    return code_digest(sorted({kind.__module__ for kind in kinds}), PACKAGE, *sources(others))


def _files_of(name: str, packages: Sequence[Path], whole: bool = True) -> Iterator[tuple[Path, Path]]:
    """Yield the file of the module that a dotted name is, or is in, and its package; none if that is another package.

    Args:
        name: Dotted. Of a name that a package hands on it is not known from which module: all of them count.
        packages: Folders of packages, and files of modules.
        whole: Whether a package itself stands for all its modules, or for what it does when it is imported.
    """
    first, *parts = name.split(".")
    package = next((package for package in packages if package.stem == first), None)
    if package is None:
        return
    if package.is_file():
        yield package, package
        return
    for length in range(len(parts), 0, -1):
        at = package.joinpath(*parts[:length])
        if at.with_suffix(".py").is_file():
            yield at.with_suffix(".py"), package
            return
        if at.is_dir():
            files = sorted(at.rglob("*.py")) if whole or length < len(parts) else [at / "__init__.py"]
            yield from ((file, package) for file in files if file.is_file())
            return
    # A name of our root is handed on, and computes nothing; that of another package may be written there.
    if package != PACKAGE and (package / "__init__.py").is_file():
        yield package / "__init__.py", package
    if whole and not parts:
        yield from ((file, package) for file in sorted(package.rglob("*.py")))


def _load() -> None:
    """Take what earlier commands have read, once for each cache."""
    for path, (stamp, code, imported) in kept(_KEPT).items():
        _KNOWN.setdefault(path, (tuple(stamp), code, tuple(imported)))


def _known(file: Path, package: Path) -> tuple[str, tuple[str, ...]]:
    """Return what `_read` does; a file is read again once it has changed."""
    path = os.path.abspath(file)
    stamp = stamp_of(path)
    if path not in _KNOWN or _KNOWN[path][0] != stamp:
        code, imported = _read(file, package)
        if not is_settled(stamp):
            return code, imported
        _KNOWN[path] = (stamp, code, imported)
        _UNKEPT.add(path)
    return _KNOWN[path][1:]


def _read(file: Path, package: Path) -> tuple[str, tuple[str, ...]]:
    """Return a hash of the code of a file as Python writes it, and the names that it imports, anywhere in it.

    Args:
        file: Of a module.
        package: Which it is in.
    """
    tree = _Bare().visit(ast.parse(file.read_text(encoding="utf-8")))
    place = file.relative_to(package.parent).with_suffix("").parts
    imported: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = place[: len(place) - node.level] if node.level else ()  # from .beside import …
            origin = ".".join([*above, *([node.module] if node.module else [])])
            imported += [f"{origin}.{name.name}" for name in node.names]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest(), tuple(imported)


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
