"""Every public function and class says what goes in and what comes out.

The sources are read, not imported: that takes a second, and needs no optional package.
"""

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import splice_exp

ROOT = Path(splice_exp.__file__).parent

# Modules that are still to be documented. Nothing may be added; a module that lacks nothing is to be taken out.
UNFINISHED: frozenset[str] = frozenset()

# Verbs whose object is what is returned: "Count the active concepts", "Hash the bytes of a file". A docstring that
# opens with another verb ("Judge …", "Compare …", "Look …") needs a section "Returns:".
NAMES_ITS_RESULT = (
    *("Return", "Yield", "Whether", "Say", "Name", "Count", "List", "Read", "Load", "Make", "Draw", "Plot", "Declare"),
    *("Digest", "Hash", "Identify", "Fingerprint", "Estimate", "Average", "Embed", "Represent", "Normalise", "Phrase"),
    *("Word", "Number", "Label", "Spell", "Fit", "Cut", "Describe", "Give", "Find", "Encode", "Open", "Parse"),
    *("Compose", "Ask"),
)
WRITES_TEXT = ("str", "Markup")  # "Write a number" returns it as text; "Write a page" does not say what it returns
SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example", "Examples", "References", "Note")


class Function(NamedTuple):
    """A public function or method, and what is needed to judge its docstring."""

    name: str
    node: ast.FunctionDef
    owner: str | None


def sections_of(node: ast.AST) -> dict[str, str]:
    """Return the sections of a docstring by their headings; what stands before the first has the heading ""."""
    found, heading = {"": ""}, ""
    for line in (ast.get_docstring(node) or "").splitlines():
        if line.rstrip(":") in SECTIONS and line.endswith(":"):
            heading = line[:-1]
            found[heading] = ""
        else:
            found[heading] += line + "\n"
    return found


def named_in(text: str) -> set[str]:
    """Return the names that a section explains, as `name: …` or `first, second: …`."""
    explained = set()
    for line in textwrap.dedent(text).splitlines():
        names, colon, meaning = line.partition(":")
        if colon and not line.startswith(" ") and meaning.strip():
            explained |= {name.strip(" *`") for name in names.split(",")}
    return explained


def documented(node: ast.AST) -> set[str]:
    sections = sections_of(node)
    return named_in(sections.get("Args", "")) | named_in(sections.get("Attributes", ""))


def parameters(node: ast.FunctionDef) -> list[str]:
    given = node.args
    every = (*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg)
    return [one.arg for one in every if one is not None and one.arg not in ("self", "cls")]


def decorators(node: ast.FunctionDef | ast.ClassDef) -> str:
    return " ".join(ast.unparse(one) for one in node.decorator_list)


def is_extra(node: ast.FunctionDef) -> bool:
    """Whether a definition only adds to one of the same name, which is documented."""
    return "overload" in decorators(node) or ".setter" in decorators(node)


def says_what_it_returns(node: ast.FunctionDef, owner: str | None = None) -> bool:
    """Whether a function returns nothing, or its docstring (or, of a constructor, its class) says what."""
    returned = ast.unparse(node.returns).strip("'\"") if node.returns else "None"
    if returned in ("None", "NoReturn", "Never", "Iterator[None]"):  # the last: for a `with` block
        return True
    sections = sections_of(node)
    summary = sections[""].split()
    if not summary:
        return False
    if "property" in decorators(node) or "Returns" in sections or "Yields" in sections:
        return True
    if "classmethod" in decorators(node) and returned in (owner, "Self"):
        return True
    return summary[0].rstrip(",") in NAMES_ITS_RESULT or (summary[0] == "Write" and returned in WRITES_TEXT)


def fields_of(node: ast.ClassDef) -> list[str]:
    """Return the public fields of a dataclass, named tuple or typed dictionary, and arguments of a constructor."""
    declared = []
    bases = [ast.unparse(base) for base in node.bases]
    if "dataclass" in decorators(node) or {"NamedTuple", "TypedDict"} & set(bases):
        for one in node.body:
            if not isinstance(one, ast.AnnAssign) or not isinstance(one.target, ast.Name):
                continue
            hidden = "ClassVar" in ast.unparse(one.annotation) or "init=False" in ast.unparse(one)
            if not hidden and not one.target.id.startswith("_"):
                declared.append(one.target.id)
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and one.name == "__init__":
            declared += parameters(one)
    return declared


