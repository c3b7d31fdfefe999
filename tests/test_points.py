"""Points composed together are what Hydra composes one by one, and are labelled by what tells them apart."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from splice_exp.configuration import CONFIG_DIRECTORY, register
from splice_exp.points import Point, as_given, composed, expand, labels, one_of, set_by_row

SWEEPS = {
    "groups and values": ["experiment=cocoa_insertion_deletion"],
    "groups of a package": ["experiment=ablation_dictionary"],
    "a target that a value belongs to": ["experiment=quickstart", "solver=omp,active_set", "seed=0,1"],
    "lists, nothing, words and numbers": [
        "experiment=sith_heads",
        "evaluation.reading.layers=[-1],[0,1]",
        "data.num_samples=7,8",
        "vocabulary.size=null,5",
        "name='a b',c",
    ],
    "keys that are new": ["experiment=quickstart", "+data.new=1,2", "seed=0,1"],
    "dictionaries": ["experiment=quickstart", "shard={index:0,count:2},{count:3}", "seed=0,1"],
    "one point": ["experiment=quickstart", "seed=3"],
}


@pytest.fixture
def hydra():
    register()
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        yield


def as_values(config):
    """Return a configuration as values, without what only says how it was asked for."""
    values = OmegaConf.to_container(config)
    for key in ("overrides", "job"):
        values["hydra"].pop(key)
    return values


@pytest.mark.parametrize("overrides", SWEEPS.values(), ids=SWEEPS.keys())
def test_points_are_what_hydra_composes(hydra, overrides):
    experiment = compose("config", overrides=overrides[:1], return_hydra_config=True)
    params = OmegaConf.to_container(experiment.hydra.sweeper).get("params") or {}
    asked = {"sweeper": {"params": params}, "overrides": {"task": overrides}}  # as Hydra has it in a sweep
    points = expand(OmegaConf.create({"hydra": asked}))
    points = [points[-1], *points[:: 1 + len(points) // 6]]  # none may depend on those before it
    for point, found in zip(points, composed(points, "config"), strict=True):
        expected = compose("config", overrides=list(point.overrides), return_hydra_config=True)
        assert as_values(found) == as_values(expected), point


def test_swept_values_of_the_same_short_name_keep_their_long_one():
    points = [Point((), {"data.path": value, "variant": f"dictionary/{value[0]}"}) for value in ("a/E.npy", "b/E.npy")]
    assert labels(points) == [*({"data.path": "a/E.npy", "variant": "a"}, {"data.path": "b/E.npy", "variant": "b"})]


@pytest.mark.parametrize(
    ("words", "also", "expected"),
    [
        (["solver=omp,path", "solver.target_l0=6"], [], ["solver=omp,path", "solver.target_l0=choice(6)"]),
        (["solver=omp,path", "solver.l1_penalty=1,2"], [], ["solver=omp,path", "solver.l1_penalty=1,2"]),
        (
            ["corpus@evaluation.foil=texts,concepts", "evaluation.foil.texts=['a, b']"],
            [],
            [..., "evaluation.foil.texts=choice(['a, b'])"],
        ),
        (["solver=path", "solver.target_l0=6", "decompose"], [], [..., ..., ...]),
        (["solver=omp,path", "solver.target_l0=6", "--cfg", "job"], [], [..., ..., ..., ...]),
        (["solver.tol=7", "seed=1", "hydra.verbose=true"], ["variant"], ["solver.tol=choice(7)", ..., ...]),
        (["seed=1", "solver.tol=[", "--multirun", "solver=omp,path"], [], [..., ..., ..., ...]),
    ],
)
def test_values_of_swept_components_are_set_in_the_rows(words, also, expected):
    made = set_by_row(words, also)
    assert made[len(words) :] == (["--multirun"] if also else [])
    made = made[: len(words)]
    assert made == [word if wanted is ... else wanted for word, wanted in zip(words, expected, strict=True)]
    assert [as_given(word) for word in made] == words
    assert one_of("solver=omp,path") == "solver=omp"
    assert one_of("solver.target_l0=6") == "solver.target_l0=6"
