"""Selectors find what was asked for, rules scale it, and an edited model is one of open_clip."""

import open_clip
import pytest
import torch

from splice_exp.backbones.checkpoint import save_checkpoint
from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.plain import Scenes
from splice_exp.embeddings.extract import extract
from splice_exp.embeddings.texts import embed_classes
from splice_exp.heads.editing import edited, plan
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import Above, ByRelevance, Highest, energy_of, random_factors
from splice_exp.heads.selectors import ByCodes, ByList, BySubspace, orthonormal
from tests.evaluation.studies import study_of

SCENES = ("grass", "sand", "water", "sky", "night", "snow", "brick", "forest", "wood", "stone")
COLOURS = ("red", "green", "blue", "purple", "brown", "black")


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes", "data.num_samples=60", "solver=comp")


HALF = Above(0.5)


def planned(study, selector, rule=HALF, **options):
    reading = Reading(**{"layers": (2, 3), **options})
    return plan(reading.read(study.backbone, study.dictionary, study.solver, study.image_mean), selector, rule)


@pytest.mark.parametrize("selector", [ByCodes, BySubspace])
def test_vectors_about_scenes_are_those_of_an_early_layer_and_colours_of_the_last(study, selector):
    for names, layer in ((SCENES, 0), (COLOURS, 1)):
        found = planned(study, selector(names), layers=(1, 4))
        energy = found.spectra.gains.square()
        means = ((found.scores * energy).sum(dim=(1, 2)) / energy.sum(dim=(1, 2))).tolist()
        assert means[layer] > 1.2 * means[1 - layer]


def test_scores_are_those_of_their_formulas(study):
    found = planned(study, ByCodes(SCENES))
    dictionary, codes = study.dictionary, found.explanations.solution.codes.dense().double()
    wanted = dictionary.atoms[[dictionary.index(name) for name in SCENES]].double()
    poles = codes @ (dictionary.atoms.double() @ wanted.T).amax(dim=1)
    torch.testing.assert_close(found.scores.flatten(), torch.maximum(poles[0::2], poles[1::2]), atol=1e-6, rtol=1e-5)
    subspace = planned(study, BySubspace(SCENES))
    q = torch.linalg.qr(wanted.T).Q
    expected = (subspace.explanations.targets @ q).square().sum(dim=1)
    torch.testing.assert_close(subspace.scores.flatten(), torch.maximum(expected[0::2], expected[1::2]))
    assert len(orthonormal(torch.cat([wanted, wanted[:2]]))) == len(SCENES)
    listed = planned(study, ByList(["L3.H1.2"]))
    assert listed.scores[1, 1, 2] == 1
    assert listed.scores.sum() == 1


