"""The fine-tuning command with a tiny budget: it learns, ends when it should, and its file is a backbone."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from splice_exp.backbones.resnet import ResNetBackbone
from splice_exp.cli import main
from splice_exp.core.errors import SpliceError
from splice_exp.data.image_folder import ImageFolder
from splice_exp.data.mura import Mura
from splice_exp.data.scenes.plain import Scenes
from splice_exp.training.classifier import LabelledPictures, Settings, loaders

TINY = {"resize": 32, "crop": 32, "epochs": 8, "batch-size": 8, "learning-rate": 0.003, "workers": 0}


def write_mura(root, split, count=20):
    """X-rays as they are handed on: abnormal ones are bright."""
    lines = []
    for place in range(count):
        kind = ("negative", "positive")[place % 2]
        path = root / split / "XR_WRIST" / f"patient{place:05d}" / f"study1_{kind}" / "image1.png"
        path.parent.mkdir(parents=True)
        noise = np.random.default_rng(place).normal(128 + 60 * (kind == "positive"), 20, (36, 40))
        Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(path)
        lines.append(f"MURA-v1.1/{path.relative_to(root).as_posix()}")
    (root / f"{split}_image_paths.csv").write_text("\n".join([*lines, f"{Path(lines[0]).parent}/._image1.png"]) + "\n")


@pytest.fixture
def train(monkeypatch):
    """Run the command in this process, whose random numbers and environment are put back."""
    for name in ("PL_GLOBAL_SEED", "PL_SEED_WORKERS"):
        monkeypatch.setenv(name, "")

    def run(*arguments, **options):
        options = {**TINY, **options}
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        monkeypatch.setattr(sys, "argv", ["splice_exp", "train-classifier", *map(str, arguments), *words])
        main()

    with torch.random.fork_rng(devices=[]):
        yield run


def test_mura_is_read_as_it_is_handed_on(tmp_path):
    write_mura(tmp_path, "valid", 6)
    data = Mura(str(tmp_path), "valid")
    assert data.classes == ("negative", "positive")
    assert data.labels.tolist() == [0, 1] * 3
    assert data.sample_ids[1] == "valid/XR_WRIST/patient00001/study1_positive/image1.png"
    assert data.inputs(0, 1)[0].mode == "RGB"
    with pytest.raises(SpliceError, match="train_image_paths.csv"):
        Mura(str(tmp_path), "train")
    with pytest.raises(SpliceError, match="^split is 'test'"):
        Mura(str(tmp_path), "test")
    path = tmp_path / "valid" / "XR_WRIST" / "patient00001" / "study1_positive"
    path.rename(path.with_name("study1_unknown"))
    table = tmp_path / "valid_image_paths.csv"
    table.write_text(table.read_text().replace("patient00001/study1_positive", "patient00001/study1_unknown"))
    with pytest.raises(SpliceError, match="must end in _negative or _positive"):
        Mura(str(tmp_path), "valid")


@pytest.mark.slow
def test_a_classifier_learns_and_becomes_a_backbone_with_its_own_head(train, tmp_path):
    write_mura(tmp_path / "mura", "train", 40)
    write_mura(tmp_path / "mura", "valid")
    output = tmp_path / "weights.pth"
    arguments = ("data=mura", f"data.root={tmp_path / 'mura'}", "data.split=train", "--output", output)
    train(*arguments, "--run", tmp_path / "run")
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    backbone = ResNetBackbone("resnet18", str(output), resize=32, crop=32, mean=mean, std=std)
    data = Mura(str(tmp_path / "mura"), "valid")
    last = backbone.last_layer
    assert last.classes == data.classes
    found = backbone.represent(backbone.preprocess(data.inputs(0, 20))) @ last.weights.T + last.bias
    assert (found.argmax(dim=1) == data.labels).float().mean() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("epochs", "patience"), [(3, 8), (8, 1)])  # the last one ends early
def test_a_training_that_is_done_is_not_gone_on_with(train, tmp_path, epochs, patience):
    write_mura(tmp_path / "mura", "train", 20)
    output = tmp_path / "weights.pth"
    arguments = ("data=mura", f"data.root={tmp_path / 'mura'}", "data.split=train", "--output", output)
    arguments += ("--run", tmp_path / "run")
    train(*arguments, epochs=epochs, patience=patience)
    before = torch.load(output, weights_only=True)["state_dict"]
    (metrics,) = (tmp_path / "run").rglob("metrics.csv")
    assert (pd.read_csv(metrics)["epoch"].nunique() < epochs) == (patience == 1)
    output.unlink()
    train(*arguments, epochs=epochs, patience=patience)
    after = torch.load(output, weights_only=True)["state_dict"]
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data=planted"], "holds no images"),
        (["data=nothing"], "data=nothing"),
        (["data=scenes_single", "--weights", "missing.pth"], "there is no such file"),
        (["data=scenes_single", "--decay-every=0"], "--decay-every is 0"),
    ],
)
def test_what_cannot_be_trained_is_refused(train, tmp_path, overrides, message):
    with pytest.raises(SystemExit) as refused:
        train(*overrides, "--output", tmp_path / "out.pth", "--run", tmp_path)
    assert refused.value.code.startswith("error: ")  # which python prints, with exit code 1
    assert message in refused.value.code
    assert not (tmp_path / "out.pth").exists()


def test_validation_has_a_fifth_of_every_class_and_is_not_varied():
    data = Scenes(240, max_objects=1, label="size", split="train")
    settings = Settings(resize=32, crop=32, batch_size=300)
    fitted, held_out = (next(iter(loader))[1] for loader in loaders(data, settings, 0))
    assert len(fitted) == 192
    assert len(held_out) == 48
    same = LabelledPictures(data, [0], settings, varied=False)
    assert torch.equal(same[0][0], same[0][0])
    other = LabelledPictures(data, [0], settings, varied=True)
    assert not torch.equal(other[0][0], other[0][0])


def test_a_folder_without_classes_is_refused(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(SpliceError, match="A classifier needs two or more classes"):
        loaders(ImageFolder(str(tmp_path)), Settings(), 0)
