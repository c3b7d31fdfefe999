"""How alike atoms are, of dictionaries whose answer is known."""

import pytest
import torch

from splice_exp.evaluation.measures import atoms as measures
from splice_exp.evaluation.measures.atoms import coherence, recurrence, rotated
from tests.conftest import unit_rows


def test_orthogonal_atoms_and_copies():
    basis = torch.eye(4)
    assert coherence(basis) == 0
    assert coherence(basis[:1]) == 0
    assert coherence(torch.cat([basis, -basis])) == 1  # the line counts, not its direction
    assert recurrence(basis, basis[[2, 0, 1, 3]]) == 1
    assert recurrence(basis, basis[:2]) == 0.5
    assert recurrence(basis, -basis) == 0


def test_tiles_change_nothing(monkeypatch):
    one, other = unit_rows(50, 8, 0), unit_rows(30, 8, 1)
    whole = coherence(one), recurrence(one, other)
    monkeypatch.setattr(measures, "TOGETHER", 100)
    assert (coherence(one), recurrence(one, other)) == pytest.approx(whole)


def test_a_rotation_leaves_the_angles_and_nothing_else():
    atoms = unit_rows(60, 40, 2)
    turned = rotated(atoms, 3)
    torch.testing.assert_close(turned @ turned.T, atoms @ atoms.T, atol=1e-5, rtol=0)
    assert coherence(turned) == pytest.approx(coherence(atoms), abs=1e-5)
    assert recurrence(atoms, turned) < 0.7
    assert torch.equal(turned, rotated(atoms, 3))
    assert not torch.allclose(turned, rotated(atoms, 4))
