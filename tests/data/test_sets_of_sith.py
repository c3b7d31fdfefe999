"""CUB-200-2011, EuroSAT and NICO++, from miniatures of the layouts in which their publishers hand them on."""

import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.data.cub200 import Cub200
from splice_exp.data.eurosat import IMAGES, EuroSat
from splice_exp.data.nico import Nico
from tests.data.layouts import write_cub200, write_eurosat, write_nico


def test_cub200_has_its_splits_and_names_without_numbers(tmp_path):
    folder = str(write_cub200(tmp_path))
    train, test = Cub200(folder, "train"), Cub200(folder, "test")
    assert train.classes == test.classes == ("Black footed Albatross", "Rock Wren")
    assert train.name == "cub200_train"
    assert train.sample_ids == (
        "001.Black_footed_Albatross/Black_footed_Albatross_0001_77.jpg",
        "002.Rock_Wren/Rock_Wren_0004_77.jpg",
    )
    assert train.labels.tolist() == [0, 1]
    assert test.labels.tolist() == [1, 0]
    assert test.fingerprint() != train.fingerprint()
    assert [image.size for image in test.inputs(0, 2)] == [(9, 8)] * 2


def test_cub200_has_the_attributes_that_annotators_saw(tmp_path):
    folder = write_cub200(tmp_path)
    found = Cub200(str(folder), "test").attributes()
    assert list(found) == ["bill shape: curved (up or down)", "size: small"]
    assert found["bill shape: curved (up or down)"].labels.tolist() == [0, 1]
    assert found["size: small"].labels.tolist() == [1, 1]  # of a line with a column too many, too
    assert found["size: small"].values == ("not size: small", "size: small")
    (tmp_path / "attributes.txt").rename(folder / "attributes" / "attributes.txt")
    one = Cub200(str(folder), "test", limit=1).attributes()
    assert [attribute.labels.tolist() for attribute in one.values()] == [[0], [1]]


def test_cub200_says_what_is_wrong(tmp_path):
    folder = write_cub200(tmp_path)
    with pytest.raises(SpliceError, match="split is 'val', but must be one of: train, test"):
        Cub200(str(folder), "val")
    (folder / "image_class_labels.txt").write_text("1 1\n2 3\n3 1\n4 2\n")
    with pytest.raises(SpliceError, match=r"gives 002\.Rock_Wren/\S+ no class of classes\.txt"):
        Cub200(str(folder), "test")
    (folder / "image_class_labels.txt").write_text("1 1 1\n")
    with pytest.raises(SpliceError, match="has the line '1 1 1', but needs a number and one word"):
        Cub200(str(folder), "test")
    (folder / "images.txt").unlink()
    (folder / "image_class_labels.txt").write_text("1 1\n")
    with pytest.raises(SpliceError, match=r"images\.txt', but there is no such file"):
        Cub200(str(folder), "test")
    (folder / "attributes" / "image_attribute_labels.txt").unlink()
    fresh = Cub200(str(write_cub200(tmp_path / "other")), "test")
    (tmp_path / "other" / "attributes.txt").unlink()
    with pytest.raises(SpliceError, match=r"attributes\.txt', but there is no such file"):
        fresh.attributes()


@pytest.mark.parametrize("images", IMAGES)
def test_eurosat_has_the_classes_and_the_split_of_its_tables(tmp_path, images):
    folder = str(write_eurosat(tmp_path, images))
    parts = {split: EuroSat(folder, split) for split in ("train", "val", "test")}
    assert parts["test"].sample_ids == ("SeaLake/SeaLake_3.jpg", "AnnualCrop/AnnualCrop_3.jpg")  # as listed
    assert parts["test"].classes == ("annual crop land", "sea or lake")
    assert parts["test"].labels.tolist() == [1, 0]
    assert parts["val"].name == "eurosat_val"
    assert len({part.fingerprint() for part in parts.values()}) == 3
    assert parts["train"].inputs(0, 1)[0].size == (9, 8)


def test_eurosat_says_what_is_wrong(tmp_path):
    folder = write_eurosat(tmp_path)
    with pytest.raises(SpliceError, match="split is 'all'"):
        EuroSat(str(folder), "all")
    (folder / "metadata.csv").write_text("label,folder_name,class_name\n0,AnnualCrop,annual crop land\n")
    with pytest.raises(SpliceError, match=r"metadata\.csv of \S+ names no class for SeaLake"):
        EuroSat(str(folder), "test")
    (folder / "metadata.csv").write_text("folder,class\n")
    with pytest.raises(SpliceError, match="has no column folder_name, class_name"):
        EuroSat(str(folder), "test")
    (folder / "metadata.csv").unlink()
    with pytest.raises(SpliceError, match=r"metadata\.csv', but there is no such file.*prepare-data"):
        EuroSat(str(folder), "test")
    (folder / "EuroSAT_RGB").rename(folder / "elsewhere")
    with pytest.raises(SpliceError, match="has no folder EuroSAT_RGB, images, 2750"):
        EuroSat(str(folder), "test")


def test_nico_has_the_lists_of_all_contexts(tmp_path):
    folder = str(write_nico(tmp_path))
    train, test = Nico(folder, "train"), Nico(folder, "test")
    assert train.classes == ("bear", "hot air balloon")
    assert train.sample_ids == (
        "bear/on snow/bear_00000.jpg",
        "hot air balloon/at night/hot air balloon_00000.jpg",
    )
    assert test.labels.tolist() == [0, 0, 1, 1]
    assert torch.equal(Nico(folder, "test", limit=2).labels, torch.tensor([0, 1]))
    assert test.fingerprint() != train.fingerprint()
    assert test.inputs(0, 1)[0].size == (9, 8)


def test_nico_says_what_is_wrong(tmp_path):
    folder = write_nico(tmp_path)
    (folder / "NICO_unique_official" / "wolf_at-night_test.txt").write_text("x/NICO_unique/wolf/a.jpg 1\n")
    with pytest.raises(SpliceError, match="is a list of 'wolf', but .*NICO_unique has no such folder"):
        Nico(str(folder), "test")
    for path in (folder / "NICO_unique_official").glob("*_test.txt"):
        path.unlink()
    with pytest.raises(SpliceError, match=r"has no lists \*_test\.txt"):
        Nico(str(folder), "test")
    with pytest.raises(SpliceError, match="split is 'val'"):
        Nico(str(folder), "val")
