"""Words in the wrong place are found; what Hydra understands passes."""

import pytest

from splice_exp.cli import VALUED, _options_last
from splice_exp.misplaced import not_understood


@pytest.mark.parametrize(
    "line",
    [
        "backbone.pretrained= experiment=zero_shot",  # an empty value
        "-m experiment=zero_shot seed=0,1",
        "-m table= --cfg job",
        "--config-dir . experiment=zero_shot",
        "decompose decompose",  # an image of that name
        "",
    ],
)
def test_what_hydra_understands_passes(line):
    assert not_understood(line.split(), VALUED) is None


@pytest.mark.parametrize(
    "line",
    ["-m experiment=zero_shot seed=0,1", "experiment=zero_shot -m seed=0,1", "experiment=zero_shot seed=0,1 -m"],
)
def test_options_of_hydra_may_stand_anywhere(line):
    words = _options_last(line.split())
    assert words == ["experiment=zero_shot", "seed=0,1", "-m"]
    assert not_understood(words, VALUED) is None


def test_an_option_without_its_value_is_named():
    assert not_understood(["seed=1", "--config-dir"], VALUED).startswith("--config-dir needs a value after it")


@pytest.mark.parametrize("line", ["seed= 3", "seed =3", "seed = 3", "seed=1 explain a.png", "--seed 3"])
def test_what_is_misplaced_is_found(line):
    assert not_understood(line.split(), VALUED) is not None
