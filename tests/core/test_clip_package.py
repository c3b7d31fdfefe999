"""open_clip comes without what few of its models need, which is there when one of them is built."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import splice_exp
from splice_exp.core.clip_package import PUT_OFF, put_off

HOME = Path(splice_exp.__file__).parent


def run(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def test_open_clip_comes_without_timm_and_the_compiler_of_torch():
    script = "import sys, splice_exp.backbones.open_clip; print([name for name in sys.argv[0:0] + list(sys.modules)])"
    modules = set(ast.literal_eval(run(script)))
    assert "open_clip" in modules
    assert "torchvision" in modules
    assert sorted(modules & {*PUT_OFF, "sympy", "torch._inductor", "wandb"}) == []


def test_both_are_there_when_something_wants_them():
    script = """
from splice_exp.core.clip_package import open_clip
import torch, torchvision
model = open_clip.timm_model.TimmModel("resnet18", embed_dim=8, image_size=32, pool="", proj="linear")
print(tuple(model(torch.zeros(2, 3, 32, 32)).shape))
boxes = torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]])
print(tuple(torchvision.ops.roi_align(torch.zeros(1, 1, 8, 8), boxes, 2).shape))
import timm, torch._dynamo
print(timm.__version__ is not None, torch._dynamo.is_compiling())
"""
    assert run(script).splitlines() == ["(2, 8)", "(1, 1, 2, 2)", "True False"]


def test_only_one_file_imports_open_clip():
    found = []
    for path in sorted(HOME.rglob("*.py")):
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
            if node not in typed and any(name.split(".")[0] == "open_clip" for name in names):
                found.append(str(path.relative_to(HOME)))
    assert set(found) == {"core/clip_package.py"}


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
