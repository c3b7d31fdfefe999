"""open_clip comes without what few of its models need, which is there when one of them is built."""

import ast

from splice_exp.core.packages.clip import PUT_OFF
from tests.core.packages.scripts import run


def test_open_clip_comes_without_timm_and_the_compiler_of_torch():
    script = "import sys, splice_exp.backbones.open_clip; print([name for name in sys.argv[0:0] + list(sys.modules)])"
    modules = set(ast.literal_eval(run(script)))
    assert "open_clip" in modules
    assert "torchvision" in modules
    assert sorted(modules & {*PUT_OFF, "sympy", "torch._inductor", "wandb"}) == []


def test_both_are_there_when_something_wants_them():
    script = """
from splice_exp.core.packages.clip import open_clip
import torch, torchvision
model = open_clip.timm_model.TimmModel("resnet18", embed_dim=8, image_size=32, pool="", proj="linear")
print(tuple(model(torch.zeros(2, 3, 32, 32)).shape))
boxes = torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]])
print(tuple(torchvision.ops.roi_align(torch.zeros(1, 1, 8, 8), boxes, 2).shape))
import timm, torch._dynamo
print(timm.__version__ is not None, torch._dynamo.is_compiling())
"""
    assert run(script).splitlines() == ["(2, 8)", "(1, 1, 2, 2)", "True False"]
