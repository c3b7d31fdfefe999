"""Effects on the class token alone are those of edited weights, where no later computation sees the difference."""

import copy

import pytest
import torch

from splice_exp.evaluation.sith.direct import DirectEffects
from splice_exp.evaluation.sith.head_activations import read_heads
from splice_exp.heads.editing import edited
from splice_exp.heads.reading import Reading
from tests.evaluation.studies import study_of

LAST = 4


@pytest.fixture(scope="module")
def blind():
    """A study of a model whose last layer has no MLP: what its heads add goes into the class token alone."""
    study = study_of("data=scenes", "data.num_samples=24", "solver=comp")
    backbone = copy.deepcopy(study.backbone)
    mlp = backbone.module.visual.transformer.resblocks[LAST].mlp
    for parameter in mlp.c_proj.parameters():
        torch.nn.init.zeros_(parameter)
    backbone.mark_changed(study.backbone, "image", "blind")
    study = study.with_backbone(backbone)
    return study, read_heads(study, Reading((LAST,))).spectra


@pytest.mark.parametrize("constants", ["edited", "kept"])
def test_without_later_layers_an_edit_has_its_direct_effect_alone(blind, constants):
    study, spectra = blind
    factors = torch.rand(spectra.gains.shape, generator=torch.Generator().manual_seed(0)).round()
    backbone, report = edited(study.backbone, spectra, factors, constants)
    assert 0 < report.num_edited < report.num_vectors
    whole = study.with_backbone(backbone).embeddings.features
    direct = DirectEffects(study, spectra).without_vectors(factors, constants)
    torch.testing.assert_close(direct, whole, atol=2e-6, rtol=0)
    assert (direct - study.embeddings.features).norm(dim=1).min() > 0.01


def test_nothing_taken_away_leaves_the_embeddings(blind):
    study, spectra = blind
    effects = DirectEffects(study, spectra)
    for found in (effects.without_vectors(torch.ones_like(spectra.gains)), effects.without_heads([])):
        torch.testing.assert_close(found, study.embeddings.features, atol=2e-6, rtol=0)


def test_a_head_set_to_its_mean_differs_from_one_without_its_vectors_by_that_mean(blind):
    """The vectors of a head span all that it writes."""
    study, spectra = blind
    effects = DirectEffects(study, spectra)
    factors = torch.ones_like(spectra.gains)
    factors[0, 1] = 0
    own = effects._written[:, 0, 1]
    moved = effects._without(own)
    torch.testing.assert_close(effects.without_vectors(factors), moved, atol=2e-6, rtol=0)
    torch.testing.assert_close(effects.without_heads([(0, 1)]), effects._without(own - own.mean(dim=0)))
    assert (effects.without_heads([(0, 1)]) - moved).norm(dim=1).min() > 1e-3
