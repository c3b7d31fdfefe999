"""Every command that the documentation gives composes; every key that it names is there."""

import ast
import inspect
import re
import shlex
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from splice_exp import ActiveSet, Cocoa, Sith, Splice
from splice_exp.cli import _spelled_out
from splice_exp.commands import COMMANDS
from splice_exp.decomposition.splice import Decomposition
from splice_exp.dictionaries.vocabulary import NamesVocabulary
from tests.test_configuration import composed

ROOT = Path(__file__).parents[1]
MADE = {"_build", "generated"}  # folders of docs that are written by `make docs`
PAGES = [ROOT / "README.md", *sorted(one for one in (ROOT / "docs").rglob("*.md") if not MADE & set(one.parts))]
COMMAND = re.compile(r"python -m splice_exp(?: [^`\n|]*)?")


def commands():
    for page in PAGES:
        for found in COMMAND.findall(page.read_text()):
            if not any(mark in found for mark in ("NAME", "experiment=X", "…", "--help", "\\")):
                words = shlex.split(found.split("     ")[0].split(" # ")[0].rstrip(":;,. "))[3:]
                yield pytest.param(words, id=f"{page.stem}: {' '.join(words)[:80]}")


@pytest.mark.parametrize("words", list(commands()))
def test_a_command_of_the_documentation_composes(words):
    if words and words[0] in COMMANDS:
        return
    overrides = [word for word in _spelled_out(words) if word != "-m"]
    swept = [re.sub(r"=([\w.]+),[\w.,]+$", r"=\1", word) for word in overrides]  # one point of a sweep
    assert composed(*swept).name


TABLES = ROOT / "docs" / "from_the_authors_code.md"
OVERRIDES = re.compile(r"`((?:evaluation|solver|alignment|data|trainer|method|removal|vocabulary)(?:\.\w+)+)=?")
SPAN = re.compile(r"`([^`]*)`")
ANYWAY = ("solver", "alignment.image_mean", "vocabulary")  # what every row of SpLiCE and SITH says it sets
THEIRS = {
    "-l1_penalty": "solver.l1_penalty",
    "-vocab": "vocabulary",
    "--sparsity": "solver.target_l0",
}  # flag → our key


def sections():
    """Yield the lines of each section with its heading."""
    for section in TABLES.read_text().split("\n## ")[1:]:
        yield section.partition("\n")[0], section.splitlines()


def rows():
    """Yield system, their call, a command here, and what the table says that it sets."""
    for system, lines in sections():
        for line in lines:
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            for span in SPAN.findall(cells[1]) if line.startswith("| `") else ():
                words = shlex.split(span)[3:] if span.startswith("python -m splice_exp") else []
                if words and words[0] not in COMMANDS:
                    claims = dict(one.split("=", 1) for one in SPAN.findall(cells[2])) if len(cells) == 3 else None
                    yield pytest.param(system, cells[0], words, claims, id=f"{system}: {' '.join(words)[:90]}")


@pytest.mark.parametrize(("system", "theirs", "words", "claims"), list(rows()))
def test_a_command_of_the_table_of_calls_sets_what_its_row_says(system, theirs, words, claims):
    assert claims, "a command stands in a table with a third column, which says what it sets"
    config = composed(*_spelled_out(words), with_hydra=True)
    swept = _swept(config)
    for key, said in claims.items():
        assert _normal(said) == _normal(swept.get(key, _set_to(config, key))), key
    required = set(ANYWAY if system != "COCOA" else ())
    if "method" in config.evaluation:  # of pixels
        required |= {"method", "removal"} | {key for key in claims if "evaluation.foil" in key}
        assert any("foil" in key for key in claims) == ("foil" in config.evaluation or "foil_size" in config.evaluation)
    assert required <= claims.keys()
    if "solver.l1_penalty" not in claims and config.solver._target_.endswith("ActiveSet"):
        assert system == "COCOA"
    said_by_them = shlex.split(SPAN.search(theirs)[1])
    for flag, key in THEIRS.items():
        if flag in said_by_them:
            assert claims[key] == said_by_them[said_by_them.index(flag) + 1]


def _swept(config):
    """Return the swept values of a configuration, as the file or the command line lists them; a single one is set."""
    written = OmegaConf.to_container(config.hydra.sweeper).get("params") or {}
    asked = {override.partition("=")[0] for override in config.hydra.overrides.task}
    return {key: str(value) for key, value in written.items() if key not in asked}


