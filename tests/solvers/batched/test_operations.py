"""Few large operations: how many a batch launches, and how often the host waits for the device."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from splice_exp.core.types import Status
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.batched import active_set, path, restricted
from splice_exp.solvers.path import LassoPath
from tests.conftest import planted_targets, unit_rows

MOST = 150  # operations of a batch that is done after three looks
LOOKS = 3
NO_LAUNCH = ("aten.empty", "aten.new_empty", "aten.scalar_tensor", "aten.sparse_compressed_tensor")
WAIT = "aten._local_scalar_dense.default"
ATOMS = unit_rows(2000, 128, 0)
TARGETS = planted_targets(ATOMS, 128, seed=1)


class Counted(TorchDispatchMode):
    """Counts what is launched: all operations but views, allocations, and numbers that are read by the host."""

    def __init__(self):
        super().__init__()
        self.calls = Counter()
        self.counts = True

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        returns = function._schema.returns
        view = any(given.alias_info is not None and not given.alias_info.is_write for given in returns)
        if self.counts and not view and not str(function).startswith(NO_LAUNCH):
            self.calls[str(function)] += 1
        return function(*args, **(kwargs or {}))


def counted(num_rows, monkeypatch, **options):
    """Solve rows that are the same again and again; return operations, waits and looks."""
    solver = ActiveSet(engine="torch", **options)
    state = solver.prepare(ATOMS)
    targets = TARGETS.repeat(num_rows // len(TARGETS), 1)
    assert len(state.exact_atoms) == len(ATOMS)  # computed once for a dictionary
    count, assembled = Counted(), active_set.assembled

    def assembled_uncounted(*arguments):  # which is in CPU memory
        count.counts = False
        return assembled(*arguments)

    monkeypatch.setattr(active_set, "assembled", assembled_uncounted)
    with count:
        found = active_set.solve(solver, solver.working_set, ATOMS, state.exact_atoms, state.gram, targets)
    monkeypatch.undo()
    assert bool(solver.converged(found.certificate).all())
    waits = count.calls.pop(WAIT)
    return count.calls.total(), waits, int(found.num_iterations.max())


def test_operations_do_not_grow_with_rows(monkeypatch):
    operations, waits, looks = counted(256, monkeypatch, l1_penalty=0.2)
    assert counted(4096, monkeypatch, l1_penalty=0.2) == (operations, waits, looks)
    assert looks == LOOKS
    assert operations <= MOST


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("l1_penalty", [0.6, 0.2, 0.1])
def test_the_host_waits_three_times_a_round(monkeypatch, nonnegative, l1_penalty):
    _, waits, looks = counted(128, monkeypatch, l1_penalty=l1_penalty, nonnegative=nonnegative)
    assert waits <= 3 * looks


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("gram_mib", [0, 512])
def test_parts_that_fit_the_memory_do_not_change_the_answer(monkeypatch, nonnegative, gram_mib):
    solver = ActiveSet(engine="torch", l1_penalty=0.2, nonnegative=nonnegative, gram_mib=gram_mib)
    state = solver.prepare(ATOMS)
    whole = solver.solve(state, TARGETS)
    monkeypatch.setattr(restricted, "MAX_ENTRIES", 7 * 64**2)
    parts = solver.solve(state, TARGETS)
    assert parts.status is Status.CONVERGED
    torch.testing.assert_close(parts.codes.dense(), whole.codes.dense())


def counted_path(num_rows, monkeypatch, **options):
    """Follow the paths of rows that are the same again and again; return operations, waits and products."""
    solver = LassoPath(engine="torch", **options)
    monkeypatch.setattr(LassoPath, "_pursue_compiled", None)  # no row may need it
    state = solver.prepare(ATOMS)
    targets = TARGETS.repeat(num_rows // len(TARGETS), 1)
    assert len(state.exact_atoms) == len(ATOMS)
    monkeypatch.setitem(path.MAX_ENTRIES, "cpu", 2**27)
    count, pursued = Counted(), path.PathRecord.pursued

    def pursued_uncounted(*arguments):
        count.counts = False
        return pursued(*arguments)

    monkeypatch.setattr(path.PathRecord, "pursued", pursued_uncounted)
    with count:
        found = solver.solve(state, targets)
    assert found.status is Status.CONVERGED
    assert count.calls["aten.nonzero.default"] == 1  # of the check of the targets; for others the host would wait
    waits = count.calls.pop(WAIT)
    return count.calls.total(), waits, int(found.num_iterations.max())


@pytest.mark.parametrize("options", [{"target_l0": 4, "l1_penalty": 0.05}, {"l1_penalty": 0.2}], ids=str)
def test_operations_of_paths_do_not_grow_with_rows(monkeypatch, options):
    few = counted_path(128, monkeypatch, **options)
    monkeypatch.undo()
    assert counted_path(1024, monkeypatch, **options) == few
