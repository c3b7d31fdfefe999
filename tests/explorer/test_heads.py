"""Heads: what they write, and a model without it."""

import pytest
import torch

from splice_exp import Sith
from splice_exp.core.errors import SpliceError
from splice_exp.explorer.heads import directions, looked_at, overview, shape_of, sith, writes
from splice_exp.explorer.model import NO_TOWER
from splice_exp.explorer.silence import Silence, edited, effect, save
from splice_exp.heads.reading import Reading
from tests.explorer.models import embeddings_of, explorer


def test_all_heads_are_in_the_overview():
    model = explorer()
    layers, heads = shape_of(model)
    cells = overview(model)
    places = [(layer, head) for layer in range(layers) for head in range(heads)]
    assert [(one.layer, one.head) for one in cells] == places
    assert sum(one.share for one in cells) == pytest.approx(1)
    last = sith(model).read(Reading([layers - 1], vectors=1))
    own = next(one for one in cells if (one.layer, one.head) == (layers - 1, 0))
    assert own.concepts[0] == last.explanations.top(1)[0][0][0]


def test_directions_come_in_pairs_with_the_images_that_drive_them():
    model = explorer()
    found = directions(model, 4, 1)
    assert [one.name[-1] for one in found[:4]] == ["+", "−", "+", "−"]
    assert found[0].singular_value == found[1].singular_value > found[2].singular_value
    along = writes(model, 4)[:, 1, 0]
    assert found[0].rows[0] == looked_at(model)[int(along.argmax())]
    assert found[1].rows[0] == looked_at(model)[int(along.argmin())]
    with pytest.raises(SpliceError, match="There is no head 9 in layer 4"):
        directions(model, 4, 9)


def test_silence_changes_a_copy_alone():
    model = explorer()
    before = model.backbone.encode_images([model.image(0)]).clone()
    silence = Silence("grass", layers=5, share=0.5)
    found = effect(model, silence, model.sample(0))
    assert torch.equal(model.backbone.encode_images([model.image(0)]), before)
    other, report = edited(model, silence)
    assert not torch.allclose(other.backbone.encode_images([model.image(0)]), before, atol=1e-3)
    assert report.num_edited == round(0.5 * report.num_vectors)
    assert sum(found.count) == 40
    assert 0 < found.changed <= 1
    torch.testing.assert_close(found.own.sum(dim=1), torch.ones(2, dtype=torch.float64))
    labels = model.study.embeddings.labels
    answers = (model.study.embeddings.features.double() @ model.study.class_features.double().T).argmax(dim=1)
    for name, accuracy in zip(found.classes, found.before, strict=True):
        members = labels == model.study.embeddings.classes.index(name)
        assert accuracy == pytest.approx(float((answers == labels)[members].double().mean()))


def test_an_edited_model_is_saved_once_under_a_plain_name(tmp_path, monkeypatch):
    model = explorer()
    monkeypatch.setitem(model.config["paths"], "results", str(tmp_path))
    silence = Silence("sand")
    for name in ("", "../out", "a/b", ".hidden", "a b", "<b>", "x" * 300):
        with pytest.raises(SpliceError, match="must be a plain one"):
            save(model, silence, name)
    where = save(model, silence, " no-sand ")
    assert where == f"local-dir:{tmp_path / 'explorer' / 'no-sand'}"
    again = Sith.load(where)
    own = edited(model, silence)[0].backbone.encode_images([model.image(1)])
    torch.testing.assert_close(again.backbone.encode_images([model.image(1)]), own)
    with pytest.raises(SpliceError, match="exists: write another name"):
        save(model, silence, "no-sand")


def test_without_a_tower_there_are_no_heads(embedding_files):
    model = embeddings_of(embedding_files)
    for question in (overview, shape_of):
        with pytest.raises(SpliceError) as refused:
            question(model)
        assert str(refused.value) == NO_TOWER
    with pytest.raises(SpliceError, match="embeddings without images"):
        effect(model, Silence("cat"))
