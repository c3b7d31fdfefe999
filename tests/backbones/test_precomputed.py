import pytest
import torch

from splice_exp.backbones.precomputed import PrecomputedBackbone
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import write_json
from splice_exp.core.tensors import write_tensors


def test_encoding_is_looking_up(embedding_files):
    bank = PrecomputedBackbone(str(embedding_files["T"]))
    found = bank.encode_text(["snow", "cat", "snow"])
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))
    assert torch.equal(found[0], found[2])
    assert not torch.equal(found[0], found[1])
    assert bank.known_texts[:3] == ("cat", "dog", "Polar Bear")
    assert bank.dim == 16


@pytest.mark.parametrize("name", ["polar bear", "Polar_Bear", "POLAR  BEAR"])
def test_names_match_whatever_their_case_and_underscores(embedding_files, name):
    bank = PrecomputedBackbone(str(embedding_files["T"]))
    assert bank.knows_text(name)
    assert torch.equal(bank.encode_text([name]), bank.encode_text(["Polar Bear"]))


def test_an_exact_name_wins_over_a_canonical_one(tmp_path):
    write_tensors(tmp_path / "T.safetensors", {"embeddings": torch.eye(3)})
    write_json(tmp_path / "T.json", {"texts": ["Turkey", "turkey", "TURKEY"]})
    bank = PrecomputedBackbone(str(tmp_path / "T.safetensors"))
    assert bank.encode_text(["Turkey", "turkey", "TURKEY", "tUrKeY"]).argmax(dim=1).tolist() == [0, 1, 2, 1]


def test_missing_texts_are_one_error_with_their_neighbours(embedding_files):
    bank = PrecomputedBackbone(str(embedding_files["T"]))
    with pytest.raises(SpliceError, match=r"2 of 3 texts: 'dogs' \(nearest: 'dog'\), 'xylophone' \(nothing near it\)"):
        bank.encode_text(["dogs", "cat", "xylophone"])
    with pytest.raises(SpliceError, match=r"'word 49' \(and 9950 more\)\. Take names of the bank"):
        bank.encode_text([f"word {i}" for i in range(10_000)])


def test_it_encodes_no_images(embedding_files):
    with pytest.raises(SpliceError, match="data=embeddings_file"):
        PrecomputedBackbone(str(embedding_files["T"])).encode_images(torch.zeros(1, 3, 8, 8))


def test_the_fingerprint_is_of_content(embedding_files, tmp_path):
    before = PrecomputedBackbone(str(embedding_files["T"])).backbone_id
    write_json(tmp_path / "T.json", {"texts": [str(i) for i in range(8)]})
    assert PrecomputedBackbone(str(embedding_files["T"])).backbone_id != before


def test_a_bank_without_texts_is_refused(embedding_files, tmp_path):
    write_json(tmp_path / "T.json", {"texts": ["only one"]})
    with pytest.raises(SpliceError, match=r"^texts: .*names 1 `texts` for 8 embeddings"):
        PrecomputedBackbone(str(embedding_files["T"]))


def test_a_template_needs_a_place_for_the_name(embedding_files):
    with pytest.raises(SpliceError, match=r"^class_templates is \['a photo'\]"):
        PrecomputedBackbone(str(embedding_files["T"]), class_templates=["a photo"])


def test_a_class_is_known_by_all_of_its_texts(embedding_files):
    bank = PrecomputedBackbone(str(embedding_files["T"]), class_templates=["{}", "polar {}"])
    assert not bank.knows_class("cat")  # there is no polar cat …
    assert not bank.knows_class("bear")  # … nor a bear that is not polar
    assert bank.encode_classes([]).shape == (0, bank.dim)
    polar = PrecomputedBackbone(str(embedding_files["T"]), class_templates=["polar {}"])
    assert polar.knows_class("bear")
    torch.testing.assert_close(polar.encode_classes(["bear"]), polar.encode_text(["polar bear"]))
