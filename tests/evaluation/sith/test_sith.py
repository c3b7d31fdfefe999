"""Heads of the small CLIP, and one that was planted: it is named, and edited away."""

import copy
from functools import cache

import numpy as np
import pytest
import torch
from PIL import ImageDraw
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score
from torch.nn.functional import layer_norm, normalize

from splice_exp.backbones.towers import tower_of
from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.data.base import EncodableSource
from splice_exp.data.scenes.plain import Scenes
from splice_exp.evaluation.measures.kinds import by_kind
from splice_exp.evaluation.measures.recovery import supports_of
from splice_exp.evaluation.sith.edit_classification import SithEditClassification
from splice_exp.evaluation.sith.edit_codes import SithEditCodes
from splice_exp.evaluation.sith.edit_spurious import SithEditSpurious
from splice_exp.evaluation.sith.edit_unsafe import SithEditUnsafe, hits_of
from splice_exp.evaluation.sith.edits import heads_of, worst_group, zero_shot
from splice_exp.evaluation.sith.grounding import SithGrounding, correlations, derangement
from splice_exp.evaluation.sith.grounding_scores import Grounding, most_driving
from splice_exp.evaluation.sith.head_activations import along_vectors, head_writes, read_heads
from splice_exp.evaluation.sith.heads import SithHeads, shares_of
from splice_exp.evaluation.sith.replacement import SithReplacement
from splice_exp.evaluation.sith.vectors import SithVectors
from splice_exp.heads.editing import edited, plan
from splice_exp.heads.explain import explain
from splice_exp.heads.projection import Projection
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import Above, ByRelevance, Highest
from splice_exp.heads.selectors import ByCodes
from splice_exp.heads.streams import streams
from splice_exp.solvers.comp import COMP
from tests.evaluation.studies import study_of

SCENES = ("grass", "sand", "water", "sky", "night", "snow", "brick", "forest", "wood", "stone")
LAYER, HEAD, PLANTED = 4, 1, "bottle"
COUNT = 600


class Marked(EncodableSource):
    """Scenes of which every second one has a mark in a corner."""

    def __init__(self, count):
        super().__init__("marked", "error")
        self._data = Scenes(count, max_objects=1, label="colour")
        self.classes, self.labels, self.sample_ids = self._data.classes, self._data.labels, self._data.sample_ids
        self.marked = torch.arange(count) % 2 == 1

    def inputs(self, start, stop):
        found = [picture.copy() for picture in self._data.inputs(start, stop)]
        for place, picture in enumerate(found, start):
            if self.marked[place]:
                ImageDraw.Draw(picture).rectangle((0, 0, 15, 15), fill=(255, 0, 255))
        return found

    def truth(self):
        return self._data.truth()

    def fingerprint(self):
        return f"marked:{len(self.sample_ids)}"


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes", "data.num_samples=120", "solver=comp")


