"""The data sets of the synthetic benchmark: what each promises, and that generation is the same everywhere."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes import sources
from splice_exp.data.scenes.attributes import AttributeScenes
from splice_exp.data.scenes.drift import DriftScenes
from splice_exp.data.scenes.fine_grained import FineGrainedScenes
from splice_exp.data.scenes.placement import RADIUS, SIDE
from splice_exp.data.scenes.plain import Scenes
from splice_exp.data.scenes.spurious import SpuriousScenes
from splice_exp.data.scenes.unsafe import UnsafeScenes
from splice_exp.data.scenes.world import with_ambiguous

ALL = [Scenes, SpuriousScenes, AttributeScenes, DriftScenes, UnsafeScenes, FineGrainedScenes]
# Of the pixels and captions below; it changes if an image of the benchmark does, and then every table of it is void.
GOLDEN = "7a70e4eec839c89c"


def digest_of(data):
    pixels = hashlib.blake2b(digest_size=16)
    for image in data.inputs(0, len(data)):
        pixels.update(np.asarray(image).tobytes())
    return hashlib.sha256(f"scenes:{pixels.hexdigest()}{data.captions()!r}".encode()).hexdigest()[:16]


def test_the_world_is_the_one_that_the_tables_were_made_with():
    combined = hashlib.sha256("".join(digest_of(source(60, seed=7)) for source in ALL).encode()).hexdigest()[:16]
    assert combined == GOLDEN


def test_generation_is_bit_identical_in_another_process():
    code = (
        "from splice_exp.data.scenes.plain import Scenes; from tests.data.scenes.test_sources import digest_of\n"
        "data = Scenes(60, seed=7); print(digest_of(data), data.fingerprint())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    data = Scenes(60, seed=7)
    assert answer.stdout.split() == [digest_of(data), data.fingerprint()]


class Pixels(torch.utils.data.Dataset):
    """Renders its images in whichever process first asks for one."""

    def __init__(self, size):
        self.source = Scenes(size, seed=1)
        vars(self.source).pop("drawn")
        sources._DRAWN.clear()

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        return np.asarray(self.source.inputs(index, index + 1)[0])


@pytest.mark.parametrize("workers", [1, 2])
def test_generation_is_bit_identical_for_any_number_of_workers(workers):
    loaded = torch.cat(list(DataLoader(Pixels(40), batch_size=7, num_workers=workers)))
    together = np.stack([np.asarray(image) for image in Scenes(40, seed=1).inputs(0, 40)])
    assert np.array_equal(loaded.numpy(), together)


def test_equal_data_sets_share_what_is_drawn_and_only_the_last_are_kept():
    first = Scenes(5)
    assert Scenes(5).pictures is first.pictures
    assert Scenes(5).captions() is first.captions()
    for other in (Scenes(5, seed=1), Scenes(5, split="val"), Scenes(6), Scenes(5, max_objects=1)):
        assert other.pictures != first.pictures
    for seed in range(sources.KEPT + 3):
        Scenes(1, seed=seed)
    assert len(sources._DRAWN) == sources.KEPT
    assert Scenes(5).pictures == first.pictures  # drawn again
    assert Scenes(5).pictures is not first.pictures


@pytest.mark.parametrize("source", ALL)
def test_every_data_set_answers_alike(source):
    data = source(25, split="val", seed=3)
    assert len(data) == len(data.inputs(0, 25)) == len(data.captions()) == len(data.truth()) == 25
    assert data.labels.shape == (25,)
    assert int(data.labels.max()) < len(data.classes)
    assert data.inputs(0, 1)[0].size == (SIDE, SIDE)
    assert [mask.shape for mask in data.masks(4)] == [(SIDE, SIDE)] * len(data.pictures[4].objects)
    for sample in range(25):
        assert data.truth().concepts(sample) == with_ambiguous(data.pictures[sample].concepts)
    longer = source(30, split="val", seed=3)
    assert longer.pictures[:25] == data.pictures  # sample i does not depend on n
    for other in (source(25, split="test", seed=3), source(25, split="val", seed=4)):
        assert other.fingerprint() != data.fingerprint()
        assert not set(other.sample_ids) & set(data.sample_ids)


def test_the_class_of_plain_scenes_is_the_attribute_asked_for():
    for label in ("shape", "colour", "surface", "size"):
        data = Scenes(50, max_objects=1, label=label)
        assert [data.classes[i] for i in data.labels] == [getattr(p.objects[0], label) for p in data.pictures]
    data = Scenes(300)
    assert [data.classes[i] for i in data.labels] == [picture.scene for picture in data.pictures]
    assert {len(picture.objects) for picture in data.pictures} == {1, 2, 3, 4, 5}


def test_a_spurious_scene_agrees_in_training_and_not_in_testing():
    train = SpuriousScenes(2000, split="train")
    share = (train.labels == train.attributes()["scene"].labels).double().mean()
    assert 0.93 < share < 0.97
    for split in ("val", "test"):
        data = SpuriousScenes(400, split=split)
        assert torch.bincount(2 * data.labels + data.attributes()["scene"].labels).tolist() == [100] * 4
    scene = train.attributes()["scene"]
    assert [picture.scene for picture in train.pictures] == [scene.values[label] for label in scene.labels]


def test_two_attributes_are_independent():
    data = AttributeScenes(400)
    assert torch.bincount(2 * data.labels + data.attributes()["surface"].labels).tolist() == [100] * 4
    for picture, label, edited in zip(data.pictures, data.labels, data.attributes()["surface"].labels, strict=True):
        assert picture.objects[0].shape == ("star", "heart")[label]
        assert picture.objects[0].surface == ("striped", "plain")[edited]


def test_prevalence_drifts_as_planned():
    data = DriftScenes(6000)
    for concept, planned in data.prevalence.items():
        there = np.array([concept in picture.concepts for picture in data.pictures])
        by_year = np.array([there[data.labels.numpy() == year].mean() for year in range(10)])
        assert np.abs(by_year - planned).max() < 4 * 0.5 / 600**0.5
    assert data.classes[0] == "2015"
    assert data.classes[-1] == "2024"


def test_unsafe_pairs_differ_in_the_symbol_only():
    data = UnsafeScenes(100)
    texts = data.captions()
    for safe, unsafe in zip(range(0, 100, 2), range(1, 100, 2), strict=True):
        assert "skull" not in data.pictures[safe].concepts
        assert "skull" in data.pictures[unsafe].concepts
        changed = (np.asarray(data.inputs(safe, safe + 1)[0]) != np.asarray(data.inputs(unsafe, unsafe + 1)[0])).any(2)
        first = data.pictures[safe].objects[0]
        rows, columns = np.nonzero(changed)
        reach = 1.7 * RADIUS[first.size] + 9  # with a part, blurred or in coarse pixels
        assert np.abs(rows - first.row).max() <= reach
        assert np.abs(columns - first.column).max() <= reach
        words = [text.replace(",", "").split() for text in (texts[safe][0], texts[unsafe][0])]
        assert len(words[0]) == len(words[1])
        different = [pair for pair in zip(*words, strict=True) if pair[0] != pair[1] and set(pair) != {"a", "an"}]
        assert len(different) == 1
        assert different[0][1] in ("skull", "cranium", "spooky")


def test_fine_classes_share_one_concept():
    data = FineGrainedScenes(200)
    assert set(data.labels.tolist()) == set(range(5))
    assert all("star" in data.truth().concepts(sample) for sample in range(200))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Scenes(0), "^num_samples is 0"),
        (lambda: Scenes(5, max_objects=6), "^max_objects is 6"),
        (lambda: Scenes(5, label="shape"), "differs between objects"),
        (lambda: Scenes(5, label="shapes"), "^label"),
        (lambda: Scenes(5, split="dev"), "^split"),
        (lambda: Scenes(5, seed=-1), "^seed"),
        (lambda: SpuriousScenes(5, label_values=("star", "star")), "two different"),
        (lambda: SpuriousScenes(5, label_values=("star", "stars")), "^label_values"),
        (lambda: SpuriousScenes(5, label="scene"), "^label is 'scene'"),
        (lambda: SpuriousScenes(5, label="colour"), "^label_values"),
        (lambda: SpuriousScenes(5, agreement=1.5), "^agreement is 1.5"),
        (lambda: AttributeScenes(5, edited="shape"), "two different attributes"),
        (lambda: AttributeScenes(5, edited_values=("striped", "red")), "^edited_values"),
        (lambda: DriftScenes(5, years=(2020, 2020)), "^years"),
        (lambda: DriftScenes(5, value_prevalence=(0.1, 1.2)), "^value_prevalence"),
        (lambda: DriftScenes(5, attribute="scene"), "^attribute is 'scene'"),
        (lambda: DriftScenes(5, value="star"), "^value is 'star'"),
        (lambda: UnsafeScenes(5, symbol="bomb"), "^symbol"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(SpliceError, match=message):
        make()
