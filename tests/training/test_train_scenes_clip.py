"""The training command with a tiny budget: it learns, exports a checkpoint, and goes on after having been killed."""

import importlib
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.plain import Scenes
from splice_exp.training.captioned import CaptionedPictures, easy_picture, mixed_picture, training_picture
from splice_exp.training.curves import Curves
from splice_exp.training.model_card import _caption_recall
from splice_exp.training.small_clip import Settings

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_scenes_clip.py"
TINY = {
    "epochs": 4,
    "warm-up-epochs": 2,
    "steps": 3,
    "batch-size": 16,
    "width": 32,
    "dimensions": 48,
    "layers": 3,
    "text-layers": 1,
    "corpus": 60,
    "heldout": 64,
    "tested": 80,
    "workers": 0,
}


FORKS = multiprocessing.get_context("forkserver")  # of a process that has imported what all trainings need
FORKS.set_forkserver_preload(["scripts.train_scenes_clip"])


def run_script(folder):
    """Be the command, in a process of its own; what it prints goes to a file."""
    with (folder / "output.txt").open("a") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    torch.set_num_threads(1)
    options = [f"--{name}={value}" for name, value in TINY.items()]
    sys.argv = [str(SCRIPT), f"--output={folder / 'out'}", f"--run={folder / 'run'}", *options]
    importlib.import_module("scripts.train_scenes_clip").main()


def start(folder):
    process = FORKS.Process(target=run_script, args=(folder,))
    process.start()
    return process


once = pytest.mark.xdist_group("trained")  # two trainings, by the first test that asks for them


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One training in one go, and one that is killed after its first epoch and started again."""
    whole, killed = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("killed")
    first, second = start(whole), start(killed)
    deadline = time.monotonic() + 240
    while not list(killed.glob("run/*/last.ckpt")) and second.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    second.kill()
    second.join()
    assert list(killed.glob("run/*/last.ckpt"))
    assert not (killed / "out" / "open_clip_model.safetensors").exists(), "it was killed too late to test anything"
    again = start(killed)
    for process, folder in ((first, whole), (again, killed)):
        process.join(240)
        assert process.exitcode == 0, (folder / "output.txt").read_text()[-3000:]
    return whole, killed


@once
@pytest.mark.slow
def test_a_killed_training_ends_where_the_whole_one_does(trained):
    weights = [load_file(folder / "out" / "open_clip_model.safetensors") for folder in trained]
    assert weights[0].keys() == weights[1].keys()
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name], weights[1][name], atol=1e-3, rtol=1e-3)


@once
@pytest.mark.slow
def test_the_checkpoint_is_an_ordinary_one_with_a_card(trained):
    for folder in trained:
        output = folder / "out"
        assert {path.name for path in output.iterdir()} == {
            *("open_clip_config.json", "open_clip_model.safetensors", "merges.txt.gz", "README.md", "curves.png"),
        }
        backbone = OpenClipBackbone(f"local-dir:{output}")
        assert backbone.dim == TINY["dimensions"]
        assert backbone.encode_images(Scenes(2).inputs(0, 2)).shape == (2, 48)
        card = (output / "README.md").read_text()
        assert "--epochs 4 --warm-up-epochs 2" in card
        assert "shape, of 64" in card
        config = json.loads((output / "open_clip_config.json").read_text())
        assert config["model_cfg"]["text_cfg"]["tokenizer_kwargs"] == {"bpe_path": "merges.txt.gz"}


@once
@pytest.mark.slow
def test_every_epoch_is_in_the_curves_once(trained):
    for folder in trained:
        (run,) = (folder / "run").iterdir()
        checkpoint = torch.load(run / "last.ckpt", weights_only=False)
        curves = Curves()
        curves.load_state_dict(checkpoint["callbacks"]["Curves"])
        history = curves.table()
        assert history["epoch"].tolist() == [0, 1, 2, 3]
        assert history["words"].notna().all()
        assert history["patches"].notna().all()
        assert history["contrastive"].notna().tolist() == [False, False, True, True]
        assert history["shape"].notna().all()
        assert checkpoint["global_step"] == 12


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "--epochs is 0"),
        ({"tested": 10}, "--tested is 10, but must be an integer of at least 64"),
        ({"width": 30}, "--width is 30, but must be a multiple of 4"),
        ({"learning_rate": -1.0}, "--learning-rate is -1.0"),
    ],
)
def test_settings_are_checked(wrong, message):
    with pytest.raises(SpliceError, match=message):
        Settings(**wrong)


def test_captions_are_looked_for_among_different_ones():
    texts = [f"caption {index % 70}" for index in range(140)]
    images = torch.nn.functional.one_hot(torch.arange(140) % 70, 70).float()
    found = _caption_recall(images, images, texts)
    assert found.shape == (64,)
    assert found.all()
    assert not _caption_recall(images.roll(1, dims=1), images, texts).any()
    assert _caption_recall(images[:50], images[:50], texts[:50]).size == 0


def test_no_two_epochs_share_a_picture():
    first = [CaptionedPictures(training_picture, 0, 0, 20, 12)[index] for index in range(20)]
    second = [CaptionedPictures(training_picture, 0, 20, 20, 12)[index] for index in range(20)]
    pixels = {picture.tobytes() for picture, *_ in (*first, *second)}
    assert len(pixels) == 40
    assert all(text and full for _, text, full, _ in first)


def test_easy_pictures_show_one_object_that_is_mostly_large():
    drawn = [easy_picture(0, index) for index in range(400)]
    assert {len(picture.objects) for picture in drawn} == {1}
    large = sum(picture.objects[0].size == "large" for picture in drawn) / 400
    assert 0.65 < large < 0.85


def test_mixed_pictures_take_turns():
    drawn = [mixed_picture(0, index) for index in range(60)]
    assert drawn[::2] == [easy_picture(0, index) for index in range(0, 60, 2)]
    assert drawn[1::2] == [training_picture(0, index) for index in range(1, 60, 2)]
    assert {len(picture.objects) for picture in drawn[1::2]} == {1, 2, 3, 4, 5}