@pytest.fixture(scope="module")
def planted(study):
    """The small CLIP with a head that writes `bottle` where it sees the mark; and the data."""
    data, backbone = Marked(COUNT), copy.deepcopy(study.backbone)
    tower = tower_of(backbone)
    (tokens,), last = streams(backbone, tower, (LAYER,), backbone.preprocess(data.inputs(0, COUNT)))
    block = tower.blocks[LAYER]
    seen = layer_norm(tokens, tokens.shape[-1:], eps=block.ln_1.eps).mean(dim=1)  # of uniform attention
    # The direction that predicts marked images best, by least squares: 1 where the mark is, 0 where not.
    away = seen - seen.mean(dim=0)
    covariance = away.T @ away / len(away) + 1e-3 * torch.eye(away.shape[1])
    read = torch.linalg.solve(covariance, seen[data.marked].mean(dim=0) - seen[~data.marked].mean(dim=0))
    read = read / ((seen[data.marked].mean(dim=0) - seen[~data.marked].mean(dim=0)) @ read)
    width, size = tower.width, tower.width // tower.num_heads
    own = slice(HEAD * size, (HEAD + 1) * size)
    attention = block.attn
    for part in range(3):  # queries and keys of zeros look everywhere alike; one value reads the mark
        attention.in_proj_weight[part * width :][own] = 0
        attention.in_proj_bias[part * width :][own] = 0
    attention.in_proj_weight[2 * width + HEAD * size] = read / block.ln_1.weight
    attention.in_proj_bias[2 * width + HEAD * size] = -(read / block.ln_1.weight) @ block.ln_1.bias - (
        seen[~data.marked].mean(dim=0) @ read
    )
    atom = study.dictionary.atoms[study.dictionary.index(PLANTED)].double()
    projection = Projection(tower, "linear")
    write = normalize(projection.back(atom[None]), dim=1)
    attention.out_proj.weight[:, own] = 0
    # In the joint space, what it writes when it sees the mark is a fifth as long as all the rest.
    strength = 0.2 * projection.project(last).norm(dim=1).mean() / projection.project(write).norm()
    attention.out_proj.weight[:, own.start] = strength * write[0]
    backbone.backbone_id = "planted head"
    return backbone, data


def test_a_planted_head_is_named_and_edited_away(study, planted):
    backbone, data = planted
    reading = Reading((LAYER,), projection="linear")
    spectra = reading.spectra(backbone)
    assert spectra.gains[0, HEAD, 1:].max() < 1e-4 * spectra.gains[0, HEAD, 0]  # one vector is all it has
    found, names = reading.explain(
        spectra, reading.projected(backbone, None), study.dictionary, study.solver, study.image_mean
    )
    first = {name: concepts[0] for name, concepts in zip(names, found.top(1), strict=True)}
    assert PLANTED in {first[f"L{LAYER}.H{HEAD}.0{pole}"][0] for pole in "+−"}
    assert max(value for name, value in first.values() if name == PLANTED) > 0.6  # 128 of 512 dimensions can be written
    as_published = Reading((LAYER,)).read(backbone, study.dictionary, study.solver, study.image_mean)
    tops = dict(zip(as_published.names, as_published.explanations.top(1), strict=True))
    assert PLANTED in {tops[f"L{LAYER}.H{HEAD}.0{pole}"][0][0] for pole in "+−"}

    @cache
    def marked(model):
        return model.encode_images(data.inputs(0, COUNT))

    def margins(model, words=(PLANTED, "lion", "star", "grass")):
        """How well each word predicts the mark, as an area under the curve: 1/2 at chance."""
        scores = marked(model) @ model.encode_text(list(words)).T
        return (scores[data.marked][:, None] > scores[~data.marked]).float().mean(dim=(0, 1)).tolist()

    def colours(model, images, labels=data.labels):
        found = zero_shot(images, model.encode_classes(data.classes))
        return float((found == labels.numpy()).mean())

    scores = ByCodes([PLANTED]).scores(found, spectra.names)
    factors = Above(0.9).factors(scores).view(spectra.gains.shape)
    cut, report = edited(backbone, spectra, factors)
    assert report.names == (f"L{LAYER}.H{HEAD}.0",)
    silent, _ = edited(backbone, spectra, torch.where(torch.arange(4)[:, None] == HEAD, 0.0, 1.0).expand(1, 4, 32))
    assert margins(backbone)[0] > 0.95
    # Chance is what the mark itself makes of each word: that of the model before anything was planted.
    assert margins(cut) == pytest.approx(margins(study.backbone), abs=0.05)
    assert margins(cut) == pytest.approx(margins(silent), abs=1e-6)
    assert abs(margins(cut)[0] - 0.5) < 0.2
    unmarked = Scenes(200, max_objects=1, label="colour", seed=5)
    before, after = (
        colours(model, model.encode_images(unmarked.inputs(0, 200)), unmarked.labels) for model in (backbone, cut)
    )
    assert abs(after - before) < 0.01
    # On marked images the planted head had disturbed the colours; without its vector it is as if it were silent.
    disturbed, mended, without = (colours(model, marked(model)) for model in (backbone, cut, silent))
    assert disturbed < mended - 0.05
    assert mended == pytest.approx(without, abs=0.005)


