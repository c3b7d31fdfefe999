"""The presets of COCOA have the methods, removal and sizes of the paper, in every row of their sweeps."""

from itertools import product

import pytest
from hydra import compose, initialize_config_dir

from splice_exp.attribution.gradients import GradientShap, PathGradients
from splice_exp.attribution.priors import Centre, Random
from splice_exp.attribution.removal import Blur
from splice_exp.attribution.rise import PublishedRise
from splice_exp.attribution.tokens import Tokens
from splice_exp.build import build
from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve

register()
GRADIENTS = {PathGradients(steps=50), GradientShap(num_samples=50, noise=0.2)}
RISE = {  # of each preset: masks and grid
    "cocoa_imagenet": PublishedRise(5000, 7, 0.5),
    "cocoa_mura": PublishedRise(5000, 7, 0.5),
    "cocoa_cifar10": PublishedRise(5000, 4, 0.5),
    "cocoa_augmentations": PublishedRise(5000, 7, 0.5),
    "cocoa_localization": PublishedRise(20000, 7, 0.5),
}
TABLES = ("cocoa_imagenet", "cocoa_mura", "cocoa_cifar10")


def rows_of(preset):
    """Return the resolved configuration of every row of a preset's sweep, but for kinds, seeds and views."""
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        params = compose("config", [f"experiment=paper/{preset}"], return_hydra_config=True).hydra.sweeper.params
        kept = {key: str(params[key]).split(",") for key in ("method", "variant") if key in params}
        for values in product(*kept.values()):
            chosen = [f"{key}={value}" for key, value in zip(kept, values, strict=True)]
            yield resolve(compose("config", [f"experiment=paper/{preset}", *chosen, "logger=none"]))


@pytest.mark.parametrize("preset", RISE)
def test_methods_and_removal_are_those_of_the_paper(preset):
    rows = list(rows_of(preset))
    methods = {build(row["method"], "method") for row in rows}
    others = {"cocoa_augmentations": set(), "cocoa_localization": {*GRADIENTS, Tokens(), Random(), Centre()}}
    assert methods == {RISE[preset], *others.get(preset, GRADIENTS)}
    assert {build(row["removal"], "removal") for row in rows} == {Blur(sigma=5.0, kernel_size=21)}


@pytest.mark.parametrize("preset", TABLES)
def test_curves_are_those_of_the_paper(preset):
    """All tables are of signed maps, pixel by pixel, judged by the corpora that explain."""
    for row in rows_of(preset):
        evaluation = row["evaluation"]
        asked = ("per_class", "corpus_size", "foil_size", "held_out", "absolute", "steps", "superpixel")
        assert [evaluation[key] for key in asked] == [25, 100, 1500, False, False, 50, 1]
