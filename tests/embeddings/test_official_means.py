"""The published means are the authors' numbers, belong to named backbones, and are refused for others."""

import pytest
import torch
from safetensors.torch import save_file

from splice_exp.backbones.load import OFFICIAL_NAMES
from splice_exp.backbones.scenes_clip import ScenesClip
from splice_exp.configuration import resolve
from splice_exp.core.assets import members
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import file_sha256
from splice_exp.embeddings.geometry import Alignment, read_mean
from splice_exp.embeddings.official_means import OFFICIAL_MEANS, find_official_mean, official_mean
from tests.test_configuration import composed

NORMS = {  # as the authors' files have them
    "ViT-B-32/laion2b_s34b_b79k": (512, 0.5601),
    "ViT-B-32/openai": (512, 0.6842),
    "ViT-B-16/openai": (512, 0.7016),
    "RN50/openai": (1024, 0.6218),
}


@pytest.mark.parametrize("mean", OFFICIAL_MEANS, ids=lambda mean: mean.file)
def test_files_are_those_that_the_code_names(mean):
    assert file_sha256(mean.path) == mean.sha256


@pytest.mark.parametrize("encoder", NORMS)
def test_width_and_norm_are_the_published_ones(encoder):
    width, norm = NORMS[encoder]
    mean = Alignment(image_mean="official").known_mean(width, encoder)
    assert mean.shape == (width,)
    assert mean.norm().item() == pytest.approx(norm, abs=5e-5)


def test_every_model_of_the_authors_package_has_one():
    for architecture, tag in OFFICIAL_NAMES.values():
        assert find_official_mean(f"{architecture}/{tag}") is not None


@pytest.mark.parametrize("name", ["vit_b_32_laion2b", "vit_b_32_openai", "vit_b_16_openai", "rn50_openai"])
def test_backbones_of_the_configuration_find_theirs(name):
    backbone = composed(f"backbone={name}").backbone
    tag = backbone.pretrained
    assert find_official_mean(backbone.model if tag is None else f"{backbone.model}/{tag}") is not None


@pytest.mark.parametrize("member", members())
def test_each_model_of_the_benchmark_has_its_own(member):
    found = find_official_mean(ScenesClip(member).encoder)
    assert found.path.parent.name == str(member)


@pytest.mark.parametrize("encoder", ["ViT-L-14/laion2b_s32b_b82k", "ViT-B-16/laion2b_s34b_b88k", None])
def test_other_backbones_are_told_which_have_one(encoder):
    with pytest.raises(SpliceError, match=r"^image_mean is 'official', but .*ViT-B-32/laion2b_s34b_b79k.*=estimate"):
        official_mean(encoder)
    assert find_official_mean(encoder) is None


def test_means_are_equal_to_the_authors(real_data):
    for mean in OFFICIAL_MEANS[: -len(members())]:
        own = real_data / "means" / mean.path.name
        width = NORMS[mean.encoders[0]][0]
        assert torch.equal(read_mean(str(own), width), read_mean(str(mean.path), width))


def test_a_saved_model_has_the_mean_beside_its_weights(tmp_path):
    assert find_official_mean(f"local-dir:{tmp_path}") is None
    mean = torch.full((4,), 0.25)
    save_file({"mean": mean}, tmp_path / "image_mean.safetensors")
    found = Alignment()
    assert found.chosen_mean(f"local-dir:{tmp_path}") == "official"
    assert torch.equal(found.known_mean(4, f"local-dir:{tmp_path}"), mean)
    assert found.source_of_mean(f"local-dir:{tmp_path}") == "image_mean.safetensors beside the weights"


@pytest.mark.parametrize(
    ("model", "tag"), [("local-dir:edited", None), ("hf-hub:a/b", None), ("ViT-B-16", "laion2b_s34b_b79k")]
)
def test_a_model_that_has_its_weights_needs_no_tag(model, tag):
    assert resolve(composed("backbone=open_clip", f"backbone.model='{model}'"))["backbone"]["pretrained"] == tag