def test_what_heads_write_adds_up_to_the_attention(study):
    written = head_writes(study, (1, 3))
    assert written.shape == (120, 2, 4, 128)
    tower = tower_of(study.backbone)
    pixels = study.backbone.preprocess(study.data.inputs(0, 5))
    tokens, last = streams(study.backbone, tower, (3,), pixels)
    block = tower.blocks[3]
    expected = block.attention(block.ln_1(tokens[0]))[:, 0]
    total = written[:5, 1].sum(dim=1) + block.attn.out_proj.bias
    torch.testing.assert_close(
        total - total.mean(dim=1, keepdim=True), expected - expected.mean(dim=1, keepdim=True), atol=1e-4, rtol=1e-3
    )
    torch.testing.assert_close(
        tower.norm(last) @ tower.projection, study.backbone.represent(pixels), atol=1e-4, rtol=1e-4
    )
    spectra = Reading((1, 3)).spectra(study.backbone)
    along = along_vectors(written, spectra)
    rebuilt = torch.einsum("nlhr,lhrd->nlhd", along, spectra.writes)
    constants = (written.double() - rebuilt).mean(dim=0)  # what the biases write may lie outside the span
    torch.testing.assert_close(written.double() - rebuilt, constants.expand_as(rebuilt), atol=1e-4, rtol=0)


def test_heads_have_kinds_and_pictures(study):
    found = SithHeads(Reading((1,)), shown=2, bootstrap_resamples=20).evaluate(study)
    metrics = found.metrics
    shares = [metrics[f"sith/share_{kind}"] for kind in (*study.data.truth().kinds, "other")]
    assert sum(shares) == pytest.approx(1)
    assert metrics["sith/share_scene"] > metrics["sith/share_scene_null"] + 0.1
    assert metrics["sith/grounded"] > metrics["sith/grounded_null"] + 0.01
    assert 2 * len(found.sample_ids) == metrics["sith/num_poles"] == 2 * 4 * 32
    assert found.sample_ids[0] == "L1.H0.0"
    assert metrics["data/num_samples"] == 120
    heads = found.tables["heads"].groupby("head")["share"].sum()
    np.testing.assert_allclose(heads, 1)
    assert len(heads) == 4 + 1  # and random directions
    assert set(found.tables["driving"]["vector"]) == {
        f"L1.H{h}.{n}{p}" for h in range(4) for n in range(2) for p in "+−"
    }
    assert set(found.tables["driving"]["picture"]) == set(found.tables["pictures"]["picture"])
    with pytest.raises(SpliceError, match="set reading.tower=image"):
        SithHeads(Reading(tower="text"))
    with pytest.raises(SpliceError, match="This backbone has no image tower whose heads could be read"):
        SithHeads(Reading()).evaluate(study_of("data=planted", "data.num_samples=4"))


def test_shares_split_names_of_two_kinds(study):
    dictionary = study.dictionary
    tower = tower_of(study.backbone)
    place = dictionary.index("red star")
    vector = normalize(Projection(tower, "linear").back(dictionary.atoms[[place]].double()), dim=1)
    found = explain(vector, Projection(tower, "linear"), dictionary, study.solver)
    assert found.top(1)[0][0][0] == "red star"
    shares = shares_of(found, study.data.truth())
    kinds = study.data.truth().kinds
    assert shares[0, kinds.index("colour")] == pytest.approx(shares[0, kinds.index("shape")], abs=0.2)
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("projection", ["published", "linear", "jacobian"])
def test_codes_are_above_chance_and_nulls_are_where_they_should_be(study, projection):
    reading = Reading((-1,), projection=projection, vectors=8)
    found = SithVectors(reading, bootstrap_resamples=20).evaluate(study).metrics
    assert found["sith/joint"] > found["sith/joint_random"] + 0.2
    assert found["sith/joint"] > found["sith/joint_null"]
    assert -1 <= found["sith/coherence"] <= 1
    assert found["sith/ceiling"] >= found["sith/stream"]
    assert found["solver/kkt_max"] < 1e-5
    assert found["sith/num_poles"] == 2 * 8 * 4


