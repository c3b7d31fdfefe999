"""Reweighting, mixing and new directions are told apart where they were put in."""

import copy

import pytest
import torch

from splice_exp.backbones.towers import tower_of
from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.sith.adaptation import randomly_changed
from splice_exp.heads.adaptation import compare
from splice_exp.heads.edit import edit, rewrite
from splice_exp.heads.spectra import spectra_of
from splice_exp.heads.weights import every_layer
from tests.heads.models import Tiny


@pytest.fixture(scope="module")
def backbone():
    return Tiny(scaled=True)


def changed(backbone, how):
    """The towers before and after, and the spectra before."""
    other = copy.deepcopy(backbone)
    spectra = spectra_of(tower_of(backbone), (1, 2))
    how(tower_of(other), spectra)
    return tower_of(backbone), tower_of(other), spectra


def test_random_changes_keep_one_side_in_the_old_space(backbone):
    """A quarter of 48 dimensions is of a head: half of a change of values is in it on one side, and so with outputs."""
    null = compare(tower_of(backbone), tower_of(randomly_changed(backbone, 0)), (0, 1, 2))
    assert 0.005 < float(null.change.mean()) < 0.03
    assert float(null.new.mean()) == pytest.approx(1 - 12 / 48, abs=0.1)
    assert float(null.reweighted.mean()) < 0.05
    again, other = (randomly_changed(backbone, seed) for seed in (0, 1))
    weights = [tower_of(one).blocks[0].attn.out_proj.weight for one in (again, other)]
    assert not torch.equal(*weights)
    assert not torch.equal(weights[0], tower_of(backbone).blocks[0].attn.out_proj.weight)


def test_nothing_has_changed(backbone):
    found = compare(*changed(backbone, lambda tower, spectra: None)[:2], (1, 2))
    torch.testing.assert_close(found.likeness, torch.ones(2, 4, 12, dtype=torch.float64))
    torch.testing.assert_close(found.overlap, torch.ones(2, 4, dtype=torch.float64))
    for values in (found.change, found.reweighted, found.mixed, found.new, found.log_gains):
        assert values.abs().max() < 1e-9


def test_other_gains_are_reweighting(backbone):
    random = torch.Generator().manual_seed(0)
    factors = 1 + 0.3 * torch.randn(2, 4, 12, generator=random, dtype=torch.float64)
    found = compare(*changed(backbone, lambda tower, spectra: edit(tower, spectra, factors))[:2], (1, 2))
    assert found.reweighted.min() > 1 - 1e-6
    assert found.new.max() < 1e-6
    torch.testing.assert_close(found.likeness, torch.ones(2, 4, 12, dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.log_gains, factors.log(), atol=1e-4, rtol=1e-4)  # matched, whatever their order


def test_vectors_that_change_places_are_mixed(backbone):
    def swap(tower, spectra):
        rewrite(tower, spectra, spectra.writes.roll(1, dims=2))

    found = compare(*changed(backbone, swap)[:2], (1, 2))
    # The old vectors are written by others: C has −σ on its diagonal and σ beside it, as much of either.
    torch.testing.assert_close(found.reweighted, torch.full((2, 4), 0.5, dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.mixed, torch.full((2, 4), 0.5, dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.overlap, torch.ones(2, 4, dtype=torch.float64), atol=1e-5, rtol=0)


def test_directions_that_were_not_there_are_new(backbone):
    def turn(tower, spectra):
        outside = torch.randn(2, 4, 12, 48, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        outside -= outside.mean(dim=3, keepdim=True)
        outside -= (outside @ spectra.writes.mT) @ spectra.writes
        outside = torch.nn.functional.normalize(outside, dim=3)
        rewrite(tower, spectra, spectra.writes + outside)

    before, after, _ = changed(backbone, turn)
    found = compare(before, after, (1, 2))
    assert found.new.min() > 1 - 1e-5
    assert found.overlap.max() < 0.9
    total = found.reweighted + found.mixed + found.new
    torch.testing.assert_close(total, torch.ones(2, 4, dtype=torch.float64), atol=1e-6, rtol=0)


def test_the_difference_is_that_of_the_matrices(backbone):
    other = copy.deepcopy(backbone)
    for block in tower_of(other).blocks:
        block.attn.in_proj_weight += 0.02 * torch.randn(144, 48, generator=torch.Generator().manual_seed(0))
        block.ln_1.weight += 0.05
    found = compare(tower_of(backbone), tower_of(other), (1, 2))
    first, second = (every_layer(tower_of(one), (1, 2)).matrices().view(2, 4, 48, 48) for one in (backbone, other))
    difference = found.difference
    rebuilt = difference.reads.mT @ (difference.gains[..., None] * difference.writes)
    torch.testing.assert_close(rebuilt, second - first, atol=1e-9, rtol=1e-6)
    expected = (second - first).norm(dim=(2, 3)) / first.norm(dim=(2, 3))
    torch.testing.assert_close(found.change, expected)
    total = found.reweighted + found.mixed + found.new
    torch.testing.assert_close(total, torch.ones(2, 4, dtype=torch.float64))


def test_towers_of_other_architectures_are_refused(backbone):
    with pytest.raises(SpliceError, match="must be of one architecture"):
        compare(tower_of(backbone), tower_of(backbone, "text"), (0,))
