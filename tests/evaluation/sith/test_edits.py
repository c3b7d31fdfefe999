"""Heads that stand for an edit, and what is random or ablated in its place, on plans made by hand."""

from unittest.mock import Mock

import pytest
import torch
from torch.nn.functional import normalize

from splice_exp.backbones.towers import tower_of
from splice_exp.evaluation.sith.direct import DirectEffects
from splice_exp.evaluation.sith.edits import heads_of, listed, random_edit
from splice_exp.evaluation.sith.head_activations import head_writes
from splice_exp.heads.editing import Plan
from splice_exp.heads.explain import Explanations
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import energy_of
from splice_exp.heads.spectra import Spectra, spectra_of
from splice_exp.heads.streams import streams
from splice_exp.heads.weights import head_weights
from tests.evaluation.studies import study_of

# Two layers of two heads of two vectors. Means of the scores, weighted by squared singular values: 0.28, 0.3, 0.5, 0.1;
# plain ones: 0.6, 0.3, 0.5, 0.55; weighted by singular values: 0.4, 0.3, 0.5, 0.1.
GAINS = torch.tensor([[[3.0, 1], [2, 2]], [[1, 1], [1, 0]]], dtype=torch.float64)
SCORES = torch.tensor([[[0.2, 1.0], [0.3, 0.3]], [[0.9, 0.1], [0.1, 1.0]]], dtype=torch.float64)
BEST, SECOND, THIRD = (1, 0), (0, 1), (0, 0)  # of energies 2, 8 and 10


def planned(factors):
    """A plan with these factors at some places, and none elsewhere."""
    given = torch.ones_like(GAINS)
    for place, factor in factors.items():
        given[place] = factor
    vectors = torch.zeros(*GAINS.shape, 4, dtype=torch.float64)
    return Plan(Spectra("image", (2, 3), vectors, GAINS, vectors), Mock(spec=Explanations), SCORES, given)


@pytest.mark.parametrize(
    ("factors", "heads"),
    [
        ({}, []),
        ({(1, 0, 0): 2.0}, [BEST]),  # an energy of 1
        ({(0, 0, 0): 0.0}, [BEST, SECOND]),  # 9
        ({(0, 0, 0): 0.0, (0, 0, 1): 0.0}, [BEST, SECOND]),  # 10, which these two have
        ({(0, 1, 0): -1.0}, [BEST, SECOND, THIRD]),  # 16: flipped is twice as far as removed
    ],
)
def test_heads_of_an_edit_are_those_of_the_highest_weighted_scores_until_they_have_its_energy(factors, heads):
    assert heads_of(planned(factors)) == heads


def test_vectors_are_listed_by_their_scores_each_with_its_own_poles():
    plan = planned({(0, 0, 1): 0.5})
    plan.explanations.top.return_value = [[(f"pole {number}", 1.0)] for number in range(16)]
    found = listed(plan, 3)
    assert found["vector"].tolist() == ["L2.H0.1", "L3.H1.1", "L3.H0.0"]
    assert found["score"].tolist() == [1.0, 1.0, 0.9]
    assert found["factor"].tolist() == [0.5, 1, 1]
    assert found["direction +"].tolist() == ["pole 2", "pole 14", "pole 8"]
    assert found["direction −"].tolist() == ["pole 3", "pole 15", "pole 9"]


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes_single", "data.num_samples=12")


def test_a_random_edit_has_the_energy_of_the_edit_and_another_seed_is_another_one(study):
    tower = tower_of(study.backbone)
    spectra = spectra_of(tower, (2, 3))
    factors = torch.ones_like(spectra.gains)
    factors[1, 2, :6] = 0.0
    plan = Plan(spectra, Mock(spec=Explanations), torch.zeros_like(factors), factors)
    found = [random_edit(study.backbone, plan, "edited", seed) for seed in (0, 0, 1)]
    before, one, again, other = (
        torch.stack([head_weights(block).matrices() for block in tower_of(model).layers((2, 3))])
        for model in (study.backbone, *found)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    expected = energy_of(spectra.gains.flatten(), factors.flatten())
    assert float((one - before).square().sum()) == pytest.approx(expected, rel=1e-4)


def test_what_an_ablated_head_adds_is_its_mean_over_pictures(study):
    spectra = Reading((3,)).spectra(study.backbone)
    heads = [(0, 1), (0, 2)]
    tower = tower_of(study.backbone)
    pixels = study.backbone.preprocess(study.data.inputs(0, 12))
    last = streams(study.backbone, tower, (), pixels)[1]
    own = head_writes(study, (3,))[:, 0, 1:3].sum(dim=1)
    expected = normalize(tower.norm((last - own + own.mean(dim=0)).float()) @ tower.projection, dim=1)
    found = DirectEffects(study, spectra).without_heads(heads)
    torch.testing.assert_close(found, expected.detach(), atol=1e-5, rtol=1e-4)
    assert (found - study.embeddings.features).norm(dim=1).min() > 0.01