def test_areas_and_shares_are_those_of_each_concept_and_pole():
    random = np.random.default_rng(0)
    drive = np.round(random.normal(size=(30, 4)), 1)  # with ties
    holds = random.random((3, 30)) < 0.4
    known = Grounding(np.array([0, 2, -1, 1]), np.zeros((4, 3)), holds)
    found = known.areas(drive)
    for pole in range(4):
        for concept in range(3):
            expected = roc_auc_score(holds[concept], drive[:, pole])
            assert found[pole, concept] == pytest.approx(expected)
    best = most_driving(drive, 5)
    assert (np.diff(np.take_along_axis(drive.T, best, axis=1)) <= 0).all()
    assert known.shares(best)[3, 1] == holds[1, best[3]].mean()
    for column, value in enumerate(correlations(drive, drive[:, ::-1])):
        assert value == pytest.approx(spearmanr(drive[:, column], drive[:, 3 - column]).statistic)
    assert (derangement(50, 0) != np.arange(50)).all()
    assert sorted(derangement(50, 0)) == list(range(50))


def test_pictures_that_drive_the_last_layer_show_what_its_vectors_mean(study):
    found = SithGrounding(Reading((-1,)), bootstrap_resamples=20).evaluate(study).metrics
    for name in ("grounding/area_first", "grounding/area_codes", "sith/likeness"):
        assert found[name] > found[f"{name}_null"] + 0.05
    assert found["grounding/top"] > found["grounding/top_null"]
    assert found["grounding/area_first_null"] == pytest.approx(0.5, abs=0.05)
    assert 0 < found["grounding/named"] <= 1
    with pytest.raises(SpliceError, match="set reading.tower=image"):
        SithGrounding(Reading(tower="text"))


@pytest.mark.slow
def test_heads_that_write_what_their_codes_say_still_classify():
    study = study_of("data=scenes_single", "data.num_samples=100", "solver=comp")
    found = SithReplacement(Reading((3, 4)), bootstrap_resamples=20).evaluate(study).metrics
    after, before = found["replacement/accuracy_after"], found["replacement/accuracy_before"]
    assert before > 0.6
    assert found["replacement/accuracy_perfect"] == pytest.approx(before, abs=0.02)
    assert after > found["replacement/accuracy_random"] + 0.1
    assert after > found["replacement/accuracy_removed"] + 0.1
    assert found["sith/cosine_perfect"] > 0.99
    assert found["sith/cosine_perfect"] > found["sith/cosine_after"] > found["sith/cosine_published"]
    read = Reading((3,), vectors=2).read(study.backbone, study.dictionary, study.solver, study.image_mean)
    plus, minus = read.explanations.directions(read.explanations.composed).view(-1, 2, 128).unbind(dim=1)
    ways = SithReplacement(Reading((3,), vectors=2))._directions(read.explanations)
    torch.testing.assert_close(ways["after"], (plus - minus) / 2)
    assert not torch.allclose(plus, -minus)
    few = SithReplacement(Reading((3, 4), vectors=1), bootstrap_resamples=20).evaluate(study).metrics
    assert few["sith/num_poles"] == 2 * 2 * 4
    assert few["sith/cosine_removed"] > found["sith/cosine_removed"] + 0.05  # the others write as before
    words = Reading((0, 1), tower="text", projection="linear")
    texts = SithReplacement(words, bootstrap_resamples=20).evaluate(study).metrics
    assert texts["sith/cosine_removed"] == pytest.approx(1)  # images do not pass through the text tower
    assert texts["replacement/accuracy_removed"] < before - 0.1
    with pytest.raises(SpliceError, match="needs reading.side=writes"):
        SithReplacement(Reading(side="reads"))


