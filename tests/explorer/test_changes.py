"""Concepts are switched off and set, and classes follow."""

import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.explorer.changes import change, nearest_captions, nearest_images, scale_of
from tests.explorer.models import embeddings_of, explorer

MODEL = ("data=scenes", "data.num_samples=40")


def before_of(row=0):
    model = explorer()
    seen = model.sample(row)
    return model, seen, model.decompose(seen, 0.15)


def test_probabilities_are_those_of_the_cosines():
    model, seen, before = before_of()
    found = change(model, seen, before)
    assert found.classes == model.study.embeddings.classes
    torch.testing.assert_close(found.probabilities.sum(dim=1), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(found.probabilities[1], found.probabilities[2])
    cosines = before.reconstruct().double() @ model.study.class_features.double().T
    torch.testing.assert_close(found.probabilities[1:2], torch.softmax(scale_of(model) * cosines, dim=1))
    assert 50 < scale_of(model) <= 101


def test_what_is_switched_off_or_set_is_in_the_code():
    model, seen, before = before_of()
    name = before.top(1)[0][0][0]
    found = change(model, seen, before, off=[name], to={"grass": 0.5})
    codes = dict(found.after.top(100)[0])
    assert name not in codes
    assert codes["grass"] == 0.5
    listed = found.largest()
    assert [values[1] for _, values in listed] == sorted((values[1] for _, values in listed), reverse=True)
    assert not torch.equal(found.probabilities[1], found.probabilities[2])


def test_setting_a_scene_makes_it_more_probable():
    model, seen, before = before_of()
    classes = ["grass", "water"]
    plain, pushed = (change(model, seen, before, to=to, classes=classes) for to in ({}, {"grass": 1.0}))
    assert pushed.probabilities[2, 0] > plain.probabilities[2, 0]
    assert pushed.classes == ("grass", "water")


def test_an_unknown_concept_is_a_sentence():
    model, seen, before = before_of()
    with pytest.raises(SpliceError, match="There is no concept 'gras'"):
        change(model, seen, before, off=["gras"])


def test_the_nearest_of_an_embedding_are_first():
    model, seen, before = before_of(5)
    assert nearest_images(model, seen.features)[0] == 5
    assert 5 not in nearest_images(model, seen.features, but=5)
    captions = nearest_captions(model, before.reconstruct())
    texts = model.study.encode_text(captions)
    cosines = (texts @ before.reconstruct()[0]).tolist()
    assert cosines == sorted(cosines, reverse=True)


def test_embeddings_without_captions_and_tower(embedding_files):
    model = embeddings_of(embedding_files)
    seen = model.sample(0)
    before = model.decompose(seen, 0.2)
    found = change(model, seen, before, off=["cat"])
    assert found.probabilities.shape == (3, 3)
    assert nearest_captions(model, seen.features) == []
    with pytest.raises(SpliceError, match="no embedding for 1 of 2 texts"):
        change(model, seen, before, classes=["cat", "unicorn"])
