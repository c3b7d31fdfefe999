"""What is taken out by name is gone, the rest stays; a probe says itself what it should not have looked at."""

import numpy as np
import pytest
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.attributes import AttributeScenes
from splice_exp.data.scenes.spurious import SpuriousScenes
from splice_exp.evaluation.measures.probes import code_features, fit_probe
from splice_exp.evaluation.measures.removal import draw_concepts, telling, without
from splice_exp.evaluation.splice.intervention_attributes import InterventionAttributes
from splice_exp.evaluation.splice.intervention_spurious import InterventionSpurious
from tests.evaluation.studies import study_of

SURFACES = ["striped", "stripy", "plain", "solid", "dotted", "spotted"]
SCENES = ["grass", "meadow", "lawn", "water", "sea", "ocean"]


@pytest.fixture(scope="module")
def planted():
    """Codes of which column 0 is the class, column 1 comes with it, column 2 is noise."""
    random = np.random.default_rng(0)
    classes = random.integers(2, size=400)
    values = np.where(random.random(400) < 0.8, classes, 1 - classes)
    dense = np.stack([classes * 0.3, values * 1.0, random.random(400)], axis=1) + 0.05 * random.random((400, 3))
    return Codes.from_dense(torch.from_numpy(dense), ("shape", "scene", "noise")), classes, values


def test_the_most_telling_concept_is_the_one_that_comes_with_the_class(planted):
    codes, classes, values = planted
    probe = fit_probe(code_features(codes), classes, seed=0, strengths=(1.0,))
    assert telling(probe, codes, classes, values)[0] == "scene"
    assert np.all(without(probe, codes.concepts, ["scene"]).weights[:, 1] == 0)
    assert np.array_equal(without(probe, codes.concepts, []).weights, probe.weights)


def test_random_concepts_spare_those_that_are_named(planted):
    codes, *_ = planted
    assert sorted(draw_concepts(codes, 5, ["scene"], seed=0)) == ["noise", "shape"]
    assert draw_concepts(codes, 1, ["scene", "noise"], seed=0) == ["shape"]
    assert draw_concepts(codes.without(codes.concepts), 1, [], seed=0) == []


def test_a_surface_is_gone_and_the_shape_stays():
    study = study_of("data=scenes_attributes", "data.num_samples=200")
    train = AttributeScenes(400, split="train")
    found = InterventionAttributes(train, "surface", SURFACES, bootstrap_resamples=5).evaluate(study)
    metrics = found.metrics
    for way in ("zero_shot", "probe"):
        assert metrics[f"intervention/edited_{way}"] > 0.75
        assert metrics[f"intervention/kept_{way}_removed"] > metrics[f"intervention/kept_{way}"] - 0.03
    assert metrics["intervention/edited_zero_shot_removed"] < 0.65
    proposed, removed, before = (metrics[f"intervention/edited_probe{way}"] for way in ("_proposed", "_removed", ""))
    assert proposed < removed < before
    concepts = set(found.tables["removed"].query("how == 'named'")["concept"])
    assert concepts == {name for name in study.dictionary.concepts if {*name.split()} & {*SURFACES}}
    assert metrics["intervention/edited_probe_auc"] > metrics["intervention/edited_probe_auc_removed"]
    assert metrics["intervention/edited_probe_auc_removed"] > metrics["intervention/edited_probe_auc_proposed"]
    assert metrics["intervention/edited_probe_relearned_proposed"] <= metrics["intervention/edited_probe_relearned"]
    halves = [metrics[f"intervention/edited_probe_removed_of_{value}"] for value in (0, 1)]
    assert np.mean(halves) == pytest.approx(removed)  # accuracies are balanced
    assert metrics["intervention/edited_zero_shot_mean_only"] == pytest.approx(0.5)
    for task in ("edited", "kept"):
        assert metrics[f"intervention/{task}_auc"] > 0.9
    assert metrics["intervention/kept_auc_removed"] > metrics["intervention/kept_auc"] - 0.02