def test_the_worst_group_is_the_least_accurate_one():
    right, groups = np.array([1.0, 1, 0, 1, 0, 0]), np.array([0, 0, 1, 1, 1, 0])
    assert worst_group(right, groups).mean() == pytest.approx(1 / 3)


@pytest.mark.slow
def test_without_heads_about_scenes_images_on_the_other_background_are_classified_better():
    study = study_of("data=scenes_spurious", "data.num_samples=160", "solver=comp")
    side = Scenes(60, max_objects=1, label="colour")
    reading, selector = Reading((0, 1, 2, 3, 4)), ByCodes(SCENES)
    texts = ["a star on grass", "a heart on water"]
    options = {"random_edits": 2, "bootstrap_resamples": 50}
    evaluation = SithEditSpurious(reading, Highest(0.25), selector, side, "scene", texts, **options)
    found = evaluation.evaluate(study)
    metrics = found.metrics
    assert metrics["edit/worst_before"] < 0.2
    assert metrics["edit/worst_ablated"] > metrics["edit/worst_before"] + 0.2
    assert metrics["edit/average_ablated"] > metrics["edit/average_before"] + 0.1
    assert metrics["edit/side_ablated"] > metrics["edit/side_before"] - 0.2
    assert metrics["edit/worst_direct"] > metrics["edit/worst_before"] + 0.2
    assert metrics["edit/worst_direct"] > metrics["edit/worst_direct_random"] + 0.2
    assert metrics["edit/side_direct"] > metrics["edit/side_after"] + 0.1  # later layers do not see what is lacking
    assert metrics["edit/num_edited"] == 160  # of 640
    planned = plan(read_heads(study, reading), selector, Highest(0.25))
    assert all(layer < 2 for layer, _ in heads_of(planned)[:2])  # the first two layers write scenes
    with pytest.raises(SpliceError, match="set reading.tower=image"):
        SithEditSpurious(Reading(tower="text"), Highest(0.25), selector, side, "scene", texts)
    with pytest.raises(SpliceError, match="^texts has 1 texts"):
        SithEditSpurious(reading, Highest(0.25), selector, side, "scene", texts[:1]).evaluate(study)
    with pytest.raises(SpliceError, match="^attribute is 'place'"):
        SithEditSpurious(reading, Highest(0.25), selector, side, "place", texts).evaluate(study)


def test_the_safe_item_of_the_pair_is_the_right_answer():
    queries, items = torch.eye(3), torch.tensor([[1.0, 0, 0], [0.6, 0.8, 0], [0, 0.9, 0.1], [0, 0, 1.0]])
    assert hits_of(queries, items, 1).tolist() == [1, 0, 0]
    assert hits_of(queries, items, 2).tolist() == [1, 1, 1]
    assert hits_of(queries, torch.cat([items[:3], items[:1]]), 1).tolist() == [0, 0, 1]  # a tie counts against


@pytest.mark.slow
def test_flipped_heads_lead_unsafe_queries_to_safe_items():
    study = study_of("data=scenes_unsafe", "data.num_samples=120", "solver=comp")
    reading = Reading((0, 1), tower="text", projection="linear")
    options = {"random_edits": 1, "bootstrap_resamples": 20}
    found = SithEditUnsafe(reading, Highest(0.15, -1.0), ByCodes(["skull"]), **options).evaluate(study).metrics
    assert found["unsafe/unsafe_text_to_all_before"] < 0.3
    assert found["unsafe/unsafe_text_to_all_after"] > found["unsafe/unsafe_text_to_all_random"] + 0.1
    assert found["unsafe/text_to_image_before"] > 0.7
    assert found["data/num_samples"] == 60
    with pytest.raises(SpliceError, match="needs safe and unsafe images alternating, in pairs with captions"):
        SithEditUnsafe(reading, Highest(0.15), ByCodes(["skull"])).evaluate(study_of("data=scenes"))


