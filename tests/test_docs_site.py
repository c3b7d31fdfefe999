"""The sources of the site hold together; `make docs` builds it."""

import ast
import os
import re
import sys
from pathlib import Path

import pytest
import yaml

import splice_exp

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BUILT = ("_build", "generated")
PACKAGE = Path(splice_exp.__file__).parent
TUTORIALS = sorted((DOCS / "tutorials").glob("*.py"))
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if path.relative_to(DOCS).parts[0] not in BUILT]
TOCTREE = re.compile(r"```\{toctree\}\n(.*?)```", re.DOTALL)
MADE = {  # pages of docs/generated, by how their names begin, and what makes them
    "generated/tutorials/index": "sphinx_gallery_conf",
    "generated/experiments": 'write("experiments.md"',
    "generated/configuration/index": 'write("configuration/index.md"',
    "generated/errors": 'write("errors.md"',
    "generated/claims/index": 'write("claims/index.md"',
    "generated/repo/results/tables/index": "results/{folder}/index.md",
    "generated/repo/results/notes/index": "results/{folder}/index.md",
}


@pytest.fixture
def building(monkeypatch):
    """Make the modules that build the site importable, as docs/conf.py does."""
    monkeypatch.syspath_prepend(str(DOCS))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "building":
            del sys.modules[name]


def entries(page):
    """Return what the tables of contents of a page name, as paths from docs."""
    for block in TOCTREE.findall(page.read_text(encoding="utf-8")):
        for line in filter(None, map(str.strip, block.splitlines())):
            if not line.startswith(":"):
                target = line.rpartition("<")[2].rstrip(">")
                at = target[1:] if target.startswith("/") else (page.parent.relative_to(DOCS) / target).as_posix()
                yield os.path.normpath(at)


def exists(entry):
    if entry in MADE:
        return any(
            MADE[entry] in path.read_text(encoding="utf-8") for path in [*DOCS.glob("building/*.py"), DOCS / "conf.py"]
        )
    if entry.startswith("generated/repo/"):
        return (ROOT / f"{entry.removeprefix('generated/repo/')}.md").is_file()
    return (DOCS / f"{entry}.md").is_file()


def test_tables_of_contents_name_pages_that_are_there():
    named = [(page.name, entry) for page in PAGES for entry in entries(page)]
    assert len(named) > 30
    assert not [one for one in named if not exists(one[1])]


def test_every_page_is_in_a_table_of_contents():
    named = {entry for page in PAGES for entry in entries(page)}
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES}
    assert pages - named == {"index"}


def test_every_module_is_in_the_listing_of_the_api():
    listing = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    top = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    listed = set(re.findall(r"^   splice_exp\.(\w+)$", listing, flags=re.MULTILINE))
    assert listed == {name for name in top if not name.startswith("_")}
    assert ":recursive:" in listing
    # A folder without __init__.py would not be found.
    assert not [path for path in PACKAGE.rglob("*.py") if not (path.parent / "__init__.py").is_file()]


def test_what_is_imported_from_the_package_is_in_the_listing_of_the_api():
    listing = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^   ~splice_exp\.([\w.]+)\.(\w+)$", listing, flags=re.MULTILINE))
    found = {name: module for module, name in re.findall(r"^   ~splice_exp\.([\w.]+)\.(\w+)$", listing, re.MULTILINE)}
    assert len(listed)
    assert found == splice_exp._HOMES


def test_there_are_ten_tutorials_in_order():
    assert [int(path.name[:2]) for path in TUTORIALS] == list(range(1, 11))


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_compiles_has_a_title_and_imports_what_is_there(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    title, line = ast.get_docstring(tree).splitlines()[:2]
    assert len(line) >= len(title)
    assert set(line) == {"="}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("splice_exp."):
            home = PACKAGE.joinpath(*node.module.split(".")[1:])
            source = (home / "__init__.py" if home.is_dir() else home.with_suffix(".py")).read_text(encoding="utf-8")
            assert all(re.search(rf"\b{one.name}\b", source) for one in node.names), node.module
    for named in re.findall(r":doc:`/?([\w/]+)`", text):
        if not named.startswith("generated/"):
            assert (DOCS / f"{named}.md").is_file() or (DOCS / "tutorials" / f"{named}.py").is_file(), named


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_needs_no_network_and_no_fixed_result(path):
    text = path.read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    tree = ast.parse(code)
    loads = [
        ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call) and ".load" in ast.unparse(node.func)
    ]
    assert not [one for one in loads if "open_clip:" in one or "ViT" in one]


