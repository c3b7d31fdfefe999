"""Measures of hand-made maps, and maps of the synthetic benchmark that lie where they should."""

import numpy as np
import pytest
import torch

from splice_exp.attribution.priors import Centre, Random
from splice_exp.attribution.removal import Mean
from splice_exp.attribution.rise import Rise
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.pairs import ScenePairs
from splice_exp.data.voc_pairs import VocPairs
from splice_exp.evaluation.cocoa.localization import CocoaLocalization, in_view
from splice_exp.evaluation.cocoa.prompts import Prompts
from splice_exp.evaluation.measures import localization
from tests.data.layouts import write_voc_segments
from tests.evaluation.studies import study_of


@pytest.fixture
def mask():
    found = np.zeros((8, 8), dtype=bool)
    found[2:5, 3:7] = True
    return found


def test_the_mask_itself_is_the_best_map_and_its_negative_the_worst(mask):
    scores = mask.astype(float)
    assert localization.points_at(scores, mask) == 1
    assert localization.energy(scores, mask) == 1
    assert localization.precision_of(scores, mask) == 1
    for region in (localization.above_mean(scores), localization.above_otsu(scores), localization.at_levels(scores)[9]):
        assert localization.overlap(region, mask) == 1
        assert localization.finds_box(region, mask) == 1
    assert localization.points_at(-scores, mask) == 0
    assert localization.energy(-scores, mask) == 0
    assert not localization.at_levels(-scores).any()


def test_measures_of_a_hand_made_map(mask):
    scores = np.zeros((8, 8))
    scores[0, 0], scores[2, 3], scores[3, 4] = 4.0, 3.0, 1.0
    assert localization.points_at(scores, mask) == 0
    assert localization.energy(scores, mask) == pytest.approx(4 / 8)
    # Ranks: outside, inside, inside, then all others at once: 12 of 64 are inside.
    expected = (1 / 2 + 2 / 3 + 10 * 12 / 64) / 12
    assert localization.precision_of(scores, mask) == pytest.approx(expected)
    assert localization.points_at(np.zeros((8, 8)), mask) == pytest.approx(12 / 64)  # all are equal: chance
    assert localization.energy(np.zeros((8, 8)), mask) == 0
    levels = localization.at_levels(scores)
    assert [int(levels[place].sum()) for place in (0, 4, 5, 18)] == [3, 3, 2, 1]  # 0.05, 0.25, 0.30, 0.95 of 4


def test_the_box_is_that_of_the_largest_part(mask):
    region = mask.copy()
    region[7, 0:2] = True  # a smaller part elsewhere
    assert localization.finds_box(region, mask) == 1
    region = np.zeros_like(mask)
    region[2:4, 3:5] = True  # 4 of 12 pixels
    assert localization.finds_box(region, mask) == 0
    assert localization.finds_box(np.zeros_like(mask), mask) == 0
    assert localization.box_of(mask) == (slice(2, 5), slice(3, 7))


def test_otsu_splits_two_groups():
    random = np.random.default_rng(0)
    scores = np.concatenate([random.normal(0, 0.1, 700), random.normal(1, 0.1, 300)]).reshape(20, 50)
    assert np.array_equal(localization.above_otsu(scores), np.arange(1000).reshape(20, 50) >= 700)


def test_masks_are_cropped_as_images_are():
    wide = np.zeros((4, 8), dtype=bool)
    wide[:, 2:4] = True
    assert np.array_equal(localization.fit(wide, (4, 4), 0), wide[:, 2:6])
    assert np.array_equal(localization.fit(wide, (8, 8), 0), np.repeat(np.repeat(wide[:, 2:6], 2, axis=0), 2, axis=1))
    assert np.array_equal(localization.fit(wide, (4, 8), 0), wide)
    # Resized to 4 × 8, of which the backbone cuts one pixel off each side.
    assert np.array_equal(localization.fit(wide, (2, 2), 1), wide[1:3, 3:5])


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes_pairs", "data.num_samples=10")


@pytest.fixture(scope="module")
def found(study):
    def evaluate(method, **given):
        options = {"removal": Mean(), "val": ScenePairs(4, split="val"), "bootstrap_resamples": 20, **given}
        return CocoaLocalization(method, **options).evaluate(study)

    return evaluate


