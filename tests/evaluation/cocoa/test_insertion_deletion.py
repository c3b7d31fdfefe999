"""Maps of the synthetic benchmark carry the class of their corpus; foils are random samples of what is left."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from splice_exp.attribution.gradients import VanillaGradient
from splice_exp.attribution.removal import Mean
from splice_exp.attribution.represent import represent_all
from splice_exp.attribution.rise import Rise
from splice_exp.backbones.base import LastLayer
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.plain import Scenes
from splice_exp.evaluation.cocoa import corpus_task
from splice_exp.evaluation.cocoa.corpus_task import CorpusTask
from splice_exp.evaluation.cocoa.insertion_deletion import CocoaInsertionDeletion, gini
from splice_exp.evaluation.cocoa.linear_head import Head, fitted_head, own_head
from splice_exp.evaluation.cocoa.references import draw_references
from splice_exp.evaluation.measures.metrics import CurveArea
from tests.attribution.encoders import Small
from tests.evaluation.studies import study_of


def test_foils_have_all_classes_in_their_proportions_and_nothing_of_the_corpus():
    labels = np.repeat([0, 1, 2], [400, 300, 1300])
    drawn = np.zeros(3)
    for seed in range(40):
        corpus, foil = draw_references(labels, 0, 100, 500, np.random.default_rng(seed), "data", of=None)
        assert len(set(corpus)) == 100
        assert len(set(foil)) == 500
        assert set(labels[corpus]) == {0}
        assert not set(corpus) & set(foil)
        drawn += np.bincount(labels[foil], minlength=3)
    # Without replacement the counts vary less than the test supposes, which makes it the stricter.
    assert chisquare(drawn, drawn.sum() * np.array([0.2, 0.15, 0.65])).pvalue > 0.01
    with pytest.raises(SpliceError, match="^corpus_size is 400, but data has 400 samples of a class"):
        draw_references(labels, 0, 400, 5, np.random.default_rng(0), "data", of=None)
    with pytest.raises(SpliceError, match="^foil_size is 1990, but data has 1500 samples left"):
        draw_references(labels, 0, 100, 1990, np.random.default_rng(0), "data", of=None)


def test_the_gini_index_of_known_maps():
    assert gini(np.ones((8, 8))) == pytest.approx(0)
    one = np.zeros((8, 8))
    one[3, 4] = -2.0
    assert gini(one) == pytest.approx(1 - 1 / 64)
    assert gini(np.arange(1, 5, dtype=float)) == pytest.approx(0.25)
    assert gini(np.zeros((8, 8))) == 0


def test_chances_are_those_of_a_softmax_of_unit_vectors():
    head = Head(np.eye(3), np.zeros(3), True, 0.0)
    path = torch.tensor([[[2.0, 0.0, 0.0], [0.0, 3.0, 4.0]]])
    expected = np.exp([1, 0, 0]) / np.exp([1, 0, 0]).sum()
    np.testing.assert_allclose(head.chances(path)[0, 0], expected)
    np.testing.assert_allclose(head.chances(path)[0, 1].argmax(), 2)
    assert head.majority(torch.tensor([[1.0, 0, 0], [0, 0, 1.0], [0, 0, 2.0]])) == 2
    longer = Head(np.eye(3), np.zeros(3), False, 0.0).chances(path)[0, 1]
    np.testing.assert_allclose(longer, np.exp([0, 3, 4]) / np.exp([0, 3, 4]).sum())


def test_a_head_is_fitted_or_that_of_the_network():
    class Classifier(Small):
        last_layer = LastLayer(torch.eye(8)[:3], torch.tensor([0.0, 0.5, 0.0]), ("a", "b", "c"))

    train = Scenes(60, max_objects=1, label="shape", split="train")
    known = torch.nn.functional.one_hot(train.labels, len(train.classes)).float()
    fitted = fitted_head(train, 5 * known, 0)
    assert (fitted.chances(known).argmax(axis=1) == train.labels.numpy()).all()
    assert fitted.gradient < 1e-5
    assert fitted_head(train, 5 * known, 0) is fitted
    assert fitted_head(train, 4 * known, 0) is not fitted
    assert fitted_head(Scenes(60, max_objects=1, label="colour", split="train"), 5 * known, 0) is not fitted
    with pytest.raises(SpliceError, match="knows the classes a, b, c, but scenes has "):
        own_head(Classifier(), train)
    Classifier.last_layer = replace(Classifier.last_layer, classes=None)
    with pytest.raises(SpliceError, match="the last layer of the network knows 3 classes, but scenes has 64"):
        own_head(Classifier(), train)
    with pytest.raises(SpliceError, match="needs a network with a last layer, which this backbone lacks"):
        own_head(Small(), train)
    train.classes = ("a", "b", "c")
    own = own_head(Classifier(), train)
    expected = torch.softmax(torch.tensor([1.0, 0.5, 0.0]), dim=0)
    np.testing.assert_allclose(own.chances(torch.eye(8)[:1]), expected[None], rtol=1e-6)


def test_areas_are_those_of_the_trapezoidal_rule():
    area = CurveArea()
    area.update(torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]))
    area.update(torch.tensor([[0.0, 0.0, 1.0]]))
    assert area.per_sample().tolist() == [0.75, 0.5, 0.25]
    assert area.compute() == 0.5


def test_a_head_of_the_network_needs_no_more_training_samples_than_are_drawn(study, monkeypatch):
    """And the corpora are those that a fitted head has."""
    train = Scenes(1200, max_objects=1, label="colour", split="train")
    layer = LastLayer(
        torch.randn(len(train.classes), study.backbone.dim), torch.zeros(len(train.classes)), train.classes
    )
    monkeypatch.setattr(type(study.backbone), "last_layer", layer)
    asked = []

    def counted(data, backbone, cache):
        asked.append(len(data))
        return represent_all(data, backbone, cache)

    monkeypatch.setattr(corpus_task, "represent_all", counted)
    options = {"per_class": 1, "corpus_size": 5, "foil_size": 20}
    few, all_ = (
        CorpusTask(train, head=head, classes=train.classes[:2], **options).prepare(
            study.data, study.backbone, study.cache
        )
        for head in ("own", "probe")
    )
    assert asked[0] <= 2 * 2 * 25
    assert asked[2] == 1200
    for label, drawn in few.drawn.items():
        same = all_.drawn[label]
        for one, other in zip(drawn.explains + drawn.judges, same.explains + same.judges, strict=True):
            torch.testing.assert_close(one.raw_mean, other.raw_mean, atol=1e-5, rtol=1e-4)


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes_single", "data.num_samples=120")


@pytest.fixture(scope="module")
def found(study):
    def evaluate(**given):
        train = Scenes(1200, max_objects=1, label="colour", split="train")
        options = {"per_class": 2, "corpus_size": 20, "foil_size": 200, "steps": 10, "bootstrap_resamples": 20}
        options |= {"classes": train.classes[:6]}
        return CocoaInsertionDeletion(Rise(num_masks=200, grid=8), Mean(), train, **{**options, **given}).evaluate(
            study
        )

    return evaluate


@pytest.mark.slow
def test_maps_carry_the_class_of_the_corpus(found):
    own, other = (found(same_class=same_class).metrics for same_class in (True, False))
    assert own["cocoa/insertion_majority"] > own["cocoa/insertion_majority_null"] + 0.03
    assert own["cocoa/deletion_majority"] < own["cocoa/deletion_majority_null"] - 0.02
    assert other["cocoa/insertion_similarity"] > other["cocoa/insertion_similarity_null"]
    assert other["cocoa/deletion_similarity"] < other["cocoa/deletion_similarity_null"]
    assert other["cocoa/insertion_majority"] < own["cocoa/insertion_majority"]
    free = found(kind="label_free", same_class=False).metrics
    assert free["cocoa/insertion_majority"] < other["cocoa/insertion_majority"]
    assert own["cocoa/gradient_max"] < 1e-5
    assert own["data/num_samples"] == 12


def test_too_few_samples_are_refused(found):
    with pytest.raises(SpliceError, match="^per_class is 100, but scenes_single has"):
        found(per_class=100)
    with pytest.raises(SpliceError, match="^similarity is 'angle'"):
        found(similarity="angle")


def test_training_data_of_other_classes_are_refused(study):
    other = Scenes(40, max_objects=1, label="shape", split="train")
    with pytest.raises(SpliceError, match="^train is scenes, whose classes are not those of scenes_single"):
        CocoaInsertionDeletion(Rise(num_masks=4, grid=8), Mean(), other).evaluate(study)
    with pytest.raises(SpliceError, match="planted lacks images or classes"):
        CocoaInsertionDeletion(Rise(num_masks=4, grid=8), Mean(), other).evaluate(
            study_of("data=planted", "data.num_samples=4", "data.objects=[car]")
        )


def test_an_explicand_of_another_class_is_of_another_name():
    """Two of five classes have the same name: no image of either is outside the other, and names stay unique."""
    data = Scenes(2400, max_objects=1, label="colour", split="test")
    first, second, *others = data.classes
    data.classes = (first, first, *others)
    used = list(range(len(data.classes)))
    task = CorpusTask(data, per_class=8, same_class=False)
    explicands, of_class = task._explicands(data, used)
    names = [data.classes[label] for label in explicands.labels.tolist()]
    assert all(name != data.classes[label] for name, label in zip(names, of_class.tolist(), strict=True))
    assert len(set(explicands.sample_ids)) == len(explicands) == 8 * len(used)
    assert explicands.sample_ids[0].startswith(f"{first} (0)/")
    own, of_class = CorpusTask(data, per_class=20)._explicands(data, used)
    assert {data.classes[label] for label in own.labels[of_class == 0].tolist()} == {first}
    assert second not in data.classes


def test_a_distance_squares_and_absolute_values_have_areas(study):
    """Each is another question, and each is answered; a distance has no cosine."""
    train = Scenes(400, max_objects=1, label="colour", split="train")
    options = {"classes": train.classes[:2], "per_class": 1, "corpus_size": 5, "foil_size": 20, "steps": 4}
    options |= {"bootstrap_resamples": 20}
    found = {
        name: CocoaInsertionDeletion(VanillaGradient(), Mean(), train, **options, **given).evaluate(study).metrics
        for name, given in {
            "signed": {"similarity": "dot"},
            "distance": {"similarity": "dot", "kind": "corpus_distance"},
            "absolute": {"similarity": "dot", "absolute": True},
            "squares": {"similarity": "dot", "superpixel": 12},
        }.items()
    }
    areas = {name: round(metrics["cocoa/insertion_shift"], 6) for name, metrics in found.items()}
    assert len(set(areas.values())) == 4
    with pytest.raises(SpliceError, match=r"^kind=corpus_distance compares .* lengths: set similarity=dot\.$"):
        CocoaInsertionDeletion(VanillaGradient(), Mean(), train, kind="corpus_distance")
    with pytest.raises(SpliceError, match="^superpixel is 8, but must divide the sides of the image, 84 × 84 pixels"):
        CocoaInsertionDeletion(VanillaGradient(), Mean(), train, **options, superpixel=8).evaluate(study)
