"""All sentences that end a command, from the sources: `…` stands for what differs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from building.files import ROOT, cell, write

PACKAGE = ROOT / "splice_exp"
RAISED = ("SpliceError", "UnreadableImage", "UnknownWhite", "not_there")
NAMED = {"key_of": "KEY"}  # calls whose result is a key of the configuration
AREAS = {
    "core": "Values, files and images",
    "backbones": "Backbones and weights",
    "data": "Data sets",
    "solvers": "Solvers",
    "embeddings": "Embeddings and image means",
    "distributed": "Stores and several processes",
    "training": "Training",
    "dictionaries": "Vocabularies and dictionaries",
    "decomposition": "Decomposition",
    "attribution": "Maps of pixels (COCOA)",
    "heads": "Attention heads (SITH)",
    "evaluation": "Questions",
    "record": "Records",
    "report": "Tables, figures and pages",
    "commands": "Commands",
    "": "Command line and configuration",
}
INTRODUCTION = """# All error sentences

A command that cannot go on ends with one sentence: what is wrong, what is allowed, and the key to change. Here are all
of them; search for a few words of yours. `…` stands for what differs: a name, a number, a file; KEY for a key of the
configuration.

"""


def pattern(node: ast.expr) -> str | None:
    """Return the text of an expression, with `…` where it is computed; None if nothing of it is written there."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(value) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (pattern(node.left) or "…") + (pattern(node.right) or "…")
    return None


def _part(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    assert isinstance(value, ast.FormattedValue)
    inner = value.value
    called = inner.func.id if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) else ""
    if called == "key_of" and isinstance(inner, ast.Call) and isinstance(inner.args[0], ast.Constant):
        return str(inner.args[0].value)
    return NAMED.get(called, "…")


def sentences(path: Path) -> Iterator[str]:
    """Yield the sentences that a module raises, in its order."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda one: one.lineno):
        if isinstance(node.func, ast.Name) and node.func.id in RAISED and node.args:
            found = pattern(node.args[0])
            if found and len(found.replace("…", "").split()) > 2:
                yield found


def write_errors() -> None:
    """Write the page, by area."""
    parts = [INTRODUCTION]
    for area, title in AREAS.items():
        files = sorted((PACKAGE / area).rglob("*.py")) if area else sorted(PACKAGE.glob("*.py"))
        rows = []
        for path in files:
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            rows += [f"| {_literal(sentence)} | {{py:mod}}`{module}` |" for sentence in sentences(path)]
        if rows:
            parts += [f"## {title}\n", "| sentence | raised in |\n|:--|:--|", *rows, ""]
    write("errors.md", "\n".join(parts))


def _literal(sentence: str) -> str:
    text = cell(sentence)
    for mark in "\\`*_<$[":
        text = text.replace(mark, "\\" + mark) if mark != "\\" else text
    return text