def _set_to(config, key):
    """Return what a key is set to: the choice of a group, or a value."""
    if key in config.hydra.runtime.choices:
        return config.hydra.runtime.choices[key]
    assert OmegaConf.select(config, key, default="nowhere") != "nowhere", f"there is no {key}"
    value = OmegaConf.select(config, key)
    return OmegaConf.to_container(value) if OmegaConf.is_config(value) else value


def _normal(value):
    """Read numbers, truth, null and lists from a text; values that are swept stay one text."""
    if isinstance(value, str) and value.startswith("["):
        return [_normal(part) for part in value[1:-1].split(", ")]
    return yaml.safe_load(value) if isinstance(value, str) and "{" not in value else value


CALLED = {"Splice": Splice, "Cocoa": Cocoa, "Sith": Sith, "model": Splice, "found": Decomposition}


def python_calls():
    for _, lines in sections():
        for line in lines:
            for span in SPAN.findall(line.strip("|").split(" | ")[1] if line.startswith("| `") else line):
                if re.match(rf"({'|'.join(CALLED)}|found = model)[.(]", span) and "python" not in span:
                    yield span


@pytest.mark.parametrize("call", sorted(set(python_calls())))
def test_a_python_call_of_the_table_is_one_of_ours(call):
    found = [node for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Call)]
    for node in found:
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            target = getattr(CALLED[node.func.value.id], node.func.attr)
        elif isinstance(node.func, ast.Name) and node.func.id in CALLED:
            target = CALLED[node.func.id]
        else:
            continue  # of what a call returns
        given = [inspect.Parameter.empty] * (len(node.args) + (not inspect.ismethod(target) and "model" in call[:13]))
        inspect.signature(target).bind_partial(*given, **{one.arg: None for one in node.keywords})


def test_load_takes_what_the_authors_load_takes(monkeypatch):
    benchmark = Splice.load().backbone
    asked = {}
    monkeypatch.setattr("splice_exp.dictionaries.load.require_loadable", lambda *_: None)  # no weights are here
    monkeypatch.setattr(
        "splice_exp.dictionaries.load.load_backbone", lambda *model: asked.update(model=model) or benchmark
    )
    monkeypatch.setattr(
        "splice_exp.dictionaries.load.vocabulary_named",
        lambda *names: asked.update(vocabulary=names) or NamesVocabulary(["star", "grass"]),
    )
    call = next(one for one in python_calls() if one.startswith("Splice.load") and "l1_penalty" in one)
    found = eval(call.replace('"cuda"', '"cpu"'), {"Splice": Splice})
    assert asked == {"model": ("open_clip:ViT-B-32", None, "Splice.load"), "vocabulary": ("laion", 10000)}
    assert found.solver == ActiveSet(l1_penalty=0.25)


def test_every_key_of_the_table_of_calls_exists():
    configs = {
        "cocoa": composed("experiment=paper/cocoa_imagenet"),
        "randomized": composed("experiment=paper/cocoa_randomized_imagenet"),
        "kernel_shap": composed("experiment=paper/cocoa_imagenet", "method=kernel_shap"),
        "explain": composed(
            "experiment=explain",
            "corpus@evaluation.foil=texts",
            *(f"evaluation.{part}.texts=[a star]" for part in ("corpus", "foil")),
        ),
        "sith": composed("experiment=paper/sith_fidelity"),
        "splice": composed("experiment=paper/readme_cifar10"),
        "concepts": composed("experiment=paper/class_concepts"),
        "retrieval": composed("experiment=paper/retrieval"),
        "attributes": composed("experiment=paper/intervention_attributes"),
        "histogram": composed("experiment=paper/spurious_histogram"),
        "spurious": composed("experiment=paper/sith_edit_spurious_judged"),
        "unsafe": composed("experiment=paper/sith_edit_unsafe"),
        "classification": composed("experiment=paper/sith_edit_classification"),
    }
    for key in OVERRIDES.findall(TABLES.read_text()):
        assert any(_has(config, key) for config in configs.values()), key


def _has(config, key):
    for part in key.split("."):
        if part not in config:
            return False
        config = config[part]
    return True
