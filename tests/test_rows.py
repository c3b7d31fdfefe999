"""Rows composed together are what Hydra composes one by one, to the last key, and are refused as it refuses them."""

import pickle

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf

from splice_exp.configuration import CONFIG_DIRECTORY, register
from splice_exp.points import expand
from splice_exp.rows import Rows, composed, rows_of_hydra

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
    "a part set after the whole": ["experiment=quickstart", "shard={count:3}", "shard.count=4,5"],
    "a part set before the whole": ["experiment=quickstart", "shard.count=4,5", "shard={count:3}"],
    "groups beside values of theirs": ["experiment=zero_shot", "data=planted", "data.num_samples=3,4", "seed=0,1"],
    "one row": ["experiment=quickstart", "seed=3"],
}
WRONG = ("seed=many", "seeds=1", "solver.no_key=2", "name.x=1", "sed@solver=1", "solver=none_of_them")


@pytest.fixture
def hydra():
    register()
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def asked_for(overrides):
    """Return the configuration that a sweep begins with."""
    master = compose("config", overrides=overrides[:1], return_hydra_config=True)
    OmegaConf.update(master, "hydra.overrides.task", overrides)
    return master


@pytest.mark.parametrize("overrides", SWEEPS.values(), ids=SWEEPS.keys())
def test_rows_are_what_hydra_composes(hydra, overrides):
    master = asked_for(overrides)
    points = expand(master)
    points = [points[-1], *points[:: 1 + len(points) // 3]]  # none may depend on those before it
    for point, borrowed in zip(points, composed(points, master), strict=True):
        expected = ConfigLoaderImpl.load_sweep_config(hydra, master, list(point.overrides))
        assert OmegaConf.to_yaml(borrowed) == OmegaConf.to_yaml(expected), point
        own = hydra.load_sweep_config(master, list(point.overrides))
        assert own == expected
        for row in (own, borrowed):
            assert row._metadata.flags == expected._metadata.flags
            assert row.hydra._metadata.flags == expected.hydra._metadata.flags


def test_a_row_that_is_handed_out_stays_as_it_is(hydra):
    master = asked_for(["experiment=quickstart"])
    rows = rows_of_hydra()
    first = rows(master, ["experiment=quickstart", "seed=1"])
    second = rows(master, ["experiment=quickstart", "seed=2"])
    second.name = "another"
    assert (first.seed, first.name, second.seed) == (1, "quickstart", 2)
    rows(master, ["experiment=quickstart", "data=planted", "data.num_samples=3"])
    rows(master, ["experiment=quickstart", "data=planted", "data.num_samples=4"])
    assert len(rows.composed) == 2


@pytest.mark.parametrize("wrong", WRONG)
def test_what_hydra_refuses_is_refused_in_its_words(hydra, wrong):
    master = asked_for(["experiment=quickstart"])
    rows = rows_of_hydra()
    rows(master, ["experiment=quickstart", "seed=1"])
    with pytest.raises(HydraException) as expected:
        ConfigLoaderImpl.load_sweep_config(hydra, master, ["experiment=quickstart", wrong])
    for _ in range(2):
        with pytest.raises(type(expected.value)) as found:
            rows(master, ["experiment=quickstart", wrong])
        assert str(found.value) == str(expected.value)
    assert rows(master, ["experiment=quickstart", "seed=3"]).seed == 3


def test_no_more_than_some_are_kept_and_none_is_sent_to_other_processes(hydra, monkeypatch):
    monkeypatch.setattr("splice_exp.rows.KEPT", 2)
    master = asked_for(["experiment=quickstart"])
    rows = Rows(hydra)
    for name in ("a", "b", "c"):
        assert rows(master, ["experiment=quickstart", f"+{name}=1", "seed=1"])[name] == 1
    assert [words[1] for words in rows.composed] == ["+b=1", "+c=1"]
    assert pickle.loads(pickle.dumps(rows)).composed == {}
