"""Atoms whose names are known."""

import numpy as np
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.types import Dictionary
from splice_exp.dictionaries.learned import naming
from splice_exp.dictionaries.learned.naming import NO_NAME, WAYS, agreement, by_correlation, name_atoms
from splice_exp.solvers.active_set import ActiveSet
from tests.conftest import planted_targets, unit_rows

TEXTS = Dictionary(unit_rows(10, 32, 0), tuple(f"word {index}" for index in range(10)), torch.zeros(32))


def test_atoms_that_are_texts_are_named_by_them_in_all_ways():
    order = torch.tensor([3, 7, 0, 5])
    atoms, targets = TEXTS.atoms[order], planted_targets(TEXTS.atoms, 300, 1)
    codes = Codes.from_dense((targets @ atoms.T - 0.2).relu())
    names = name_atoms(atoms, TEXTS, ActiveSet(l1_penalty=0.1), codes, targets)
    for way in WAYS:
        assert torch.equal(names.chosen[way], order)
        assert names.of(way) == ["word 3", "word 7", "word 0", "word 5"]
    torch.testing.assert_close(names.cosine, torch.ones(4))
    assert (names.correlation > 0.8).all()
    assert float(names.sums.duality_gap.max()) < 1e-6
    torch.testing.assert_close(names.sums.codes.dense().float().amax(dim=1), torch.full((4,), 0.95))  # 1 − L / 2


def test_an_atom_that_is_a_sum_of_words_is_decomposed_into_them():
    atom = torch.nn.functional.normalize(2 * TEXTS.atoms[4] + TEXTS.atoms[8], dim=0)[None]
    codes = Codes.from_dense(torch.zeros(5, 1))
    names = name_atoms(atom, TEXTS, ActiveSet(l1_penalty=0.05), codes, unit_rows(5, 32, 3))
    assert [word for word, _ in names.sums.codes.named(names.concepts).top(2)[0]] == ["word 4", "word 8"]
    assert names.of("decomposition") == ["word 4"]
    assert names.of("correlation") == [""]  # never active


def test_correlations_are_those_of_numpy_whatever_the_tiles(monkeypatch):
    targets = unit_rows(80, 32, 5)
    codes = (unit_rows(80, 6, 6) - 0.1).relu()
    codes[:, 2] = 0
    found, chosen = by_correlation(Codes.from_dense(codes), targets, TEXTS.atoms)
    similar = (targets @ TEXTS.atoms.T).numpy()
    for atom in (0, 1, 3, 4, 5):
        expected = [np.corrcoef(codes[:, atom].numpy(), similar[:, text])[0, 1] for text in range(10)]
        assert int(chosen[atom]) == int(np.argmax(expected))
        np.testing.assert_allclose(float(found[atom]), max(expected), atol=1e-5)
    assert int(chosen[2]) == NO_NAME
    assert float(found[2]) == 0
    monkeypatch.setattr(naming, "TILE", 80 * 3)
    tiled = by_correlation(Codes.from_dense(codes), targets, TEXTS.atoms)
    assert torch.equal(tiled[1], chosen)
    torch.testing.assert_close(tiled[0], found)


def test_an_atom_opposite_to_all_words_has_no_name_by_decomposition():
    atom = -torch.nn.functional.normalize(TEXTS.atoms.sum(dim=0), dim=0)[None]
    assert (TEXTS.atoms @ atom[0]).max() < 0.1
    names = name_atoms(atom, TEXTS, ActiveSet(l1_penalty=0.3), Codes.from_dense(torch.ones(4, 1)), unit_rows(4, 32, 1))
    assert names.of("decomposition") == [""]
    assert agreement([names.chosen["decomposition"], names.chosen["decomposition"]]).tolist() == [0.0]
