"""Maps that follow an object by construction, that do not, and those of the small CLIP."""

import numpy as np
import pytest
import torch

from splice_exp.attribution.removal import Mean
from splice_exp.attribution.rise import Rise
from splice_exp.backbones.scenes_clip_untrained import UntrainedScenesClip
from splice_exp.core.errors import SpliceError
from splice_exp.core.statistics.permutation import sign_flip_level
from splice_exp.data.counterfactuals.scenes import CounterfactualScenes
from splice_exp.data.scenes.placement import SIDE
from splice_exp.data.scenes.plain import Scenes
from splice_exp.evaluation.cocoa.counterfactual_maps import FOLLOWED, CounterfactualMaps, asked_of, compare
from tests.evaluation.studies import study_of

SHAPE = (SIDE, SIDE)


@pytest.fixture(scope="module")
def data():
    return CounterfactualScenes(48, kinds=FOLLOWED)


@pytest.fixture(scope="module")
def asked(data):
    return [asked_of(data, pair, SHAPE, 0) for pair in data.changes()]


def test_objects_are_asked_for_where_they_are(data, asked):
    for pair, objects in zip(data.changes(), asked, strict=True):
        assert len(objects) <= (1 if pair.kind == "presence" else 2)
        for one in objects:
            assert {one.there, one.absent} == {pair.before, pair.after}
            mask = data.regions(one.there)[one.name]
            assert not (one.region & ~mask).any()
            if pair.kind == "presence":
                assert one.name not in data.regions(one.absent)
            elif pair.kind == "position":
                assert not (one.region & data.regions(one.absent)[one.name]).any()
            else:
                assert np.array_equal(one.region, mask)
                assert one.name not in data.regions(one.absent)
    assert sum(map(len, asked)) > 1.5 * len(asked)


def test_a_change_of_no_object_asks_for_nothing():
    scenes = CounterfactualScenes(6, kinds=["scene", "weather"])
    assert [asked_of(scenes, pair, SHAPE, 0) for pair in scenes.changes()] == [[], [], []]


def perfect(asked, size):
    maps = torch.zeros(size, 2, *SHAPE)
    for one in (one for objects in asked for one in objects):
        maps[one.there, 0] = torch.from_numpy(one.region).float()
        maps[one.absent, 1] = torch.from_numpy(~one.region).float()
    return maps


def test_a_map_that_is_the_object_follows_it(data, asked):
    found = compare(perfect(asked, len(data)), asked, asked)
    assert found["follows"].tolist() == found["present"].tolist() == [1] * len(asked)
    assert found["absent"].tolist() == [0] * len(asked)


def test_a_map_that_stays_where_it_was_does_not(data, asked):
    maps = perfect(asked, len(data))
    for one in (one for objects in asked for one in objects):
        maps[one.absent, 1] = maps[one.there, 0]
    stays = compare(maps, asked, asked)
    assert stays["present"].tolist() == stays["absent"].tolist() == [1] * len(asked)
    assert stays["follows"].tolist() == [0.5] * len(asked)
    same = compare(torch.ones(len(data), 2, *SHAPE), asked, asked)
    assert same["follows"].tolist() == [0.5] * len(asked)
    np.testing.assert_allclose(same["present"], [np.mean([one.region.mean() for one in of]) for of in asked])


def test_maps_of_another_pair_have_nothing_to_do_with_the_object(data, asked):
    """Circles over kinds, whose positions are independent: energy is that of the area, not of the object."""
    others = [asked[(place + len(FOLLOWED)) % len(asked)] for place in range(len(asked))]
    found = compare(perfect(asked, len(data)), asked, others)
    assert found["present"].mean() < 0.5
    assert found["follows"].mean() < 0.9


@pytest.mark.slow
def test_maps_of_the_small_clip_follow_better_than_those_of_an_untrained_one():
    study = study_of("data=scenes_counterfactuals", "data.kinds=[colour,presence,position]", "data.num_samples=24")
    evaluation = CounterfactualMaps(
        Rise(num_masks=100, grid=7), Mean(), UntrainedScenesClip(), permutations=199, bootstrap_resamples=20
    )
    found = evaluation.evaluate(study)
    metrics = found.metrics
    assert metrics["data/num_samples"] == len(found.sample_ids) <= 12
    assert metrics["counterfactual_maps/present"] > metrics["counterfactual_maps/absent"]
    for other in ("null", "untrained"):
        assert metrics["counterfactual_maps/follows"] > metrics[f"counterfactual_maps/follows_{other}"]
    difference = found.samples["counterfactual_maps/follows"] - found.samples["counterfactual_maps/follows_untrained"]
    assert metrics["counterfactual_maps/follows_level"] == sign_flip_level(difference, 199, 0) < 0.5
    assert metrics["counterfactual_maps/area"] < metrics["counterfactual_maps/present"]


def test_data_without_changed_objects_are_refused():
    evaluation = CounterfactualMaps(Rise(num_masks=8), Mean())
    for other in (Scenes(4), CounterfactualScenes(4, kinds=["scene"])):
        with pytest.raises(SpliceError, match="in which an object is changed"):
            evaluation.require(other)
    evaluation.require(CounterfactualScenes(4, kinds=["presence"]))
