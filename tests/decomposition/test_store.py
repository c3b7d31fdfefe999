"""Solutions are kept for runs that differ in the penalty only, and for no others."""

import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.decomposition.splice import decompose
from splice_exp.decomposition.store import SolutionStore
from splice_exp.embeddings.geometry import Alignment
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.path import LassoPath
from tests.decomposition.test_splice import CPU, DICTIONARY, IMAGES, MEAN

PENALTIES = (0.3, 0.1, 0.2)


def run(l1_penalty, store, **options):
    solver = LassoPath(l1_penalty=l1_penalty, penalties=PENALTIES, **options)
    return decompose(IMAGES, DICTIONARY, solver, Alignment(), MEAN, CPU, store)


def files(folder):
    return sorted(path.name for path in folder.glob("*.safetensors"))


@pytest.mark.parametrize("first", PENALTIES)
def test_the_first_run_solves_for_all_of_them(tmp_path, monkeypatch, first):
    store = SolutionStore(tmp_path)
    run(first, store)
    assert len(files(tmp_path)) == len(PENALTIES)
    monkeypatch.setattr(LassoPath, "solve_at", None)  # may not be called again
    for l1_penalty in PENALTIES:
        found = run(l1_penalty, store)
        expected = decompose(IMAGES, DICTIONARY, ActiveSet(l1_penalty=l1_penalty), Alignment(), MEAN, CPU)
        torch.testing.assert_close(found.codes.dense(), expected.codes.dense(), rtol=1e-4, atol=1e-5)
        assert found.codes.concepts == DICTIONARY.concepts
        assert found.solution.status is expected.solution.status
        assert found.solution.duality_gap.max() <= 1e-6
        assert (found.solution.l1_penalty == l1_penalty).all()


def test_other_options_are_other_solutions(tmp_path):
    store = SolutionStore(tmp_path)
    run(0.1, store)
    before = files(tmp_path)
    signed = run(0.1, store, nonnegative=False)
    assert len(files(tmp_path)) == 2 * len(before)
    assert (signed.codes.values < 0).any()


def test_without_penalties_nothing_is_stored(tmp_path):
    decompose(IMAGES, DICTIONARY, LassoPath(l1_penalty=0.1), Alignment(), MEAN, CPU, SolutionStore(tmp_path))
    assert not files(tmp_path)


def test_a_damaged_file_is_named_and_not_used(tmp_path):
    store = SolutionStore(tmp_path)
    run(0.1, store)
    for path in tmp_path.glob("*.safetensors"):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(SpliceError, match=r"\.safetensors is damaged"):
        run(0.1, store)


def test_an_interrupted_write_is_done_again(tmp_path):
    store = SolutionStore(tmp_path)
    expected = run(0.1, store)
    for manifest in tmp_path.glob("*.json"):
        manifest.unlink()
    assert torch.equal(run(0.1, store).codes.dense(), expected.codes.dense())
    assert len(list(tmp_path.glob("*.json"))) == len(PENALTIES)
