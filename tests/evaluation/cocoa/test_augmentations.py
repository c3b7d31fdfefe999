"""Maps of views move with the pixels, and what was erased is not what makes a view resemble its image."""

import pytest

from splice_exp.attribution.priors import Random
from splice_exp.attribution.removal import Mean
from splice_exp.attribution.rise import Rise
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.plain import Scenes
from splice_exp.evaluation.cocoa.augmentations import CocoaAugmentations
from tests.evaluation.studies import study_of


@pytest.fixture(scope="module")
def found():
    study = study_of("data=scenes_single", "data.num_samples=16")

    def evaluate(view, method=None, **given):
        train = Scenes(200, max_objects=1, label="colour", split="train")
        method = method or Rise(num_masks=100, grid=7)
        options = {"foil_size": 150, "bootstrap_resamples": 50, **given}
        return CocoaAugmentations(method, Mean(), train, view, **options).evaluate(study)

    return evaluate


def test_the_picture_itself_is_its_own_ceiling(found):
    metrics = found("original").metrics
    assert metrics["augmentation/similarity"] == metrics["augmentation/similarity_dense"]
    assert metrics["augmentation/rank"] == metrics["augmentation/rank_again"] > metrics["augmentation/rank_null"] + 0.2
    assert metrics["augmentation/object_energy"] == metrics["augmentation/object_energy_original"] > 2
    assert "augmentation/erased_energy" not in metrics


@pytest.mark.slow
def test_maps_move_with_the_pixels(found):
    metrics = found("rotation").metrics
    assert metrics["augmentation/similarity_null"] < metrics["augmentation/similarity"] - 0.1
    assert metrics["augmentation/similarity"] < metrics["augmentation/similarity_dense"]
    assert metrics["augmentation/rank"] > metrics["augmentation/rank_null"] + 0.1


def test_maps_of_noise_do_not_and_have_their_share_everywhere(found):
    findings = found("erase", Random(), shown=2, classes=["red", "green", "blue"])
    metrics = findings.metrics
    assert metrics["data/num_samples"] < 16
    assert abs(metrics["augmentation/rank"]) < 0.05
    assert metrics["augmentation/erased_energy"] == pytest.approx(1, abs=0.1)
    assert metrics["augmentation/object_energy"] == pytest.approx(1, abs=0.3)
    assert len(findings.tables["pictures"]) == len(findings.tables["maps"]) == min(2, metrics["data/num_samples"])


def test_what_cannot_be_explained_is_refused(found):
    with pytest.raises(SpliceError, match="^foil_size is 300, but scenes has fewer images"):
        found("flip", foil_size=300)
    with pytest.raises(SpliceError, match="^classes has 'dog', which is no class of"):
        found("flip", classes=["dog"])
