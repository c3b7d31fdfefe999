"""Fine-tuning teaches what was not known, changes nothing of the old model, and low-rank changes are of low rank."""

import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.fine_grained import FineGrainedScenes
from splice_exp.data.scenes.pairs import ScenePairs
from splice_exp.evaluation.sith.adaptation import SithAdaptation
from splice_exp.heads.reading import Reading
from splice_exp.training.fine_tuning import FineTuning, LowRank, fine_tuned
from tests.evaluation.studies import study_of

TRAIN = FineGrainedScenes(96, split="train")


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes_fine_grained", "data.num_samples=60", "solver=comp")


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_only_what_is_trained_changes_and_again_alike(study, mode):
    backbone = study.backbone
    before = {name: value.clone() for name, value in backbone.module.state_dict().items()}
    settings = FineTuning(mode, rank=2, epochs=1, batch_size=32, learning_rate=1e-3)
    one, again = (fine_tuned(backbone, TRAIN, settings) for _ in range(2))
    assert all(torch.equal(value, before[name]) for name, value in backbone.module.state_dict().items())
    after = one.module.state_dict()
    assert set(after) == set(before)
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert all(name.startswith("visual.") for name in changed)
    assert ("visual.proj" in changed) == (mode == "full")
    for name in changed if mode == "lora" else ():
        change = after[name] - before[name]
        assert torch.linalg.matrix_rank(change, rtol=1e-4) <= 2
        if name.endswith("in_proj_weight"):
            assert not change[: 2 * 128].any()  # queries and keys
    assert all(torch.equal(value, again.module.state_dict()[name]) for name, value in after.items())
    assert one.backbone_id == again.backbone_id != backbone.backbone_id
    assert not any(value.requires_grad for value in one.module.parameters())


def test_classes_of_the_same_name_are_trained_as_one(study):
    settings = FineTuning(epochs=1, batch_size=32, learning_rate=1e-3)
    once, twice = (FineGrainedScenes(96, split="train") for _ in range(2))
    twice.classes = (*once.classes, once.classes[0].upper())
    of_first = (once.labels == 0).nonzero().flatten()
    twice.labels = once.labels.index_fill(0, of_first[::2], len(once.classes))
    one, other = (fine_tuned(study.backbone, data, settings).module.state_dict() for data in (once, twice))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_a_low_rank_change_is_nothing_at_first():
    change = LowRank(range(2, 5), 7, 3)
    weight = torch.randn(9, 7)
    assert torch.equal(change(weight), weight)
    change.up.data.fill_(1.0)
    moved = change(weight) - weight
    assert moved[2:5].abs().min() > 0
    assert not moved[:2].any()
    assert not moved[5:].any()


def test_what_cannot_be_tuned_is_refused(study):
    with pytest.raises(SpliceError, match="^mode is 'half'"):
        FineTuning("half")
    with pytest.raises(SpliceError, match="^epochs is 0"):
        FineTuning(epochs=0)
    with pytest.raises(SpliceError, match="it needs reading.tower="):
        SithAdaptation(Reading(vectors=3), FineTuning(), TRAIN)
    with pytest.raises(SpliceError, match="reading.projection is 'jacobian'"):
        SithAdaptation(Reading(projection="jacobian"), FineTuning(), TRAIN)
    with pytest.raises(SpliceError, match="^train is scenes_pairs, which must be images with the classes"):
        SithAdaptation(Reading(), FineTuning(), ScenePairs(4)).evaluate(study)


@pytest.mark.slow
def test_shares_of_what_changes_add_up(study):
    settings = FineTuning(epochs=1, batch_size=32, learning_rate=3e-4)
    found = SithAdaptation(Reading((2, 3)), settings, TRAIN, bootstrap_resamples=20).evaluate(study)
    metrics = found.metrics
    for suffix in ("", "_null"):
        assert sum(metrics[f"adapt/{name}{suffix}"] for name in ("reweighted", "mixed", "new")) == pytest.approx(1)
    assert metrics["adapt/new_null"] == pytest.approx(1 - 32 / 127, abs=0.02)  # one side stays in the old space
    assert 0 < metrics["adapt/change"] < 0.5
    assert metrics["adapt/likeness"] > 0.9
    assert len(found.sample_ids) == metrics["adapt/num_heads"] == 8
    assert list(found.tables["difference"]["head"]) == list(found.sample_ids)