class Sources:
    """The sources of a package: its public functions and classes, and which class extends which."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.trees = {module: ast.parse(text) for module, text in texts.items()}
        self.classes: dict[tuple[str, str], ast.ClassDef] = {}
        self.imported: dict[tuple[str, str], tuple[str, str]] = {}
        for module, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self.classes[module, node.name] = node
                elif isinstance(node, ast.ImportFrom) and node.module:
                    for one in node.names:
                        self.imported[module, one.asname or one.name] = (node.module, one.name)

    def found(self, module: str, name: str) -> tuple[str, str] | None:
        """Follow the imports of a name to the class of the package that it is."""
        at = (module, name)
        while at not in self.classes and at in self.imported:
            at = self.imported[at]
        return at if at in self.classes else None

    def bases(self, module: str, name: str) -> Iterator[tuple[str, ast.ClassDef]]:
        """Yield the classes of the package that a class extends, nearest first."""
        for base in self.classes[module, name].bases:
            at = self.found(module, ast.unparse(base).partition("[")[0])
            if at is not None:
                yield at[0], self.classes[at]
                yield from self.bases(*at)

    def inherited(self, module: str, owner: str | None, method: str) -> list[ast.FunctionDef]:
        """Return the methods that a method overrides."""
        if owner is None:
            return []
        return [
            one
            for _, base in self.bases(module, owner)
            for one in base.body
            if isinstance(one, ast.FunctionDef) and one.name == method
        ]

    def functions(self, module: str) -> Iterator[Function]:
        """Yield the public functions and methods of a module."""
        yield from self._functions(self.trees[module], None)

    def _functions(self, node: ast.Module | ast.ClassDef, owner: str | None) -> Iterator[Function]:
        for one in node.body:
            if isinstance(one, ast.ClassDef) and not one.name.startswith("_"):
                yield from self._functions(one, one.name)
            elif isinstance(one, ast.FunctionDef) and not one.name.startswith("_") and not is_extra(one):
                yield Function(f"{owner}.{one.name}" if owner else one.name, one, owner)

    def lacking(self, module: str) -> Iterator[str]:
        """Yield what the docstrings of a module do not say."""
        for name, node, owner in self.functions(module):
            above = self.inherited(module, owner, node.name)
            given = parameters(node)
            known = documented(node).union(*(documented(one) for one in above))
            # What a single parameter is, the sentence about the function says.
            missing = [one for one in given if one not in known and not one.startswith("_")]
            if len(given) > 1 and missing:
                yield f"{module}.{name} does not say what is: {', '.join(missing)}"
            if not any(says_what_it_returns(one, owner) for one in (node, *above)):
                yield f"{module}.{name} does not say what it returns"
        for (place, name), node in self.classes.items():
            if place != module or name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                yield f"{module}.{name} has no docstring"
            known = documented(node).union(*(documented(base) for _, base in self.bases(module, name)))
            missing = [one for one in fields_of(node) if one not in known]
            if missing:
                yield f"{module}.{name} does not say what is: {', '.join(missing)}"


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.fixture(scope="module")
def sources():
    return Sources({module_of(path): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))})


@pytest.fixture(scope="module")
def lacking(sources):
    return {module: list(sources.lacking(module)) for module in sources.trees}


def test_what_is_public_is_documented(lacking):
    found = [line for module, lines in lacking.items() if module not in UNFINISHED for line in lines]
    assert not found, "\n".join(found)


def test_unfinished_modules_lack_something(lacking):
    """The list can only shrink: what is done, or gone, is taken out of it."""
    assert not sorted(module for module in UNFINISHED if not lacking.get(module))


BASE = '''
class Base:
    """A base."""

    def look(self, image, count) -> int:
        """Return a number.

        Args:
            image: What is looked at.
            count: How often.
        """
'''


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("def f(a, b) -> None:\n    'Do it.'", "does not say what is: a, b"),
        ("def f(a, b) -> None:\n    '''Do it to a: and b.\n\n    Args:\n        a: One.\n    '''", "what is: b"),
        ("def f(a, *, b) -> None:\n    '''Do it.\n\n    Args:\n        a: One.\n        b:\n    '''", "what is: b"),
        ("def f(a) -> int:\n    'Judge something.'", "what it returns"),
        ("def f(a) -> int: ...", "what it returns"),
        ("def f(a) -> Path:\n    'Write a page.'", "what it returns"),
        ("class A:\n    @property\n    def f(self) -> int: ...", "what it returns"),
        ("class A:\n    def __init__(self, a): ...", "A has no docstring"),
        ("class A:\n    'An A.'\n    def __init__(self, a): ...", "A does not say what is: a"),
        ("@dataclass\nclass A:\n    'An A.'\n    b: int", "A does not say what is: b"),
        ("class A:\n    'An A.'\n    def look(self, image, count) -> int: ...", "A.look does not say what it returns"),
        ("class A(Base):\n    'An A.'\n    def look(self, image, count, at) -> int: ...", "what is: at"),
    ],
)
def test_what_is_missing_is_found(text, lacks):
    found = list(Sources({"base": BASE, "here": f"from base import Base\n{text}"}).lacking("here"))
    assert any(lacks in line for line in found), found


@pytest.mark.parametrize(
    "text",
    [
        "def f(a) -> int:\n    'Return a number.'",
        "def f(a) -> str:\n    'Write a number.'",
        "def f(a) -> int:\n    '''Judge it.\n\n    Returns:\n        The verdict.\n    '''",
        "def f(a, b) -> None:\n    '''Do it.\n\n    Args:\n        a, b: Two things.\n    '''",
        "def _f(a, b) -> int: ...",
        "class _A:\n    def f(self, a, b) -> int: ...",
        "class A(Base):\n    'An A.'\n    def look(self, image, count) -> int: ...",
        "class A(Base):\n    'An A.'\n    def look(self, image, count) -> int:\n        'Look twice.'",
        "@dataclass\nclass A:\n    '''An A.\n\n    Attributes:\n        b: A number.\n    '''\n    b: int\n    _c: int",
    ],
)
def test_what_is_said_is_accepted(text):
    assert not list(Sources({"base": BASE, "here": f"from base import Base\n{text}"}).lacking("here"))
