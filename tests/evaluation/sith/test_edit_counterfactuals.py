"""Without vectors about scenes, codes respond less to a change of scene."""

import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.data.counterfactuals.scenes import CounterfactualScenes
from splice_exp.data.scenes.plain import Scenes
from splice_exp.evaluation.sith.edit_counterfactuals import SithEditCounterfactuals
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import Highest
from splice_exp.heads.selectors import ByCodes
from splice_exp.solvers.comp import COMP
from tests.evaluation.sith.test_sith import SCENES
from tests.evaluation.studies import study_of

PARTS = Reading((0, 1, 2, 3, 4)), Highest(0.25), COMP(), ByCodes(SCENES)


@pytest.mark.slow
def test_without_vectors_about_scenes_codes_respond_less_to_a_change_of_scene():
    solver = ("solver=path", "solver.target_l0=null", "solver.mean_l0=10")
    study = study_of("data=scenes_counterfactuals", "data.kinds=[scene,colour]", "data.num_samples=160", *solver)
    found = SithEditCounterfactuals(*PARTS, kind="scene", random_edits=1, bootstrap_resamples=20).evaluate(study)
    metrics = found.metrics
    for name in ("target", "selective_target"):
        assert metrics[f"edit_counterfactuals/{name}_after"] < metrics[f"edit_counterfactuals/{name}_before"] - 0.05
        assert metrics[f"edit_counterfactuals/{name}_after"] < metrics[f"edit_counterfactuals/{name}_random"]
    assert metrics["edit_counterfactuals/others_before"] > 0.5
    assert metrics["data/num_samples"] == len(found.sample_ids) == 80


def test_what_cannot_be_asked_is_refused():
    evaluation = SithEditCounterfactuals(*PARTS, kind="scene")
    with pytest.raises(SpliceError, match="needs pairs of images that differ in one thing, but scenes has none"):
        evaluation.require(Scenes(4))
    with pytest.raises(SpliceError, match="^kind is 'scene'"):
        evaluation.require(CounterfactualScenes(8, kinds=["shape", "colour"]))
    with pytest.raises(SpliceError, match="needs changes of another kind than scene"):
        evaluation.require(CounterfactualScenes(8, kinds=["scene"]))
    evaluation.require(CounterfactualScenes(8, kinds=["scene", "colour"]))