@pytest.mark.usefixtures("building")
def test_a_tutorial_finds_nothing_that_another_one_has_left(tmp_path, monkeypatch):
    from building import tutorials

    monkeypatch.setattr(tutorials, "HERE", tmp_path)
    (tmp_path / "tutorials").mkdir()
    (tmp_path / "tutorials" / "01_first.py").write_text("pass\n")
    tutorials.copy(tmp_path)
    run_in = tmp_path / tutorials.RUN_IN
    (run_in / "results").mkdir()
    (run_in / "results" / "table.md").write_text("left")
    (run_in / "E.json").write_text("left")
    tutorials.set_up({}, "01_first.py")
    assert [path.name for path in run_in.iterdir()] == ["01_first.py"]


def test_settings_of_the_site_load(building, monkeypatch):
    pytest.importorskip("sphinx")
    settings: dict = {"__file__": str(DOCS / "conf.py")}
    monkeypatch.setattr("sys.path", list(sys.path))
    tutorials = __import__("building.tutorials", fromlist=["forget"])
    for name in ("copy", "forget"):
        monkeypatch.setattr(tutorials, name, lambda here: None)
    exec(compile((DOCS / "conf.py").read_text(encoding="utf-8"), "conf.py", "exec"), settings)
    assert settings["version"] == splice_exp.__version__
    assert settings["sphinx_gallery_conf"]["examples_dirs"] == [tutorials.RUN_IN]
    assert set(settings["exclude_patterns"]) >= {"tutorials", tutorials.RUN_IN}


@pytest.mark.usefixtures("building")
def test_docstrings_become_text_without_markup():
    pytest.importorskip("sphinx")
    from building.docstrings import plain

    found = plain(
        [
            "Return |x| of `a*b` and d_.",
            "",
            "    w = 2 * x_",
            "",
            "Args:",
            "    a: An *x*.",
            "",
            "Example:",
            "    >>> a_ * 2",
        ]
    )
    assert found[0] == r"Return \|x\| of ``a*b`` and d\_."
    assert found[2:5] == ["::", "", "    w = 2 * x_"]
    assert r"    a: An \*x\*." in found
    assert "    >>> a_ * 2" in found


@pytest.mark.usefixtures("building")
def test_links_to_the_repository_lead_to_copies():
    from building.mirror import mirror, turned

    mirror()
    assert (
        turned("[a](../results/tables/quickstart.md#x)", "solvers")
        == "[a](/generated/repo/results/tables/quickstart.md#x)"
    )
    assert turned("[a](../../CONTRIBUTING.md)", "guides/index") == "[a](/generated/repo/CONTRIBUTING.md)"
    assert turned("[a](docs/images.md)", "generated/repo/CONTRIBUTING") == "[a](/images.md)"
    assert turned("`[a](../results/tables/quickstart.md)`", "solvers") == "`[a](../results/tables/quickstart.md)`"
    assert turned("[a](https://b.org/c.md)", "solvers") == "[a](https://b.org/c.md)"


@pytest.mark.usefixtures("building")
def test_every_claim_of_a_table_has_a_sign():
    from building.claims import TABLES, mark, read

    claims = [claim for path in TABLES.glob("*.md") for claim in read(path).claims]
    lines = sum(path.read_text(encoding="utf-8").count("\n- Claim: ") for path in TABLES.glob("*.md"))
    assert len(claims) == lines
    assert mark("holds in all 4 comparisons (1 model)") == mark("holds") == "✓"
    assert mark("does not hold in all 2 comparisons") == mark("does not hold (1 model)") == "✗"
    assert mark("holds in 3 of 4 comparisons, does not hold in 0, undecided in 1") == mark("is undecided") == "○"


@pytest.mark.usefixtures("building")
def test_sentences_of_errors_are_found_with_what_differs_left_open(tmp_path):
    from building.errors import sentences

    source = tmp_path / "module.py"
    ours = """raise SpliceError(f"{key_of('size')} is {size!r}, but must " "be small.")"""
    source.write_text(f'{ours}\nraise ValueError("no such thing here")\n')
    assert list(sentences(source)) == ["size is …, but must be small."]
    assert sum(len(list(sentences(path))) for path in PACKAGE.rglob("*.py")) > 300


@pytest.mark.usefixtures("building")
def test_every_group_that_is_listed_is_one_of_the_configuration():
    from building.configuration import CONF, GROUPS, comment_of

    assert all((CONF / group).is_dir() for group in GROUPS)
    assert comment_of("# @package _global_\n# One.\n# Two.\na: 1 # three") == "One. Two."


def test_the_extra_has_exact_versions():
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.findall(r'"([\w-]+)>=', re.search(r"^docs = \[(.*)\]$", pyproject, flags=re.MULTILINE)[1])
    pinned = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert set(wanted) <= pinned


def test_the_workflow_builds_the_site_and_gives_it_away():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "docs.yml").read_text(encoding="utf-8"))
    steps = [
        step.get("run") or step["uses"].partition("@")[0] for job in workflow["jobs"].values() for step in job["steps"]
    ]
    assert "make docs" in steps
    assert {"actions/upload-pages-artifact", "actions/deploy-pages"} <= set(steps)