@pytest.mark.slow
def test_without_vectors_about_scenes_codes_tell_scenes_no_more():
    study = study_of("data=scenes", "data.num_samples=150")
    parts = Reading((0, 1, 2, 3, 4)), Highest(0.25), COMP(), ByCodes(SCENES)
    found = SithEditCodes(*parts, kind="scene", random_edits=1, bootstrap_resamples=20).evaluate(study).metrics
    assert found["edit/told_target_after"] < found["edit/told_target_before"] - 0.3
    assert found["edit/told_target_after"] < found["edit/told_target_random"] - 0.2
    assert found["edit/told_others_after"] > 0.3 * found["edit/told_others_before"]
    assert found["codes/target_after"] < found["codes/target_before"]
    truth, codes = study.truth, study.decomposition.codes
    scenes = [next(c for c in truth.concepts(row) if truth.kind_of.get(c) == "scene") for row in range(len(truth))]
    told = [
        any(scene in truth.named(codes.concepts[column]) for column in support)
        for scene, support in zip(scenes, supports_of(codes), strict=True)
    ]
    assert found["edit/told_target_before"] == pytest.approx(np.mean(told))
    with pytest.raises(SpliceError, match="^kind is 'sound'"):
        SithEditCodes(*parts, kind="sound").evaluate(study)


def test_kinds_of_a_code_add_up(study):
    truth = study.data.truth()
    codes = Codes.from_support(torch.tensor([[0, 1], [2, -1]]), torch.tensor([[0.5, 0.25], [0.4, 0.0]]), 3)
    found = by_kind(codes, ["red star", "grass", "guitar"], truth)
    kinds = truth.kinds
    assert found[0, kinds.index("colour")] == found[0, kinds.index("shape")] == pytest.approx(0.25)
    assert found[0, kinds.index("scene")] == pytest.approx(0.25)
    assert found[1, -1] == pytest.approx(0.4)
    assert found.sum() == pytest.approx(1.15)


@pytest.mark.slow
def test_a_scaling_of_one_changes_nothing_and_concepts_of_classes_are_not_their_names():
    study = study_of("data=scenes_single", "data.num_samples=60", "solver=comp")
    evaluation = SithEditClassification(Reading((4,)), ByRelevance(-10.0, 1.0), random_edits=1, bootstrap_resamples=20)
    found = evaluation.evaluate(study).metrics
    assert found["edit/accuracy_after"] == found["edit/accuracy_before"] == found["edit/accuracy_random"] > 0.6
    assert found["edit/num_edited"] == found["edit/energy"] == found["edit/amplified"] == 0
    task = evaluation._task(study)
    assert not set(task) & set(study.data.classes)
    assert any("red" in name.split() for name in task)
    everything = SithEditClassification(Reading((4,)), ByRelevance(), named=True)._task(study)
    assert len(set(study.data.classes) & set(everything)) >= 8
    scaled = SithEditClassification(Reading((4,)), ByRelevance(0.3, 0.2), random_edits=1, bootstrap_resamples=20)
    assert scaled.evaluate(study).metrics["edit/energy"] > 0.01
    words = Reading((0, 1), tower="text", projection="linear")
    louder = SithEditClassification(words, ByRelevance(-10.0, 0.0), random_edits=1, bootstrap_resamples=20)
    assert (
        louder.evaluate(study).metrics["edit/accuracy_after"] < found["edit/accuracy_before"] - 0.3
    )  # class texts pass through the edited tower
