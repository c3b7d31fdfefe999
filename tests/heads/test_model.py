"""SITH in a notebook: read, edit, save, and load what was saved."""

import pytest
import torch

from splice_exp import Reading, Sith
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.plain import Scenes
from splice_exp.heads.rules import Above
from splice_exp.heads.selectors import ByList
from tests.heads.models import Tiny

SCENES = ["grass", "sand", "water", "sky", "night", "snow", "brick", "forest", "wood", "stone"]


@pytest.fixture(scope="module")
def sith():
    return Sith.load()


def test_heads_are_read(sith):
    found = sith.read()
    table = found.table(4)
    assert list(table.pole[:2]) == ["L4.H0.0+", "L4.H0.0−"]
    assert len(table) == len(found.explanations) == 2 * 4 * 32
    assert (table.fidelity > 0.1).all()
    assert table.concepts[0].count(",") <= 2
    assert len(sith.read(Reading([0, 1], vectors=2, projection="linear")).names) == 2 * 4 * 2 * 2


def test_an_edit_leaves_the_old_model_and_can_be_saved(sith, tmp_path):
    pictures = Scenes(8).inputs(0, 8)
    before = sith.backbone.encode_images(pictures)
    other, report = sith.edit(SCENES, reading=Reading([2, 3]))
    assert report.num_edited == 64
    after = other.backbone.encode_images(pictures)
    assert torch.equal(sith.backbone.encode_images(pictures), before)
    assert (before * after).sum(dim=1).max() < 0.999
    assert len(report.concepts) == 2 * 64
    assert any({"grass", "sand", "snow"} & set(concepts) for concepts in report.concepts.values())
    assert "concepts" not in repr(report)
    assert repr(report).startswith("EditReport(64 of 256 vectors, relative squared norm ")
    assert f"<td>{report.names[0]}+</td>" in report._repr_html_()
    name = other.save(tmp_path / "edited")
    assert name == f"local-dir:{tmp_path / 'edited'}"
    loaded = Sith.load(name)
    assert loaded.dictionary.concepts == sith.dictionary.concepts
    assert torch.equal(loaded.mean, sith.mean)
    torch.testing.assert_close(loaded.backbone.encode_images(pictures), after, atol=1e-6, rtol=0)
    names = tmp_path / "names.txt"
    names.write_text("\n".join(SCENES))
    (tmp_path / "edited" / "image_mean.safetensors").unlink()
    again = Sith.load(name, vocabulary=names)
    torch.testing.assert_close(again.backbone.encode_images(pictures), after, atol=1e-6, rtol=0)
    assert again.mean is None
    assert again.read(Reading([3], vectors=1, projection="linear")).names[0] == "L3.H0.0+"
    same, report = sith.edit(ByList(["L4.H0.0"]), Above(2.0))
    assert report.num_edited == 0
    assert torch.equal(same.backbone.encode_images(pictures), before)


def test_what_a_list_names_is_edited_and_nothing_else(sith):
    assert sith.edit(ByList(["L4.H0.0", "L4.H1.3"]))[1].names == ("L4.H0.0", "L4.H1.3")
    report = sith.edit(ByList(["L4.H2"]))[1]
    assert report.num_edited == 32
    assert all(name.startswith("L4.H2.") for name in report.names)


def test_what_it_cannot_do_is_said(sith, tmp_path):
    bare = Sith(sith.backbone, sith.dictionary)
    assert bare.read().explanations.mean.abs().max() == 0  # linear without a mean
    with pytest.raises(SpliceError, match="needs the image mean"):
        bare.read(Reading(projection="published"))
    with pytest.raises(SpliceError, match="which needs images"):
        sith.read(Reading(projection="jacobian"))
    with pytest.raises(SpliceError, match="selector is 'grass', but must be a list of concepts"):
        sith.edit("grass")
    with pytest.raises(SpliceError, match="no concept 'submarine'"):
        sith.edit(["submarine"])
    with pytest.raises(SpliceError, match="tiny is no model of open_clip"):
        Sith(Tiny(), sith.dictionary).save(tmp_path)
    with pytest.raises(SpliceError, match=r"no model is named: Sith.load\('ViT-B-32'"):
        Sith.load(pretrained="openai")
    with pytest.raises(SpliceError, match="which needs a vocabulary"):
        Sith.load("ViT-B-32", "openai")
