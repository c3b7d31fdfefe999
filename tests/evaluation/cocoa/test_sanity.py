"""A model that forgets from the top down, and maps that notice."""

import numpy as np
import pytest
import torch
from torch import nn

from splice_exp.attribution.removal import Mean
from splice_exp.attribution.rise import Rise
from splice_exp.backbones.randomized import forget, randomized, stages_of
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.plain import Scenes
from splice_exp.evaluation.cocoa.sanity import CocoaSanity
from splice_exp.evaluation.measures.map_likeness import rank_correlations, similarities
from tests.attribution.encoders import Small
from tests.evaluation.studies import study_of


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes_single", "data.num_samples=60")


def test_stages_are_forgotten_from_the_output_down_and_the_backbone_stays(study):
    backbone = study.backbone
    names = [name for name, _ in stages_of(backbone.module.visual)]
    assert names == ["projection", "block 4", "block 3", "block 2", "block 1", "block 0", "patches"]
    before = {name: value.clone() for name, value in backbone.module.state_dict().items()}
    forgetful = randomized(backbone, 2, seed=0)
    changed = {name for name, value in forgetful.module.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".resblocks.")[-1][0] for name in changed if "resblocks" in name} == {"4"}
    assert "visual.proj" in changed
    assert not any(name.startswith(("visual.conv1", "transformer", "token_embedding")) for name in changed)
    assert all(torch.equal(value, before[name]) for name, value in backbone.module.state_dict().items())
    assert forgetful.backbone_id != backbone.backbone_id
    everything = randomized(backbone, None, seed=0).module.visual.conv1.weight
    old = backbone.module.visual.conv1.weight
    assert everything.mean().item() == pytest.approx(old.mean().item(), abs=0.01)
    assert everything.min() >= old.min()
    assert everything.max() <= old.max()
    with pytest.raises(SpliceError, match="^depth is 8, but the image tower has 7 stages"):
        randomized(backbone, 8, seed=0)
    with pytest.raises(SpliceError, match="needs an image tower, which this backbone lacks"):
        randomized(study_of("data=planted", "data.num_samples=4").backbone, 1, seed=0)


def test_a_network_of_images_alone_is_forgotten_from_the_output_down():
    backbone = Small()
    forgetful = randomized(backbone, 1, seed=0)
    first, last = ((network.module[0].weight, network.module[3].weight) for network in (backbone, forgetful))
    assert torch.equal(first[0], last[0])
    assert not torch.equal(first[1], last[1])
    with pytest.raises(SpliceError, match="^depth is 3, but the image tower has 2 stages"):
        randomized(backbone, 3, seed=0)  # those without parameters are none


def test_running_statistics_are_forgotten_too():
    norm = nn.BatchNorm2d(3)
    norm.running_mean += 5
    forget([norm], torch.Generator())
    assert not norm.running_mean.any()


def test_likeness_of_hand_made_maps():
    torch.manual_seed(0)
    maps = torch.randn(3, 16, 16)
    np.testing.assert_allclose(rank_correlations(maps, 2 * maps + 1), 1)
    np.testing.assert_allclose(rank_correlations(maps, -maps), -1)
    np.testing.assert_allclose(rank_correlations(maps, torch.ones(3, 16, 16)), 0)
    np.testing.assert_allclose(similarities(maps, 3 * maps), 1, atol=1e-6)
    assert (similarities(maps, torch.randn(3, 16, 16)) < 0.3).all()


@pytest.mark.slow
def test_maps_of_a_random_model_are_like_those_of_other_pictures(study):
    train = Scenes(600, max_objects=1, label="colour", split="train")
    evaluation = CocoaSanity(
        Rise(num_masks=80, grid=8),
        Mean(),
        train,
        classes=train.classes[:3],
        per_class=5,
        corpus_size=10,
        foil_size=100,
        steps=4,
        bootstrap_resamples=20,
    )
    metrics = evaluation.evaluate(study).metrics
    assert metrics["sanity/rank"] < metrics["sanity/rank_again"] - 0.1
    assert metrics["sanity/rank"] == pytest.approx(metrics["sanity/rank_null"], abs=0.25)
    assert metrics["sanity/insertion_majority_random"] < metrics["sanity/insertion_majority"] - 0.03
    # Maps of a random model are worth what those of other images are.
    assert metrics["sanity/insertion_majority_random"] == pytest.approx(
        metrics["sanity/insertion_majority_null"], abs=0.3
    )