def test_rules_make_factors_of_scores():
    scores = torch.tensor([0.1, 0.6, 0.4, 0.6])
    assert Above(0.5, -1.0).factors(scores).tolist() == [1, -1, 1, -1]
    assert Highest(0.5).factors(scores).tolist() == [1, 0, 1, 0]
    assert Highest(0.25).factors(scores).tolist() == [1, 0, 1, 1]  # of equal scores the first
    torch.testing.assert_close(
        ByRelevance().factors(scores), torch.tensor([0.8, 0.9, 0.8, 0.9], dtype=torch.float64), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("factor", [0.0, -1.0, 0.5, 1.3])
def test_a_random_edit_has_as_much_energy_and_is_drawn_from_all_vectors(factor):
    gains = torch.rand(200, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.1
    factors = Highest(0.2, factor).factors(gains)
    drawn = [random_factors(gains, factors, seed) for seed in range(5)]
    for one in drawn:
        assert energy_of(gains, one) == pytest.approx(energy_of(gains, factors))
        assert ((one - 1).abs() <= abs(factor - 1) + 1e-12).all()
    # Of the selected ones as often as of the others.
    hit = torch.stack([random_factors(gains, factors, seed) != 1 for seed in range(200)]).double().mean(dim=0)
    assert float(hit[factors == 1].mean()) == pytest.approx(float(hit[factors != 1].mean()), rel=0.1)
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(random_factors(gains, torch.ones(200), 0), torch.ones(200, dtype=torch.float64))


@pytest.mark.parametrize(("tower", "other"), [("image", "text"), ("text", "image")])
def test_an_edit_of_one_tower_leaves_the_embeddings_of_the_other_in_the_cache(study, monkeypatch, tower, other):
    found = planned(study, ByCodes(SCENES), layers=(1,), tower=tower, projection="linear")
    model, _ = edited(study.backbone, found.spectra, found.factors)
    assert model.tower_id(other) == study.backbone.backbone_id
    assert model.tower_id(tower) == model.backbone_id != study.backbone.backbone_id
    before, classes = study.embeddings.features, study.class_features
    encode = {"image": "encode_batch", "text": "encode_text"}
    with monkeypatch.context() as patch:
        patch.setattr(type(model), encode[other], None)
        if other == "image":
            assert torch.equal(extract(study.data, model, study.cache).features, before)
        else:
            assert torch.equal(embed_classes(study.embeddings.classes, model, study.cache), classes)
    again, _ = edited(model, found.spectra, found.factors)  # the same tower twice
    assert again.tower_id(other) == study.backbone.backbone_id
    assert again.tower_id(tower) != model.tower_id(tower)


def test_both_towers_may_be_changed_one_after_the_other(study):
    first, second = (
        planned(study, ByCodes(SCENES), layers=(1,), tower=tower, projection="linear") for tower in ("image", "text")
    )
    one, _ = edited(study.backbone, first.spectra, first.factors)
    both, _ = edited(one, second.spectra, second.factors)
    assert both.tower_id("image") == one.backbone_id
    assert both.tower_id("text") == both.backbone_id


def test_an_edited_model_is_saved_and_loads_through_open_clip(study, tmp_path):
    images = Scenes(8).inputs(0, 8)
    found = planned(study, ByCodes(SCENES))
    model, report = edited(study.backbone, found.spectra, found.factors)
    assert report.num_edited > 10
    assert model.backbone_id != study.backbone.backbone_id
    same, nothing = edited(study.backbone, found.spectra, torch.ones_like(found.factors))
    assert same.backbone_id == study.backbone.backbone_id
    assert nothing.num_edited == 0
    before = study.backbone.encode_images(images)
    assert torch.equal(same.encode_images(images), before)
    assert (model.encode_images(images) - before).abs().max() > 0.02
    for name, one in (("edited", model), ("same", same)):
        save_checkpoint(one, tmp_path / name)
        again = OpenClipBackbone(f"local-dir:{tmp_path / name}")
        assert torch.equal(again.encode_images(images), one.encode_images(images))
        assert torch.equal(again.encode_text(["a red star"]), study.backbone.encode_text(["a red star"]))


def test_weights_that_need_quick_gelu_keep_it_when_saved(tmp_path):
    model = open_clip.create_model("ViT-B-32", pretrained=None)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    backbone = OpenClipBackbone("ViT-B-32", "openai", weights=str(tmp_path / "weights.pt"))
    save_checkpoint(backbone, tmp_path / "saved")
    again = OpenClipBackbone(f"local-dir:{tmp_path / 'saved'}")
    words = ["a red star", "grass"]
    assert backbone.forced_quick_gelu
    assert torch.equal(again.encode_text(words), backbone.encode_text(words))


def test_what_cannot_be_edited_is_refused(study):
    with pytest.raises(SpliceError, match="needs vectors=null, side=writes"):
        planned(study, ByCodes(SCENES), vectors=3)
    with pytest.raises(SpliceError, match="There is no concept 'gras' among"):
        planned(study, ByCodes(["gras"]))
    with pytest.raises(SpliceError, match="^concepts is empty"):
        BySubspace([])
    with pytest.raises(SpliceError, match="^vectors has 'L9.H0.0', which is none"):
        planned(study, ByList(["L9.H0.0"]))
    with pytest.raises(SpliceError, match=r"none \(both signed directions of a vector are edited: L3.H1.2\)"):
        planned(study, ByList(["L3.H1.2+"]))
    with pytest.raises(SpliceError, match=r"names its vectors, but the rule edits a share of 0.25 of all: set rule@"):
        planned(study, ByList(["L3.H1.2"]), Highest(0.25))
    with pytest.raises(SpliceError, match="^share is 0"):
        Highest(0.0)