def test_the_worst_group_gains_by_named_and_by_proposed_concepts():
    study = study_of("data=scenes_spurious", "data.num_samples=400")
    train, val = SpuriousScenes(300, split="train"), SpuriousScenes(200, split="val")
    found = InterventionSpurious(train, val, "scene", SCENES, bootstrap_resamples=5).evaluate(study)
    metrics = found.metrics
    assert metrics["intervention/worst_before"] < 0.3
    for way in ("by_hand", "proposed"):
        assert metrics[f"intervention/worst_{way}"] > metrics["intervention/worst_before"] + 0.2
        assert metrics[f"intervention/average_{way}"] > metrics["intervention/average_before"] - 0.02
    gain = metrics["intervention/worst_by_hand"] - metrics["intervention/worst_before"]
    expected = metrics["intervention/worst_before"] + 0.8 * gain
    assert metrics["intervention/worst_at_80_percent"] == pytest.approx(expected)
    assert metrics["intervention/worst_null"] < metrics["intervention/worst_by_hand"]
    for way in ("reweighted", "retrained"):  # they know the groups
        assert metrics[f"intervention/worst_{way}"] > metrics["intervention/worst_before"] + 0.04
        assert metrics[f"intervention/worst_dense_{way}"] > metrics["intervention/worst_dense"] + 0.2
    assert metrics["intervention/worst_mean_only"] == 0
    assert metrics["intervention/average_mean_only"] == pytest.approx(0.5, abs=0.01)
    groups = [metrics[f"intervention/group_{group}_before"] for group in range(4)]
    assert metrics["intervention/worst_before"] == pytest.approx(min(groups))
    assert np.mean(groups) == pytest.approx(metrics["intervention/average_before"])
    proposed = found.tables["removed"].query("how == 'proposed'")["concept"].tolist()
    assert set(proposed[:2]) & set(SCENES)
    assert found.tables["groups"]["name"].tolist()[1] == "star on water"


def test_texts_of_values_take_the_place_of_their_names():
    study = study_of("data=scenes_attributes", "data.num_samples=60")
    train = AttributeScenes(120, split="train")
    names = {"kept": study.embeddings.classes, "edited": study.attributes["surface"].values}
    texts = {task: [f"a photo of {name}" for name in pair] for task, pair in names.items()}
    swapped = {"kept": texts["kept"][::-1], "edited": texts["edited"]}
    by_names, by_texts, by_swapped = (
        InterventionAttributes(train, "surface", SURFACES, given, bootstrap_resamples=2).evaluate(study).metrics
        for given in (None, texts, swapped)
    )
    assert by_texts == by_names
    assert by_swapped["intervention/edited_zero_shot"] == by_names["intervention/edited_zero_shot"]
    dense = "intervention/kept_zero_shot_dense"
    assert by_swapped[dense] == pytest.approx(1 - by_names[dense])
    with pytest.raises(SpliceError, match="^texts is .*, but must give two texts for each of kept, edited"):
        InterventionAttributes(train, "surface", SURFACES, {"kept": ["one", "two"]})


def test_attributes_and_words_that_are_not_there_are_refused():
    study = study_of("data=scenes_spurious", "data.num_samples=40")
    parts = SpuriousScenes(40, split="train"), SpuriousScenes(40, split="val")
    with pytest.raises(SpliceError, match="^attribute is 'colour', which with the class must make four"):
        InterventionSpurious(*parts, "colour", SCENES).evaluate(study)
    with pytest.raises(SpliceError, match="^remove has 'gras', which is in no concept"):
        InterventionSpurious(*parts, "scene", ["gras"]).evaluate(study)
    attributes = study_of("data=scenes_attributes", "data.num_samples=40")
    with pytest.raises(SpliceError, match="whose classes or values are not those of scenes_attributes"):
        others = AttributeScenes(40, split="train", label_values=["moon", "ring"])
        InterventionAttributes(others, "surface", SURFACES).evaluate(attributes)
    with pytest.raises(SpliceError, match=r"besides its class scenes_spurious knows \['scene'\]"):
        InterventionAttributes(parts[0], "surface", SURFACES).evaluate(study)
