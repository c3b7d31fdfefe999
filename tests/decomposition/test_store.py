"""Solutions are kept by content: what one run has solved, another reads, and nothing else."""

import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Status
from splice_exp.decomposition.splice import decompose
from splice_exp.distributed.cache import Cache
from splice_exp.distributed.shards import MANIFEST
from splice_exp.distributed.trainer import Machine
from splice_exp.embeddings.geometry import Alignment
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.admm import ADMM
from splice_exp.solvers.omp import OMP
from splice_exp.solvers.path import LassoPath
from tests.decomposition.test_splice import DICTIONARY, IMAGES, MEAN

PENALTIES = (0.3, 0.1, 0.2)
CPU = Machine(accelerator="cpu")


def run(solver, folder=None, machine=CPU):
    cache = None if folder is None else Cache(folder, machine)
    return decompose(IMAGES, DICTIONARY, solver, Alignment(), MEAN, cache)


def path(l1_penalty, **options):
    return LassoPath(l1_penalty=l1_penalty, penalties=PENALTIES, **options)


def folders(folder):
    return {found.parent for found in folder.glob(f"codes/*/{MANIFEST}")}


@pytest.mark.parametrize(
    "solver",
    [
        ActiveSet(l1_penalty=0.1, batch_size=4),
        ActiveSet(l1_penalty=0.1, batch_size=4, max_iterations=1, tol=0),
        ADMM(l1_penalty=0.1, nonnegative=False, batch_size=3),
        OMP(target_l0=3, batch_size=7),
        LassoPath(target_l0=3, l1_penalty=0.01, batch_size=4),
        LassoPath(target_l0=20, l1_penalty=0.2, batch_size=4),
        LassoPath(mean_l0=2.5, l1_penalty=0.01, batch_size=4),
    ],
)
def test_shards_are_put_together_to_what_one_solve_gives(tmp_path, solver):
    for _ in range(2):  # computed, then read
        found, expected = run(solver, tmp_path).solution, run(solver).solution
        torch.testing.assert_close(found.codes.dense(), expected.codes.dense(), rtol=1e-5, atol=1e-6)
        assert found.status is expected.status
        torch.testing.assert_close(found.duality_gap, expected.duality_gap, rtol=0, atol=1e-6, equal_nan=True)
        assert (found.l1_penalty is None) == (expected.l1_penalty is None)
    assert len(folders(tmp_path)) == 1
    assert len(list(tmp_path.glob("codes/*/*.safetensors"))) == -(-len(IMAGES) // solver.batch_size)


def test_a_status_is_that_of_all_rows(tmp_path):
    assert run(LassoPath(target_l0=20, l1_penalty=0.2, batch_size=4), tmp_path).solution.status is Status.TARGET_MISSED


@pytest.mark.parametrize("first", PENALTIES)
def test_the_first_run_of_a_table_solves_for_all_of_them(tmp_path, monkeypatch, first):
    run(path(first), tmp_path)
    assert len(folders(tmp_path)) == len(PENALTIES)
    monkeypatch.setattr(LassoPath, "solve_at", None)  # may not be called again
    for l1_penalty in PENALTIES:
        found = run(path(l1_penalty), tmp_path)
        expected = run(ActiveSet(l1_penalty=l1_penalty))
        torch.testing.assert_close(found.codes.dense(), expected.codes.dense(), rtol=1e-4, atol=1e-5)
        assert found.codes.concepts == DICTIONARY.concepts
        assert found.solution.status is expected.solution.status
        assert found.solution.duality_gap.max() <= 1e-6
        assert (found.solution.l1_penalty == l1_penalty).all()


@pytest.mark.parametrize(
    "other",
    [
        ActiveSet(l1_penalty=0.1, nonnegative=False),
        ActiveSet(l1_penalty=0.2),
        ActiveSet(l1_penalty=0.1, tol=1e-9),
        ADMM(l1_penalty=0.1),
    ],
)
def test_another_solver_is_another_solution(tmp_path, other):
    run(ActiveSet(l1_penalty=0.1), tmp_path)
    run(other, tmp_path)
    assert len(folders(tmp_path)) == 2


def test_batches_are_not_another_solution(tmp_path):
    run(ActiveSet(l1_penalty=0.1), tmp_path)
    run(ActiveSet(l1_penalty=0.1, batch_size=3), tmp_path)
    assert len(folders(tmp_path)) == 1


def test_a_damaged_shard_is_named_and_not_used(tmp_path):
    run(ActiveSet(l1_penalty=0.1), tmp_path)
    (shard,) = tmp_path.glob("codes/*/*.safetensors")
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(SpliceError, match=rf"{shard.name} is damaged"):
        run(ActiveSet(l1_penalty=0.1), tmp_path)


@pytest.mark.slow
@pytest.mark.enable_socket  # of this machine, for gloo
def test_several_processes_find_the_same(tmp_path):
    solver = ActiveSet(l1_penalty=0.1, batch_size=4)
    one = run(solver, tmp_path / "one")
    two = run(solver, tmp_path / "two", Machine(accelerator="cpu", devices=2))
    assert torch.equal(one.codes.dense(), two.codes.dense())


def test_a_penalty_beside_the_table_is_solved_and_the_table_stays(tmp_path, monkeypatch):
    run(path(0.1), tmp_path)
    before = folders(tmp_path)
    found = run(path(0.15), tmp_path)
    expected = run(ActiveSet(l1_penalty=0.15))
    torch.testing.assert_close(found.codes.dense(), expected.codes.dense(), rtol=1e-4, atol=1e-5)
    assert len(folders(tmp_path) - before) == 1
    monkeypatch.setattr(LassoPath, "solve_at", None)  # may not be called again
    for l1_penalty in (*PENALTIES, 0.15):
        run(path(l1_penalty), tmp_path)
