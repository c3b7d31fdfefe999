"""What a command imports: seconds depend on the machine, modules do not."""

import subprocess
import sys

import pytest
from PIL import Image

SLOW = ("lightning", "torchmetrics", "sklearn", "scipy.stats", "scipy.optimize", "datasets", "wandb.apis.public")
ANSWERED_WITHOUT = ("torch", "open_clip", *SLOW)


def imported(folder, *arguments):
    """Return the modules of a command when it has ended, and what it printed."""
    script = f"import sys; sys.argv = ['splice_exp', *{list(arguments)!r}]; from splice_exp.__main__ import main\n"
    script += "try: main()\nfinally: print('modules:', *sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True)
    said, _, modules = result.stdout.rpartition("modules:")
    return set(modules.split()), said + result.stderr


def test_an_image_is_decomposed_without_lightning(tmp_path):
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    modules, said = imported(tmp_path, "decompose", "red.png")
    assert "red.png" in said
    assert "torch" in modules
    assert sorted(modules & set(SLOW)) == []
    again, said = imported(tmp_path, "decompose", "red.png")
    assert "complete already" in said
    assert sorted(again & {"torch", *SLOW}) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("experiment=zero_shott",),
        ("solver.l1_penalt=1",),
        ("decompose",),
        ("decompose", "cat.jpg"),
        ("decompose", ".", "backbone=open_clip", "backbone.model=ViT-B-33"),
    ],
)
def test_help_and_mistakes_need_no_torch(tmp_path, arguments):
    modules, said = imported(tmp_path, *arguments)
    assert "error: " in said or arguments == ("--help",)
    assert sorted(modules & set(ANSWERED_WITHOUT)) == []
