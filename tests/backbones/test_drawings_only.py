"""The model inside the package has seen drawings only, and that is said before anything it says of a user's images."""

import json
import shutil
import warnings

import pytest
import yaml

from splice_exp import Splice
from splice_exp.backbones.drawings_only import _warn, is_drawings_only, warning_for
from splice_exp.configuration import CONFIG_DIRECTORY, resolve
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


@pytest.mark.parametrize("data", ["huggingface", "webdataset", "cifar10", "image_folder"])
def test_images_of_any_kind_are_none_of_its_own(data):
    config = configured("experiment=decompose", "data.paths=[cat.jpg]")
    target = yaml.safe_load((CONFIG_DIRECTORY / "data" / f"{data}.yaml").read_text())["_target_"]
    assert warning_for({**config, "data": {"_target_": target}}, [f"data={data}"]) is not None


def test_maps_of_photographs_are_made_by_masks():
    config = configured("experiment=explain", "data.paths=[cat.jpg]", "evaluation.corpus.texts=[a cat]")
    said = warning_for(config, ["explain", "cat.jpg", "evaluation.corpus.texts=[a cat]", "removal=zero"])
    assert said.endswith("removal=zero backbone=vit_b_32_openai vocabulary=laion method=rise")


def test_an_edited_copy_has_seen_no_more(tmp_path):
    shutil.copytree(SCENES_CLIP / "1", tmp_path / "copy")
    config = tmp_path / "copy" / "open_clip_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()), indent=1))  # as another program writes it
    assert is_drawings_only(f"local-dir:{tmp_path / 'copy'}")
    config.write_text("no JSON")
    assert not is_drawings_only(f"local-dir:{tmp_path / 'copy'}")


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
