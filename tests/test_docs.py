"""Every command that the documentation gives composes; every key that it names is there."""

import re
import shlex
from pathlib import Path

import pytest

from splice_exp.cli import _spelled_out
from splice_exp.commands import COMMANDS
from tests.test_configuration import composed

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
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
OVERRIDES = re.compile(r"`((?:evaluation|solver|alignment|data|trainer|method)(?:\.\w+)+)=?")


def test_every_key_of_the_table_of_calls_exists():
    configs = {
        "cocoa": composed("experiment=paper/cocoa_imagenet"),
        "kernel_shap": composed("experiment=paper/cocoa_imagenet", "method=kernel_shap"),
        "sith": composed("experiment=paper/sith_fidelity"),
        "splice": composed("experiment=paper/readme_cifar10"),
        "estimate": composed("experiment=paper/sith_heads"),
    }
    for key in OVERRIDES.findall(TABLES.read_text()):
        assert any(_has(config, key) for config in configs.values()), key


def _has(config, key):
    for part in key.split("."):
        if part not in config:
            return False
        config = config[part]
    return True
