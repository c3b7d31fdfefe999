"""The model inside the package has seen drawings only, and that is said before anything it says of a user's images."""

import warnings

import pytest

from splice_exp import Splice
from splice_exp.backbones.drawings_only import _warn, is_drawings_only, warning_for
from splice_exp.configuration import resolve
from splice_exp.core.assets import SCENES_CLIP
from splice_exp.data.scenes.plain import Scenes
from tests.test_configuration import composed


def configured(*overrides):
    return resolve(composed(*overrides, "logger=none"))


def test_the_command_that_fits_photographs_is_the_users_own():
    config = configured("experiment=decompose", "data.paths=[my cat.jpg]")
    said = warning_for(config, ["decompose", "my cat.jpg", "solver.l1_penalty=0.2"])
    assert said.endswith(
        "python -m splice_exp decompose 'my cat.jpg' solver.l1_penalty=0.2 backbone=vit_b_32_openai vocabulary=laion"
    )
    assert "has seen only drawings" in said


@pytest.mark.parametrize(
    "overrides",
    [
        ("experiment=quickstart",),  # drawings
        ("experiment=decompose", "data.paths=[cat.jpg]", "backbone=vit_b_32_openai", "vocabulary=laion"),
    ],
)
def test_nothing_is_said_where_it_fits(overrides):
    assert warning_for(configured(*overrides), ["decompose", "cat.jpg"]) is None


def test_other_models_in_folders_are_not_it(tmp_path):
    assert is_drawings_only(f"local-dir:{SCENES_CLIP}/0")
    assert not is_drawings_only(f"local-dir:{tmp_path}")
    assert not is_drawings_only("ViT-B-32")


def test_a_notebook_is_warned_once():
    _warn.cache_clear()
    splice, images = Splice.load(vocabulary=["star", "grass"]), Scenes(1).inputs(0, 1)
    with pytest.warns(UserWarning, match=r'Splice\.load\("open_clip:ViT-B-32", vocabulary="laion"\)'):
        found = splice.decompose(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splice.decompose(images)
        splice.decompose(found.reconstruct())  # embeddings are nobody's photographs
