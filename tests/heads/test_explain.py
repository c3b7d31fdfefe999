"""Codes of signed directions are those of their points, perfect codes come back, and coherence is that of the lists."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from splice_exp.backbones.towers import tower_of
from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Dictionary
from splice_exp.heads.coherence import coherence, coherence_of_chance, dealt
from splice_exp.heads.explain import both_poles, explain, random_directions
from splice_exp.heads.projection import Projection
from splice_exp.heads.reading import Reading
from splice_exp.solvers.comp import COMP
from splice_exp.solvers.least_squares import LeastSquares
from tests.conftest import unit_rows
from tests.heads.models import Tiny

ATOMS = unit_rows(60, 24, 0)
DICTIONARY = Dictionary(ATOMS, tuple(f"word {row}" for row in range(60)), torch.zeros(24))
MEAN = 0.3 * unit_rows(1, 24, 1)[0]


@pytest.fixture(scope="module")
def backbone():
    return Tiny()


@pytest.fixture(scope="module")
def spectra(backbone):
    return Reading((-1,)).spectra(backbone)


@pytest.mark.parametrize("kind", ["published", "linear"])
def test_targets_are_the_centred_points_of_both_poles(backbone, spectra, kind):
    reading = Reading((-1,), projection=kind, vectors=2)
    projection = reading.projected(backbone, None)
    found, names = reading.explain(spectra, projection, DICTIONARY, COMP(), MEAN)
    assert names[:5] == ["L2.H0.0+", "L2.H0.0−", "L2.H0.1+", "L2.H0.1−", "L2.H1.0+"]
    assert len(found) == len(names) == 2 * 2 * 4
    vector = spectra.writes[0, 1, 0]
    for row, signed in ((4, vector), (5, -vector)):
        point = projection.points(signed[None])[0]
        expected = normalize(point - MEAN.double(), dim=0) if kind == "published" else point
        torch.testing.assert_close(found.targets[row], expected)
    solution = COMP().solve(COMP().prepare(ATOMS), found.targets.float())
    torch.testing.assert_close(found.solution.codes.dense(), solution.codes.dense())
    assert found.top(1)[0][0][0].startswith("word ")


def test_the_image_mean_may_stay(backbone, spectra):
    reading = Reading((-1,), centred=False, vectors=1)
    projection = reading.projected(backbone, None)
    found, _ = reading.explain(spectra, projection, DICTIONARY, COMP(), MEAN)
    torch.testing.assert_close(found.targets, projection.points(found.vectors))
    assert not found.mean.any()


@pytest.mark.parametrize("kind", ["published", "linear"])
def test_a_perfect_code_reaches_the_ceiling(backbone, spectra, kind):
    """60 atoms span all 24 dimensions: least squares rebuilds every target."""
    reading = Reading((-1,), projection=kind)
    found, _ = reading.explain(spectra, reading.projected(backbone, None), DICTIONARY, LeastSquares(), MEAN)
    fidelity = found.fidelity()
    torch.testing.assert_close(fidelity["joint"], torch.ones(len(found), dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(fidelity["stream"], fidelity["ceiling"], atol=1e-3, rtol=0)
    torch.testing.assert_close(fidelity["published"], fidelity["published_ceiling"], atol=1e-3, rtol=0)
    torch.testing.assert_close(fidelity["ceiling"], found.projection.ceiling(found.vectors), atol=1e-6, rtol=0)
    sparse, _ = reading.explain(spectra, found.projection, DICTIONARY, COMP(), MEAN)
    assert (sparse.fidelity()["joint"] < 0.99).all()
    assert sparse.fidelity()["stream"].mean() < fidelity["stream"].mean()


def test_random_directions_have_no_mean_and_their_own_seed():
    drawn = random_directions(5, 48, 0)
    torch.testing.assert_close(drawn.norm(dim=1), torch.ones(5, dtype=torch.float64))
    assert drawn.sum(dim=1).abs().max() < 1e-12
    assert torch.equal(drawn, random_directions(5, 48, 0))
    assert not torch.equal(drawn, random_directions(5, 48, 1))


def test_coherence_is_the_mean_over_pairs():
    codes = Codes.from_support(torch.tensor([[0, 1, 2], [3, -1, -1], [4, 5, -1]]), torch.ones(3, 3), 60)
    atoms = ATOMS.double()
    expected = [float(np.mean([atoms[i] @ atoms[j] for i, j in ((0, 1), (0, 2), (1, 2))])), float(atoms[4] @ atoms[5])]
    found = coherence(codes, ATOMS)
    np.testing.assert_allclose(found[[0, 2]], expected, atol=1e-6)
    assert found[1].isnan()
    assert chance_of([[0, 1]] * 50) == {round(float(atoms[0] @ atoms[1]), 4)}  # no list has a concept twice


def chance_of(lists):
    support = torch.tensor(lists)
    codes = Codes.from_support(support, torch.ones(support.shape), 60)
    return {round(float(value), 4) for value in coherence_of_chance(codes, ATOMS, 0)}


def test_concepts_are_dealt_as_often_as_they_were_and_in_no_list_twice():
    random = np.random.default_rng(0)
    support = torch.from_numpy(np.stack([random.choice(12, 5, replace=False) for _ in range(40)]))  # few concepts
    codes = Codes.from_support(support, torch.ones(40, 5), 60)
    deals = [dealt(codes, seed) for seed in range(3)]
    for hand in deals:
        assert torch.equal(hand.bincount(minlength=60), codes.indices.bincount(minlength=60))
        lists = [hand[codes.rows == row].tolist() for row in range(40)]
        assert all(len(set(one)) == len(one) for one in lists)
    assert not torch.equal(deals[0], deals[1])
    everywhere = torch.cat([support + 2, torch.tensor([[0, 1]] * 40)], dim=1)  # two concepts that every list has
    for whole in (everywhere, torch.arange(5).expand(20, 5), support[:1]):
        same = Codes.from_support(whole, torch.ones(whole.shape), 60)
        hand = dealt(same, 0)
        assert torch.equal(hand.bincount(minlength=60), same.indices.bincount(minlength=60))
    atoms = ATOMS.double()
    pairs = np.mean([float(atoms[i] @ atoms[j]) for one in lists for n, i in enumerate(one) for j in one[:n]])
    assert float(coherence_of_chance(codes, ATOMS, 2, deals=1).mean()) == pytest.approx(pairs)


def test_what_cannot_be_read_is_refused(backbone):
    with pytest.raises(SpliceError, match="^side is 'both'"):
        Reading(side="both")
    with pytest.raises(SpliceError, match="must list one or more layers, each once"):
        Reading(layers=(1, 1))
    with pytest.raises(SpliceError, match="^vectors is 0"):
        Reading(vectors=0)
    with pytest.raises(SpliceError, match="layers has 7"):
        Reading((7,)).spectra(backbone)
    assert Reading((0,), tower="text").spectra(backbone).tower == "text"
    assert both_poles(torch.eye(2), ["a", "b"])[0].tolist() == [[1, 0], [-1, 0], [0, 1], [0, -1]]
    plain = Projection(tower_of(backbone), "linear")
    assert not explain(torch.eye(48)[:1].double(), plain, DICTIONARY, COMP()).mean.any()
