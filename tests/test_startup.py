"""What a command imports: seconds depend on the machine, modules do not."""

import pytest
from PIL import Image

from splice_exp.commands import COMMANDS
from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.experiments import help_of
from tests.light import ask

SLOW = ("lightning", "torchmetrics", "sklearn", "scipy.stats", "scipy.optimize", "datasets", "wandb.apis.public")
ANSWERED_WITHOUT = ("torch", "open_clip", *SLOW)


def imported(folder, *arguments):
    """Return the modules of a command when it has ended, and what it printed."""
    answer = ask(folder, *arguments)
    return answer.modules, answer.out + answer.err


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
        ("decompose", "--help"),
        ("experiment=paper/zero_shot", "--help"),
        *((command, "--help") for command in COMMANDS),
        ("decompos", "cat.jpg"),
        ("solver.l1_penalty=0.1,0.2",),
        ("experiment=zero_shott",),
        ("solver.l1_penalt=1",),
        ("decompose",),
        ("decompose", "cat.jpg"),
        ("decompose", ".", "backbone=open_clip", "backbone.model=ViT-B-33"),
        ("build-lexicon", "conceptnet", "conceptnet-assertions-5.7.0.csv.gz", "--output", "names.txt"),
        ("build-vocabulary", "captions.txt", "--output", "names.txt"),
        ("build-vocabulary", "--scenes", "9", "--stop-words", "words.txt", "--output", "names.txt"),
        ("build-vocabulary", "--scenes", "9", "--model", "ViT-B-32", "--pretrained", "none", "--output", "names.txt"),
        ("estimate-mean", "mean.safetensors", "data=image_folder", "data.root=nowhere"),
        ("explore", "--port", "70000"),
        ("train-classifier", "data=scenes", "--weights", "none.pth", "--output", "network.safetensors"),
    ],
)
def test_help_and_mistakes_need_no_torch(tmp_path, arguments):
    modules, said = imported(tmp_path, *arguments)
    assert "error: " in said or "--help" in arguments
    assert sorted(modules & set(ANSWERED_WITHOUT)) == []


def test_every_experiment_says_what_it_asks_and_what_can_be_changed():
    for path in sorted((CONFIG_DIRECTORY / "experiment").rglob("*.yaml")):
        name = path.relative_to(CONFIG_DIRECTORY / "experiment").with_suffix("").as_posix()
        said = help_of([f"experiment={name}", "--help"])
        assert "python -m splice_exp" in said, name
        assert "Keys worth changing" in said
    said = help_of(["experiment=ablation_nonneg", "-h"])
    for part in ("Question: Does it cost", "signed codes need more concepts", "seed=0,1,2,3,4", "Two to three minutes"):
        assert part in said
    assert "evaluation.relevance=true" in said
    said = help_of(["experiment=cocoa_localization", "--help"])  # whose report is a file that others share
    assert "Question: Do the pixels" in said
    assert "  the largest value of COCOA" in said
    assert help_of(["explain", "--help"]).startswith("explain: Attribution maps of images\n\nQuestion: ")
    assert help_of(["-h", "explain"]) == help_of(["explain", "-h"])
    assert "solver.target_l0=8" not in help_of(["decompose", "--help"])
    assert "  solver=path\n" in (said := help_of(["decompose", "a.png", "solver=path", "solver.target_l0=3", "--help"]))
    assert "solver.target_l0=8   # concepts of each row" in said
    assert "  solver=pth   # none of this package: python" in help_of(["experiment=zero_shot", "solver=pth", "-h"])
    assert help_of(["--help", "--config-dir", "mine"]) is None
    assert help_of(["experiment=ablation_nonneg"]) is None


def test_an_experiment_outside_says_what_it_asks(tmp_path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\n# How round is it?\nreport:\n  title: Mine\n  question: How round?\n"
    )
    for words in (["--config-dir", str(tmp_path)], [f"--config-dir={tmp_path}"], ["-cd", str(tmp_path)]):
        said = help_of([*words, "experiment=mine", "--help"])
        assert said.startswith("experiment=mine: Mine\n\nQuestion: How round?\n\nHow round is it?")


def test_the_help_is_that_of_hydra_without_the_seconds_of_its_listing(tmp_path):
    _, said = imported(tmp_path, "--help")
    _, hydras = imported(tmp_path, "--help", "paths=default")  # with another word Hydra answers
    assert said.split() == hydras.split()
    assert "zero_shot" in said
