"""One pass over the samples leaves what two passes leave."""

import pytest
import torch

from splice_exp.backbones.planted import PlantedBackbone
from splice_exp.core.types import Dictionary
from splice_exp.data.planted import Planted
from splice_exp.decomposition.fused import embed_and_solve
from splice_exp.decomposition.splice import decompose
from splice_exp.distributed.cache import Cache
from splice_exp.distributed.trainer import Machine
from splice_exp.embeddings.extract import Samples, extract
from splice_exp.embeddings.geometry import Alignment
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.path import LassoPath
from tests.conftest import unit_rows

DATA = Planted(23, ["car", "cat", "dog"], ["red", "blue"], ["sky", "snow"])
BACKBONE = PlantedBackbone(dim=32)
DICTIONARY = Dictionary(unit_rows(40, 32, 1), tuple(f"c{index}" for index in range(40)), torch.zeros(32))
MEAN = 0.3 * unit_rows(1, 32, 2)[0]


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def two_passes(cache, solver):
    return decompose(extract(DATA, BACKBONE, cache), DICTIONARY, solver, Alignment(), MEAN, cache)


@pytest.mark.parametrize(
    "solver",
    [ActiveSet(l1_penalty=0.2, batch_size=5), LassoPath(l1_penalty=0.2, penalties=[0.3, 0.2], batch_size=5)],
)
def test_one_pass_leaves_what_two_leave(tmp_path, monkeypatch, solver):
    one, two = (Cache(tmp_path / name, Machine(accelerator="cpu", batch_size=5)) for name in ("one", "two"))
    expected = two_passes(two, solver)
    embed_and_solve(one, DATA, BACKBONE, DICTIONARY, solver, MEAN)
    assert contents(one.directory) == contents(two.directory)
    monkeypatch.setattr(Samples, "load", None)  # nothing is embedded again …
    monkeypatch.setattr(type(solver), "solve_companions", None)  # … or solved
    found = two_passes(one, solver)
    assert torch.equal(found.codes.dense(), expected.codes.dense())
    assert found.solution.status is expected.solution.status


def test_what_one_of_them_has_is_kept(tmp_path):
    """Embeddings that are there do not keep codes from being found, nor the other way round."""
    cache = Cache(tmp_path, Machine(accelerator="cpu", batch_size=5))
    extract(DATA, BACKBONE, cache)
    before = contents(tmp_path)
    solver = ActiveSet(l1_penalty=0.2, batch_size=5)
    embed_and_solve(cache, DATA, BACKBONE, DICTIONARY, solver, MEAN)
    after = contents(tmp_path)
    assert before.items() <= after.items()
    assert len(list(tmp_path.glob("codes/*/*.safetensors"))) == 5
