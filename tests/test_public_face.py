"""What a user's editor and type checker see of the package."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import splice_exp
from splice_exp import solvers

SCRIPT = '''"""Decompose some images, and solve a problem of your own."""
from pathlib import Path

import torch
from PIL import Image

from splice_exp import Codes, Dictionary, Splice, SpliceError
from splice_exp.solvers import ADMM, COMP, ActiveSet, Solver


def words(folder: Path, splice: Splice) -> list[str]:
    images = [Image.open(path) for path in folder.glob("*.png")]
    codes: Codes = splice.decompose(images).codes
    return [concept for named in codes.top(3) for concept, _ in named]


def solve(dictionary: Dictionary, targets: torch.Tensor) -> Codes:
    solver: Solver = ActiveSet(l1_penalty=0.25) if len(targets) > 9 else ADMM(l1_penalty=0.25)
    return solver.solve(solver.prepare(dictionary.atoms), targets).codes


try:
    print(words(Path("holidays"), Splice.load()), COMP(target_l0=5))
except SpliceError as error:
    print(error)
'''
WRONG = 'model: int = Splice.load()\nActiveSet(l1_penalty="a lot")\n'

# Reading their types takes most of a minute, and they are not what is checked here.
OTHERS = ("torch", "numpy", "lightning", "open_clip", "pandas", "scipy", "sklearn", "torchvision", "numba", "PIL")


def check(tmp_path, text):
    script, settings = tmp_path / "script.py", tmp_path / "mypy.ini"
    script.write_text(text)
    others = ",".join(f"{name}.*" for name in OTHERS)
    settings.write_text(f"[mypy]\nstrict = true\nincremental = false\n[mypy-{others}]\nfollow_imports = skip\n")
    line = [sys.executable, "-m", "mypy", "--config-file", str(settings), str(script)]
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)


@pytest.mark.slow
def test_a_script_of_a_user_is_typed(tmp_path):
    """One run of mypy for both: what is right passes, and what is wrong is found, so nothing is `Any`."""
    pytest.importorskip("mypy")
    lines = SCRIPT.count("\n")
    answer = check(tmp_path, SCRIPT + WRONG)
    found = re.findall(r"script\.py:(\d+): error: .*\[([\w-]+)\]", answer.stdout)
    assert found == [(str(lines + 1), "assignment"), (str(lines + 2), "arg-type")], answer.stdout + answer.stderr


@pytest.mark.parametrize("package", [splice_exp, solvers])
def test_names_are_the_same_for_type_checkers_and_at_run_time(package):
    """Each name comes from the same module in both lists, and is there."""
    text = Path(package.__file__).read_text()
    listed = dict(re.findall(r'^    "(\w+)": "([\w.]+)",$', text, flags=re.MULTILINE))
    typed = re.findall(rf"^    from {package.__name__}\.([\w.]+) import (\w+) as (\w+)$", text, flags=re.MULTILINE)
    assert {name: module for module, name, _ in typed} == listed
    assert all(name == alias for _, name, alias in typed)
    assert set(dir(package)) == set(listed)
    for name, module in listed.items():
        assert getattr(package, name) is getattr(import_module(f"{package.__name__}.{module}"), name)
    with pytest.raises(AttributeError, match="has no attribute 'Lasso'"):
        _ = package.Lasso