def test_maps_of_a_name_lie_on_its_object(study, found):
    rise = Rise(num_masks=200, grid=7)
    other, label_free, all_names = (
        found(rise, kind=kind, foil=foil).metrics
        for kind, foil in (("contrastive_corpus", "other"), ("label_free", "other"), ("contrastive_corpus", "all"))
    )
    assert other["localization/pointing"] >= 0.65
    assert other["localization/both"] >= 0.5
    assert other["localization/energy_ratio"] > 3
    assert label_free["localization/both"] == 0  # one map cannot point at two objects
    assert label_free["localization/pointing"] <= 0.5
    assert all_names["localization/absent_peak"] < 0.9
    assert "localization/absent_peak" not in other
    for name, method in (("random", Random()), ("centre", Centre())):
        null = found(method).metrics
        assert null["localization/pointing"] < other["localization/pointing"] - 0.3, name
        assert null["localization/energy_ratio"] < 3, name


def test_the_table_keeps_the_maps_of_the_first_pictures(study, found):
    tables = found(Random(), shown=2).tables
    assert tables["maps"]["picture"].tolist() == [0, 0, 1, 1]
    assert set(tables["maps"]["name"][:2]) == set(study.data.regions(0))
    assert len(tables["maps"]["values"][0]) == 84 * 84
    pixels = np.array(tables["pictures"]["values"][1], np.uint8).reshape(84, 84, 3)
    assert np.array_equal(pixels, np.asarray(study.data.inputs(1, 2)[0]))


def test_directions_are_those_of_the_texts(study):
    names = ["red star", "blue ring", "green moon", "red ring", "white heart"]
    prompts = Prompts(study.backbone, "a photo of a {}", names)
    own = study.embeddings.features[:2]
    questions = prompts.questions([("red star", "blue ring"), ("green moon", "red ring")], own, seed=0)
    texts = study.backbone.encode_text([f"a photo of a {name}" for name in names])
    weights = dict(zip(questions.names, _weights(questions, range(1, 2)), strict=True))
    torch.testing.assert_close(weights["other_0"], texts[2] - texts[3])
    torch.testing.assert_close(weights["all_1"], texts[3] - texts[[0, 1, 2, 4]].mean(dim=0))
    torch.testing.assert_close(weights["label_free"], own[1])
    torch.testing.assert_close(weights["contrastive_label_free"], own[1] - texts.mean(dim=0))
    assert prompts.absent(["red star", "green ring"], np.random.default_rng(0)) == "white heart"
    with pytest.raises(SpliceError, match="Every name shares a word with"):
        prompts.absent(["red star", "blue ring", "green moon", "white heart"], np.random.default_rng(0))


def _weights(questions, rows):
    return [one.weights[0, 0] for one in questions.of(rows)._targets]


def test_pictures_without_two_objects_are_refused(study, found):
    with pytest.raises(SpliceError, match="needs two named objects in every image, but scenes_single has"):
        CocoaLocalization(Random(), Mean(), ScenePairs(4)).evaluate(
            study_of("data=scenes_single", "data.num_samples=4")
        )
    with pytest.raises(SpliceError, match="but planted has other images"):
        found(Random(), val=study_of("data=planted", "data.num_samples=4").data)
    with pytest.raises(SpliceError, match=r"^prompt is 'a photo', but must have \{\} once"):
        found(Random(), prompt="a photo")


def test_photographs_are_judged_where_both_objects_are_in_view(tmp_path):
    kinds = {f"{row:06d}": (1 + row, 10 + row) for row in range(4)}
    for split in ("val", "test"):
        write_voc_segments(tmp_path, split, kinds)
    study = study_of("data=voc_pairs", f"data.root={tmp_path}")
    found = CocoaLocalization(Random(), Mean(), VocPairs(str(tmp_path), "val"), bootstrap_resamples=5).evaluate(study)
    assert found.metrics["data/num_samples"] == 4
    assert found.metrics["localization/num_out_of_view"] == 0
    write_voc_segments(tmp_path, "test", kinds, height=60)  # objects lie at the top, which is cut off
    study = study_of("data=voc_pairs", f"data.root={tmp_path}")
    with pytest.raises(SpliceError, match="has no image of which the backbone sees both objects"):
        in_view(study.data, study.backbone)
    write_voc_segments(tmp_path, "test", dict(list(kinds.items())[:1]))
    (tmp_path / "VOCdevkit" / "VOC2007" / "ImageSets" / "Segmentation" / "test.txt").write_text("000000\n000001\n")
    study = study_of("data=voc_pairs", f"data.root={tmp_path}")
    assert in_view(study.data, study.backbone).sample_ids == ("VOCdevkit/VOC2007/JPEGImages/000000.jpg",)
