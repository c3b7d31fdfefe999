"""Exchanges cost what they are said to cost at most, and planted duplicates are found."""

import itertools

import pytest
import torch
from torch.nn.functional import normalize

from splice_exp.core.types import Dictionary
from splice_exp.evaluation.measures.stability import interchangeable, near_duplicates, selection_frequency
from splice_exp.solvers import objective
from splice_exp.solvers.active_set import ActiveSet
from tests.conftest import planted_targets, unit_rows

L1_PENALTY = 0.2
ATOMS = unit_rows(30, 16, 0, torch.float64)
TWINS = normalize(ATOMS[:5] + 0.05 * unit_rows(5, 16, 1, torch.float64), dim=1)
DICTIONARY = Dictionary(
    torch.cat([ATOMS, TWINS]).float(),
    tuple(f"c{i}" for i in range(30)) + tuple(f"t{i}" for i in range(5)),
    ATOMS[0] * 0,
)
TARGETS = planted_targets(ATOMS[:5].float(), 12, seed=2)


@pytest.fixture(scope="module", params=[True, False], ids=["nonnegative", "signed"])
def codes(request):
    solver = ActiveSet(l1_penalty=L1_PENALTY, nonnegative=request.param)
    return solver.solve(solver.prepare(DICTIONARY.atoms), TARGETS).codes


def exchanged(codes, row, concept, other):
    """The objective when one code is taken out and the best one of another concept put in its place."""
    w = codes.dense()[[row]].double()
    i = DICTIONARY.index(concept)
    sign = w[0, i].sign()
    w[0, i] = 0
    x, atoms = TARGETS[[row]].double(), DICTIONARY.atoms.double()
    if other:
        j = DICTIONARY.index(other)
        best = (sign * (objective.residual(x, atoms, w) @ atoms[j]) - L1_PENALTY / 2).clamp(min=0)
        w[0, j] = sign * best
    return float(objective.value(x, atoms, w, L1_PENALTY))


def test_a_cost_is_what_the_exchange_does_to_the_objective(codes):
    found = interchangeable(codes, TARGETS, DICTIONARY, L1_PENALTY, epsilon=0.02)
    before = objective.value(TARGETS.double(), DICTIONARY.atoms.double(), codes.dense().double(), L1_PENALTY)
    assert len(found) > 20
    for line in found.itertuples():
        rise = exchanged(codes, line.row, line.concept, line.other) - float(before[line.row])
        assert line.cost == pytest.approx(rise, abs=1e-6)
        assert -1e-6 <= line.cost < 0.02


def test_nothing_cheap_is_left_out(codes):
    found = interchangeable(codes, TARGETS, DICTIONARY, L1_PENALTY, epsilon=0.02)
    listed = set(zip(found["row"], found["concept"], found["other"], strict=True))
    before = objective.value(TARGETS.double(), DICTIONARY.atoms.double(), codes.dense().double(), L1_PENALTY)
    for row, support in enumerate(codes.dense() != 0):
        present = [DICTIONARY.concepts[i] for i in support.nonzero().flatten().tolist()]
        absent = [name for name in DICTIONARY.concepts if name not in present]
        for concept, other in itertools.product(present, ["", *absent]):
            rise = exchanged(codes, row, concept, other) - float(before[row])
            if abs(rise - 0.02) > 1e-6:
                assert ((row, concept, other) in listed) == (rise < 0.02)


def test_twins_are_interchangeable(codes):
    found = interchangeable(codes, TARGETS, DICTIONARY, L1_PENALTY, epsilon=0.02)
    twins = {("c0", "t0"), ("c1", "t1"), ("c2", "t2"), ("c3", "t3"), ("c4", "t4")}
    assert twins & {tuple(sorted(pair)) for pair in zip(found["concept"], found["other"], strict=True)}


def test_groups_of_near_duplicates():
    groups = near_duplicates(DICTIONARY, 0.95)
    assert sorted(groups) == [(f"c{i}", f"t{i}") for i in range(5)]
    assert near_duplicates(DICTIONARY, 1.01) == []


def test_a_concept_with_a_twin_is_selected_less_reliably():
    alone = Dictionary(ATOMS.float(), tuple(f"c{i}" for i in range(30)), ATOMS[0] * 0)
    solver = ActiveSet(l1_penalty=L1_PENALTY)
    without = selection_frequency(solver, TARGETS, alone.atoms, 20, seed=0).dense()
    beside = selection_frequency(solver, TARGETS, DICTIONARY.atoms, 20, seed=0).dense()
    assert ((without >= 0) & (without <= 1)).all()
    assert beside[:, :5].sum() < without[:, :5].sum() - 5
    again = selection_frequency(solver, TARGETS, DICTIONARY.atoms, 20, seed=0).dense()
    assert torch.equal(again, beside)
