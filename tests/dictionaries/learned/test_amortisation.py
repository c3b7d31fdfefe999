"""The amortisation gap: known where the optimum is, zero there, and never below what the solver may be off by."""

from dataclasses import replace

import pytest
import torch
from scipy.optimize import nnls

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Dictionary, Encoder
from splice_exp.dictionaries.learned.amortisation import (
    SMALLEST_PENALTY,
    amortised,
    encode,
    penalty_as_sparse,
    refitted,
)
from splice_exp.dictionaries.learned.scikit_learn import LinearEncoder
from splice_exp.solvers.active_set import ActiveSet
from tests.conftest import correlated_atoms, planted_targets, unit_rows
from tests.dictionaries.learned.cases import AUTOENCODERS, autoencoder, rows

ATOMS = correlated_atoms(40, 16, 0)
TARGETS = planted_targets(ATOMS, 200, 1)


class Given(Encoder):
    """Codes by a function."""

    def __init__(self, function, shift=None):
        self._function, self.shift = function, torch.zeros(16) if shift is None else shift

    def encode(self, targets):
        return self._function(targets)


def with_encoder(encoder, atoms=ATOMS):
    return Dictionary(atoms, tuple(map(str, range(len(atoms)))), torch.zeros(16), {}, encoder)


def test_among_orthogonal_atoms_it_is_known():
    """There the optimum shrinks each score s by L/2: an encoder that does not loses L²/4, or L s − s² below L/2."""
    atoms, penalty = torch.linalg.qr(unit_rows(16, 16, 2))[0], 0.2
    found = amortised(with_encoder(Given(lambda x: (x @ atoms.T).relu()), atoms), TARGETS, penalty)
    scores = (TARGETS @ atoms.T).relu().double()
    expected = torch.where(scores > penalty / 2, penalty**2 / 4, penalty * scores - scores.square()).sum(dim=1)
    torch.testing.assert_close(found.gap, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.values, expected, atol=1e-6, rtol=0)  # the best support is among those active
    torch.testing.assert_close(found.selection, torch.zeros(200).double(), atol=1e-6, rtol=0)


def test_an_encoder_that_solves_has_none():
    solver = ActiveSet(l1_penalty=0.3)
    state = solver.prepare(ATOMS)
    found = amortised(with_encoder(Given(lambda x: solver.solve(state, x).codes.dense())), TARGETS, 0.3)
    assert found.gap.abs().max() < 1e-6


@pytest.mark.parametrize("kind", AUTOENCODERS)
def test_it_is_never_below_what_the_solver_may_be_off_by(kind, tmp_path):
    targets = rows()[1][:120]
    builder = autoencoder(kind, trained=False, **({"num_points": 60} if kind == "archetypal" else {}))
    atoms, encoder = builder.read(builder.fit(targets, tmp_path), targets)
    found = amortised(with_encoder(encoder, atoms), targets)
    for part in (found.gap, found.values, found.selection):
        assert (part >= -found.solution.duality_gap - 1e-9).all()
    torch.testing.assert_close(found.values + found.selection, found.gap)
    assert found.gap.mean() > 1e-3
    assert float(found.solution.duality_gap.max()) < 1e-6


def test_supports_are_compared_by_their_best_values():
    codes = Codes.from_dense(torch.where(torch.arange(40) % 9 == 0, 0.5, 0.0).expand(200, 40))
    found = refitted(TARGETS, ATOMS, codes)
    expected = [nnls(ATOMS[::9].double().T.numpy(), row)[1] ** 2 for row in TARGETS[:20].double().numpy()]
    torch.testing.assert_close(found[:20], torch.tensor(expected, dtype=torch.float64), atol=1e-9, rtol=0)


def test_the_penalty_makes_the_solver_as_sparse_as_the_encoder():
    def largest_four(x):
        scores = (x @ ATOMS.T).relu()
        return torch.where(scores >= scores.topk(4, dim=1).values[:, 3:], scores, 0)

    dictionary = with_encoder(Given(largest_four))
    found = amortised(dictionary, TARGETS)
    assert float(found.encoder.l0().double().mean()) == 4
    assert float(found.solution.codes.l0().double().mean()) == pytest.approx(4, abs=0.05)
    assert found.l1_penalty == pytest.approx(penalty_as_sparse(dictionary, TARGETS, 4))
    assert amortised(dictionary, TARGETS, 0.5).l1_penalty == 0.5


def test_of_a_dense_encoder_the_smallest_penalty_is_taken():
    found = amortised(with_encoder(Given(lambda x: (x @ ATOMS.T).relu() + 0.1)), TARGETS)
    assert found.l1_penalty == SMALLEST_PENALTY
    assert (found.encoder.l0() == 40).all()
    assert (found.gap >= -found.solution.duality_gap).all()


def test_what_a_decoder_adds_is_taken_from_the_target():
    shift = 0.1 * unit_rows(1, 16, 5)[0]
    directions = torch.linalg.qr(unit_rows(16, 16, 2))[0]
    encoder = LinearEncoder(directions, shift)
    found = amortised(with_encoder(encoder, torch.cat([directions, -directions])), TARGETS, 1e-3)
    torch.testing.assert_close(found.targets, TARGETS - shift)
    assert found.gap.max() < 1e-4  # both reconstruct everything


def test_batches_change_nothing_and_codes_must_be_codes(monkeypatch):
    encoder = Given(lambda x: (x @ ATOMS.T - 0.3).relu())
    whole = encode(encoder, TARGETS).dense()
    monkeypatch.setattr("splice_exp.dictionaries.learned.amortisation.TOGETHER", 7)
    torch.testing.assert_close(encode(encoder, TARGETS).dense(), whole)
    for wrong in (lambda x: x @ ATOMS.T, lambda x: (x @ ATOMS.T).relu() / 0):
        with pytest.raises(SpliceError, match="returns codes that are negative or not finite"):
            encode(Given(wrong), TARGETS)
    with pytest.raises(SpliceError, match="has no encoder of its own"):
        amortised(replace(with_encoder(encoder), encoder=None), TARGETS)
