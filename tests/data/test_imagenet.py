"""Classes of ImageNet are called as in open_clip, and found by the names they had before."""

import pytest

from splice_exp.configuration import CONFIG_DIRECTORY, resolve
from splice_exp.core.errors import SpliceError
from splice_exp.core.names import find_name
from splice_exp.data.image_folder import ImageFolder
from splice_exp.data.imagenet import class_names, older_names
from splice_exp.data.selection import Selection
from splice_exp.report.drawings.class_bars import ClassBars
from tests.data.layouts import write_image
from tests.test_configuration import composed

FOLDERS = ("n02102040", "n03000684", "n03590841")  # English springer, chain saw, jack-o'-lantern of older lists


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(FOLDERS):
        write_image(tmp_path / "val" / name / "ILSVRC2012_val_00000001.JPEG", seed)
    return tmp_path / "val"


def test_there_are_a_thousand_names_by_folder():
    assert len(class_names()) == 1000
    assert class_names()["n01440764"] == "tench"
    assert class_names()["n03590841"] == "carved pumpkin"
    assert not older_names().keys() & {name.lower() for name in class_names().values()}


def test_classes_are_found_by_new_and_older_names(folder):
    data = ImageFolder(str(folder), classes="imagenet")
    assert data.classes == ("English Springer Spaniel", "chainsaw", "carved pumpkin")
    for names in (("English springer", "chain saw", "jack-o'-lantern"), data.classes, ("chainsaw",) * 3):
        found = [data.class_named(name) for name in names]
        assert found == (["chainsaw"] * 3 if len(set(names)) == 1 else list(data.classes))
    assert Selection(data, [1]).class_named("Chain_Saw") == "chainsaw"
    with pytest.raises(SpliceError, match="^classes has 'chain', which is no class of val .*nearest: 'chainsaw'"):
        data.class_named("chain")
    with pytest.raises(SpliceError, match=r"has '1', which is .*classes go by name: number 1 is 'chainsaw'"):
        data.class_named("1")
    with pytest.raises(SpliceError, match="has 'kimono', which is no class of val"):  # of others, but not of these
        data.class_named("kimono")


@pytest.mark.parametrize("name", ["jack-o-lantern", "jack o lantern", "jack_o’_lantern", "CARVED-PUMPKIN"])
def test_hyphens_and_apostrophes_do_not_hide_a_class(folder, name):
    """The authors' README writes jack-o-lantern, their list jack-o'-lantern."""
    data = ImageFolder(str(folder), classes="imagenet")
    assert data.class_named(name) == "carved pumpkin"
    assert ClassBars("table", classes=[name])._chosen(list(data.classes)) == ["carved pumpkin"]


def test_hyphens_do_not_decide_between_classes():
    assert find_name("blackbird", ["black bird", "black-bird"], {}) is None
    assert find_name("black bird", ["black bird", "black-bird"], {}) == "black bird"
    assert find_name("-", ["'", "a"], {}) is None


def test_other_folders_need_a_file_of_names(folder):
    write_image(folder / "cats" / "a.jpg")
    with pytest.raises(SpliceError, match="^classes=imagenet names folders that are WordNet ids .*cats"):
        ImageFolder(str(folder), classes="imagenet")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All thousand folders, one image in each."""
    root = tmp_path_factory.mktemp("imagenet")
    for seed, name in enumerate(class_names()):
        write_image(root / name / "a.png", seed)
    return ImageFolder(str(root), classes="imagenet")


@pytest.mark.parametrize(
    ("preset", "key"),
    [
        ("cocoa_imagenet", "evaluation.classes"),
        ("cocoa_augmentations", "evaluation.classes"),
        ("class_concepts", "report.figure.classes"),
    ],
)
def test_classes_named_in_presets_are_classes_of_imagenet(whole, preset, key):
    names = resolve(composed(f"experiment=paper/{preset}"))
    for part in key.split("."):
        names = names[part]
    assert len({whole.class_named(name) for name in names}) == len(names)


def test_the_configuration_takes_the_list_of_open_clip():
    assert "classes: imagenet #" in (CONFIG_DIRECTORY / "data" / "imagenet.yaml").read_text()
