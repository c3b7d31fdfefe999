"""The command on one process, on several, as an array of jobs, killed and damaged: the same cache, the same numbers."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from splice_exp.distributed.shards import MANIFEST
from tests.distributed.test_shards import flip
from tests.faults.commands import STAGES, Moment, fork, wait
from tests.test_cli import command, metrics_of, run_here  # noqa: F401  a fixture

NUM_SAMPLES, BATCH = 101, 8  # not divisible by two or three
pytestmark = pytest.mark.xdist_group("undisturbed")  # which is made once
SMALL = (
    *("experiment=zero_shot", "debug=fast", f"data.num_samples={NUM_SAMPLES}", "solver.batch_size=16", "figures=false"),
    *("trainer=cpu", f"trainer.batch_size={BATCH}"),
)


def contents(cache):
    """Return all files but those that say what was read of the code, which is no part of a result."""
    found = {path.relative_to(cache): path for path in sorted(cache.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name.parts[0] != "digests"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Cache and metrics of a run that nothing happened to."""
    results = tmp_path_factory.mktemp("undisturbed") / "results"
    assert run_here(results, *SMALL) == 0
    return contents(results / "cache"), metrics_of(results)


def words(results, *overrides):
    return [*SMALL, f"paths.results={results}", *overrides]


def same(results, undisturbed):
    cache, metrics = undisturbed
    found = contents(results / "cache")
    assert sorted(map(str, found)) == sorted(map(str, cache))
    assert not [name for name, content in cache.items() if found[name] != content]
    assert metrics_of(results) == metrics


def test_every_row_is_in_one_shard(undisturbed):
    names = sorted(path.stem for path in undisturbed[0] if path.parts[0] == "embeddings" and path.suffix != ".json")
    rows = [tuple(map(int, name.split("-"))) for name in names]
    assert rows == [(start, min(start + BATCH, NUM_SAMPLES)) for start in range(0, NUM_SAMPLES, BATCH)]


@pytest.mark.slow
@pytest.mark.enable_socket  # of this machine, for gloo
@pytest.mark.parametrize("devices", [2, 3])
def test_several_processes_leave_what_one_leaves(command, tmp_path, undisturbed, devices):  # noqa: F811
    code, _, err = command(*SMALL, "trainer=ddp", "trainer.accelerator=cpu", f"trainer.devices={devices}")
    assert code == 0, err
    same(tmp_path / "results", undisturbed)


@pytest.mark.slow
def test_processes_of_torchrun_leave_what_one_leaves(tmp_path, undisturbed):
    """Every process runs the whole command, and one writes the record."""
    results = tmp_path / "results"
    several = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "splice_exp"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    found = subprocess.run(
        [*torchrun, *words(results, *several)], capture_output=True, text=True, check=False, env=environment
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("results: ") == 1
    same(results, undisturbed)


@pytest.mark.slow
def test_an_array_of_jobs_leaves_what_one_leaves(command, tmp_path, undisturbed):  # noqa: F811
    array = ("-m", *SMALL, "shard.count=3", "shard.index=range(0,3)")
    for shards in ("embeddings", "codes"):  # stage by stage: the mean is of all embeddings
        assert not list(tmp_path.glob(f"results/cache/{shards}/*/{MANIFEST}"))
        code, out, err = command(*array)
        assert code == 0, err
        assert "this job has done its share" in out
        assert list(tmp_path.glob(f"results/cache/{shards}/*/{MANIFEST}"))
    code, out, _ = command(*SMALL)
    assert code == 0
    same(tmp_path / "results", undisturbed)


@pytest.mark.slow
def test_killed_again_and_again_it_ends_as_if_nothing_had_happened(tmp_path, undisturbed):
    results = tmp_path / "results"
    chance = random.Random(0)
    for _ in range(2):
        moment = Moment(chance.randint(2, 6), chance.choice(STAGES))  # by default it kills itself
        ended = wait(*fork(tmp_path, *words(results), disturb=moment))
        assert ended.code == -signal.SIGKILL, ended.output
        assert list(results.glob("cache/*/*/*.safetensors"))
        assert not metrics_of(results)
    ended = wait(*fork(tmp_path, *words(results)))
    assert ended.code == 0, ended.output
    same(results, undisturbed)


@pytest.mark.slow
def test_sigterm_is_a_temporary_failure(tmp_path, undisturbed):
    results = tmp_path / "results"
    moment = Moment(4, "after", lambda: os.kill(os.getpid(), signal.SIGTERM))
    ended = wait(*fork(tmp_path, *words(results), disturb=moment))
    assert ended.code == 75, ended.output
    assert "stopped by SIGTERM; the same command goes on from here" in ended.output
    (folder,) = results.glob("cache/embeddings/*")
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert 0 < len(written) < NUM_SAMPLES // BATCH
    whole = {path.name: content for path, content in undisturbed[0].items() if path.parent.name == folder.name}
    assert written.items() <= whole.items()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["embeddings", "codes"])
def test_a_damaged_shard_stops_the_run_until_it_may_be_repaired(command, tmp_path, undisturbed, kind):  # noqa: F811
    command(*SMALL)
    (folder,) = (tmp_path / "results" / "cache" / kind).iterdir()
    shard = sorted(Path(folder).glob("*.safetensors"))[2]
    flip(shard, -5)
    code, _, err = command(*SMALL, "force=true")
    assert code == 1
    assert f"{shard.name} is damaged" in err
    assert "set repair=true to compute it again" in err
    code, out, err = command(*SMALL, "force=true", "repair=true")
    assert code == 0, err
    assert f"{shard.name} was damaged, and is computed again" in out
    same(tmp_path / "results", undisturbed)
