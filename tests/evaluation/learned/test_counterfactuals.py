"""Codes of the small CLIP respond to what is changed, those of an untrained one do not, and a test tells them apart."""

import pytest
import torch

from splice_exp.backbones.scenes_clip import ScenesClip
from splice_exp.backbones.scenes_clip_untrained import UntrainedScenesClip
from splice_exp.core.errors import SpliceError
from splice_exp.core.statistics.permutation import sign_flip_level
from splice_exp.data.counterfactuals.scenes import CounterfactualScenes
from splice_exp.data.scenes.plain import Scenes
from splice_exp.evaluation.learned.counterfactuals import Counterfactuals
from tests.evaluation.studies import study_of

PAIRS = ("data=scenes_counterfactuals", "data.kinds=[colour,scene,border]", "data.num_samples=120")
SOLVER = ("solver=path", "solver.target_l0=null", "solver.mean_l0=10")


def of(*overrides, untrained=True, **options):
    model = UntrainedScenesClip() if untrained else None
    evaluation = Counterfactuals(Scenes(200, split="val"), model, permutations=999, bootstrap_resamples=50, **options)
    return evaluation.evaluate(study_of(*PAIRS, *SOLVER, *overrides))


@pytest.fixture(scope="module")
def texts():
    return of()


def test_texts_respond_to_what_they_name(texts):
    metrics = texts.metrics
    assert metrics["data/num_samples"] == len(texts.sample_ids) == 60
    for name in ("direction", "selectivity", "explained"):
        assert metrics[f"counterfactuals/{name}"] > metrics[f"counterfactuals/{name}_null"]
        assert metrics[f"counterfactuals/{name}"] > metrics[f"counterfactuals/{name}_untrained"]
    assert metrics["counterfactuals/false"] < metrics["counterfactuals/false_null"]
    assert metrics["counterfactuals/direction_level"] == metrics["counterfactuals/selectivity_level"] == 0.001
    assert metrics["counterfactuals/magnitude"] > metrics["counterfactuals/magnitude_null"]
    assert metrics["l0/mean"] == pytest.approx(10, abs=0.1)


def test_kinds_are_weighed_into_the_whole(texts):
    metrics, table = texts.metrics, texts.tables["kinds"].set_index("changed")
    assert list(table["pairs"]) == [20, 20, 20]
    for name, column in (("direction", "right direction"), ("selectivity", "selectivity")):
        for kind in ("colour", "scene", "border"):
            assert metrics[f"counterfactuals/{name}_{kind}"] == pytest.approx(table[column][kind])
        assert metrics[f"counterfactuals/{name}"] == pytest.approx(table[column].mean())
        named = (table[column]["colour"] + table[column]["scene"]) / 2
        assert metrics[f"counterfactuals/{name}_named"] == pytest.approx(named)


def test_what_the_vocabulary_cannot_name_gets_no_response(texts):
    assert texts.metrics["counterfactuals/direction_unnamed"] == 0.5
    assert texts.metrics["counterfactuals/selectivity_unnamed"] == 0
    atoms = texts.tables["atoms"].set_index("atom")
    assert atoms.loc["red", "about"] == "red"
    assert atoms.loc["red", "pairs that change it"] > 0


def test_levels_are_those_of_the_samples(texts):
    for name in ("direction", "selectivity"):
        difference = texts.samples[f"counterfactuals/{name}"] - texts.samples[f"counterfactuals/{name}_untrained"]
        assert texts.metrics[f"counterfactuals/{name}_level"] == sign_flip_level(difference, 999, 0)


def test_a_model_is_not_told_from_itself():
    class Same(ScenesClip):
        """The trained model in place of the untrained one."""

    evaluation = Counterfactuals(Scenes(50, split="val"), Same(), permutations=99, bootstrap_resamples=50)
    metrics = evaluation.evaluate(study_of(*PAIRS, *SOLVER)).metrics
    assert metrics["counterfactuals/selectivity"] == metrics["counterfactuals/selectivity_untrained"]
    assert metrics["counterfactuals/selectivity_level"] == metrics["counterfactuals/direction_level"] == 1


def test_atoms_without_names_are_matched_and_can_respond_out_of_vocabulary():
    learned = ("dictionary=k_means", "dictionary.size=64", "dictionary.train.num_samples=500")
    found = of(*learned, untrained=False)
    assert not [name for name in found.metrics if "untrained" in name or "level" in name]
    assert 0 < found.metrics["counterfactuals/matched_atoms"] <= 64
    assert found.metrics["counterfactuals/direction"] > found.metrics["counterfactuals/direction_null"]
    assert found.metrics["counterfactuals/selectivity_unnamed"] > 0


def test_names_can_be_left_aside_but_not_invented():
    found = of(untrained=False, meaning="matched")
    about = set(found.tables["atoms"]["about"])
    assert {"vignette", "watermark", "porthole", "white frame", "letterbox"} & about  # kinds out of vocabulary
    with pytest.raises(SpliceError, match="^meaning is 'names', but the names of the atoms"):
        of("dictionary=random", "dictionary.size=20", untrained=False, meaning="names")


def test_an_untrained_model_is_another_one_with_a_name_of_its_own():
    trained, untrained = ScenesClip(), UntrainedScenesClip()
    images = CounterfactualScenes(6).inputs(0, 6)
    assert not torch.allclose(trained.encode_images(images), untrained.encode_images(images), atol=0.1)
    assert torch.equal(trained.encode_text(["a red star"]), untrained.encode_text(["a red star"]))
    assert untrained.tower_id("text") == trained.tower_id("text")
    assert len({trained.backbone_id, untrained.backbone_id, UntrainedScenesClip(seed=1).backbone_id}) == 3
    assert untrained.encoder not in (trained.encoder, UntrainedScenesClip(seed=1).encoder)
    assert torch.equal(untrained.encode_images(images), UntrainedScenesClip().encode_images(images))


def test_data_without_pairs_are_refused():
    evaluation = Counterfactuals(Scenes(20, split="val"))
    with pytest.raises(SpliceError, match="needs pairs of images that differ in one thing, but scenes has none"):
        evaluation.require(Scenes(20))
    evaluation.require(CounterfactualScenes(20))
    with pytest.raises(SpliceError, match="needs two or more pairs"):
        evaluation.evaluate(study_of("data=scenes_counterfactuals", "data.num_samples=3", *SOLVER))
