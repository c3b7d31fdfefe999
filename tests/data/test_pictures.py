"""Data sets of image files, on small ones of the published layouts that these tests write."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from splice_exp.core.errors import SpliceError
from splice_exp.data import torchvision_sets
from splice_exp.data.coco_captions import CocoCaptions
from splice_exp.data.huggingface import HuggingFaceSet
from splice_exp.data.image_folder import ImageFolder
from splice_exp.data.image_table import ImageTable
from splice_exp.data.pair_table import PairTable
from splice_exp.data.torchvision_sets import KINDS, TorchvisionSet
from splice_exp.data.voc_pairs import VocPairs
from tests.data.layouts import write_voc_segments


def picture(seed, size=(12, 9)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size[::-1], 3), dtype=np.uint8))


def save(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed).save(path)


def pixels(source):
    return [np.asarray(image) for image in source.inputs(0, len(source))]


# --- folders of classes


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "zoo"
    for number, name in enumerate(["n02/b.png", "n01/x/a.png", "n01/c.jpeg", "n02/a.webp"]):
        save(root / name, number)
    (root / "n01" / "notes.txt").write_text("no picture")
    return root


def test_a_folder_of_classes(folder):
    source = ImageFolder(str(folder))
    assert source.name == "zoo"
    assert source.sample_ids == ("n01/c.jpeg", "n01/x/a.png", "n02/a.webp", "n02/b.png")
    assert source.classes == ("n01", "n02")
    assert source.labels.tolist() == [0, 0, 1, 1]
    assert np.array_equal(pixels(source)[1], np.asarray(picture(1)))
    assert [image.mode for image in source.inputs(0, 9)] == ["RGB"] * 4


@pytest.mark.parametrize(
    "text",
    [
        "great tench\nshark\n",
        "\ufeffgreat tench\r\n\r\nshark\r\n",
        "n02 shark\nn01 great tench\nn03 unused\n",
        "\ufeffn02\tshark\nn01\tgreat tench\n",
    ],
)
def test_names_of_classes(folder, tmp_path, text):
    (tmp_path / "names.txt").write_text(text)
    assert ImageFolder(str(folder), classes=str(tmp_path / "names.txt")).classes == ("great tench", "shark")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("n01\t\nn02\tshark\n", "'n02\\tshark'"),
        ("n01\ttench\nn03\tshark\n", "'n01\\ttench'"),
        ("n01\ttench\nn01\tcarp\nn02\tshark\n", "'n01\\ttench'"),
        ("n01,tench\nn02,shark\n", "'n01,tench'"),
        ("n02;shark\nn01;tench\n", "'n02;shark'"),
    ],
)
def test_lines_that_are_neither_names_nor_folders_with_names_are_refused(folder, tmp_path, text, line):
    (tmp_path / "names.txt").write_text(text)
    with pytest.raises(SpliceError) as error:
        ImageFolder(str(folder), classes=str(tmp_path / "names.txt"))
    assert f"has the line {line}, but must have one name per line" in str(error.value)


def test_names_may_hold_commas(folder, tmp_path):
    (tmp_path / "names.txt").write_text("tench, Tinca tinca\nshark, man-eater\n")
    source = ImageFolder(str(folder), classes=str(tmp_path / "names.txt"))
    assert source.classes == ("tench, Tinca tinca", "shark, man-eater")


def test_a_folder_without_images_is_no_class_and_is_mentioned(folder, caplog):
    (folder / "n03").mkdir()
    (folder / "n03" / "a.heic").write_bytes(b"x")
    (folder / ".git").mkdir()
    assert ImageFolder(str(folder)).classes == ("n01", "n02")
    assert "zoo: folders without images are no classes: n03" in caplog.text


def test_splits_are_not_taken_for_classes(tmp_path):
    for number, name in enumerate(["train/cat/a.png", "train/dog/a.png", "Val/cat/a.png"]):
        save(tmp_path / "set" / name, number)
    with pytest.raises(SpliceError, match=r"^root: the folders of .*set are splits \(Val, train\), .* to one of them"):
        ImageFolder(str(tmp_path / "set"))
    assert ImageFolder(str(tmp_path / "set" / "train")).classes == ("cat", "dog")
    for number, name in enumerate(["train/a.png", "test/a.png"]):
        save(tmp_path / "things" / name, number)  # a train is a thing, too
    assert ImageFolder(str(tmp_path / "things")).classes == ("test", "train")


def test_a_name_that_begins_like_a_folder_is_a_name(tmp_path):
    """`hot dog` for the folder `hot`: only a tab parts a folder that is a word from a name."""
    for number, name in enumerate(["hot", "ice"]):
        save(tmp_path / "zoo" / name / "a.png", number)
    names = tmp_path / "names.txt"
    for text, classes in (
        ("hot dog\nice cream\n", ("hot dog", "ice cream")),
        ("ice\tcream\nhot\tdog\n", ("dog", "cream")),
        ("ice\tice cream\nhot\thot dog\nfire\tfire\n", ("hot dog", "ice cream")),
    ):
        names.write_text(text)
        assert ImageFolder(str(tmp_path / "zoo"), classes=str(names)).classes == classes
    names.write_text("hot dog\nice cream\nfire fire\n")
    with pytest.raises(SpliceError, match="names 3 classes, but there are 2 folders: .*the folder, a tab, and"):
        ImageFolder(str(tmp_path / "zoo"), classes=str(names))


def test_accents_may_be_composed_otherwise_than_in_the_list(tmp_path):
    for number, name in enumerate(["cafe\u0301", "the\u0301"]):  # as macOS keeps them
        save(tmp_path / "bar" / name / "a.png", number)
    (tmp_path / "names.txt").write_text("caf\u00e9\tcoffee\nth\u00e9\ttea\n")
    source = ImageFolder(str(tmp_path / "bar"), classes=str(tmp_path / "names.txt"))
    assert source.classes == ("coffee", "tea")
    assert ImageFolder(str(tmp_path / "bar")).class_named("caf\u00e9") == "cafe\u0301"


def test_pictures_without_classes(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.png", number)
    source = ImageFolder(str(tmp_path))
    assert source.labels is None
    assert source.classes == ()
    assert len(source) == 3


def test_a_limit_spreads_over_all_classes(folder):
    source = ImageFolder(str(folder), limit=2)
    assert source.sample_ids == ("n01/c.jpeg", "n02/a.webp")
    assert source.labels.tolist() == [0, 1]
    assert len(source.inputs(0, 2)) == 2


def test_the_fingerprint_knows_names_and_sizes_not_places(folder, tmp_path):
    before = ImageFolder(str(folder)).fingerprint()
    folder.rename(tmp_path / "elsewhere")
    assert ImageFolder(str(tmp_path / "elsewhere")).fingerprint() == before
    (tmp_path / "elsewhere" / "n01" / "c.jpeg").rename(tmp_path / "elsewhere" / "n01" / "d.jpeg")
    assert ImageFolder(str(tmp_path / "elsewhere")).fingerprint() != before
    assert ImageFolder(str(tmp_path / "elsewhere"), limit=3).fingerprint() != before


def test_what_is_wrong_with_a_folder_is_said(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    for root, message in (("nowhere", "there is no such folder"), ("empty", "holds no images")):
        with pytest.raises(SpliceError, match=message):
            ImageFolder(str(tmp_path / root))
    (tmp_path / "names.txt").write_text("one\n")
    with pytest.raises(SpliceError, match="names 1 classes, but there are 2 folders"):
        ImageFolder(str(folder), classes=str(tmp_path / "names.txt"))
    save(folder / "loose.png")
    with pytest.raises(SpliceError, match=r"loose\.png of .* are in no folder"):
        ImageFolder(str(folder))


def test_a_file_name_that_is_not_utf8_is_refused_before_any_work(folder):
    (folder / "n01" / "c.jpeg").rename(folder / "n01" / "caf\udce9.jpeg")
    with pytest.raises(SpliceError, match=r"^data: zoo has a file whose name is not UTF-8 \(.*caf.udce9'\): rename"):
        ImageFolder(str(folder))


def test_a_damaged_picture_is_named(folder):
    content = (folder / "n02" / "b.png").read_bytes()
    (folder / "n02" / "b.png").write_bytes(content[: len(content) // 2])
    source = ImageFolder(str(folder))
    assert len(source.inputs(0, 3)) == 3
    with pytest.raises(SpliceError, match=r"n02/b\.png of zoo cannot be read as an image"):
        source.inputs(3, 4)


# --- tables


@pytest.fixture
def waterbirds(tmp_path):
    """The layout of the Waterbirds release: metadata.csv, images in folders of species, splits 0, 1, 2."""
    rows = []
    for number in range(6):
        file = f"{number:03d}.bird/{number}.jpg"
        save(tmp_path / file, number)
        rows.append((number, file, number % 2, number % 3, number // 3 % 2))
    frame = pd.DataFrame(rows, columns=["img_id", "img_filename", "y", "split", "place"])
    frame.to_csv(tmp_path / "metadata.csv", index=False)
    return tmp_path / "metadata.csv"


WATERBIRDS = {
    "file_column": "img_filename",
    "label_column": "y",
    "classes": ["landbird", "waterbird"],
    "split_column": "split",
}


def test_a_table_with_splits_and_groups(waterbirds):
    source = ImageTable(str(waterbirds), split=2, **WATERBIRDS)
    assert source.sample_ids == ("002.bird/2.jpg", "005.bird/5.jpg")
    assert source.labels.tolist() == [0, 1]
    assert source.attributes() == {}
    place = ImageTable(str(waterbirds), split=2, attributes={"place": ["land", "water"]}, **WATERBIRDS).attributes()
    assert place["place"].values == ("land", "water")
    assert place["place"].labels.tolist() == [0, 1]
    with pytest.raises(SpliceError, match="^attributes names 'plaec', but .* has no such column"):
        ImageTable(str(waterbirds), attributes={"plaec": ["land", "water"]}, **WATERBIRDS)
    with pytest.raises(SpliceError, match=r"^attributes.place is \['land'\], but the column holds 0, 1"):
        ImageTable(str(waterbirds), attributes={"place": ["land"]}, **WATERBIRDS)
    assert [image.size for image in source.inputs(0, 2)] == [(12, 9), (12, 9)]


def test_labels_in_words(waterbirds):
    frame = pd.read_csv(waterbirds)
    frame["kind"] = ["zebra", "ant", "ant", "zebra", "bee", "ant"]
    frame.to_csv(waterbirds, index=False)
    source = ImageTable(str(waterbirds), file_column="img_filename", label_column="kind")
    assert source.classes == ("ant", "bee", "zebra")
    assert source.labels.tolist() == [2, 0, 0, 2, 1, 0]
    assert ImageTable(str(waterbirds), file_column="img_filename", label_column=None).labels is None


def test_labels_that_are_numbers_are_classes_by_their_size(waterbirds):
    frame = pd.read_csv(waterbirds)
    frame["year"] = [2012, 1998, 2012, 998, 1998, 2012]
    frame.to_csv(waterbirds, index=False)
    source = ImageTable(str(waterbirds), file_column="img_filename", label_column="year")
    assert source.classes == ("998", "1998", "2012")
    assert source.labels.tolist() == [2, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"file_column": "img_filenam"}, r"^file_column is 'img_filenam'.*nearest: 'img_filename'"),
        ({"split": "test"}, "^split is 'test', but column 'split' .* holds 0, 1, 2"),
        ({"split": 1, "split_column": None}, "but split_column is not given"),
        ({"classes": ["bird"]}, "^classes has 1 names, but rows 1, 3, 5 have other labels"),
        ({"root": "/nowhere"}, "^root is '/nowhere'"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(waterbirds, options, message):
    with pytest.raises(SpliceError, match=message):
        ImageTable(str(waterbirds), **{**WATERBIRDS, **options})


def test_files_that_a_table_names_must_be_there(waterbirds):
    (waterbirds.parent / "004.bird" / "4.jpg").unlink()
    with pytest.raises(SpliceError, match=r"names 1 files that are not there, the first of them .*4\.jpg"):
        ImageTable(str(waterbirds), **WATERBIRDS)


# --- captions


def test_captions_of_coco(tmp_path):
    for number in range(3):
        save(tmp_path / "val" / f"{number:012d}.jpg", number)
    images = [{"id": 7 - number, "file_name": f"{number:012d}.jpg"} for number in range(3)]
    said = [
        {"image_id": 7, "caption": "A cat\n sits. "},
        {"image_id": 6, "caption": "b"},
        {"image_id": 7, "caption": "c"},
    ]
    annotations = tmp_path / "captions.json"
    annotations.write_text(json.dumps({"images": images, "annotations": said}))
    source = CocoCaptions(str(annotations), str(tmp_path / "val"))
    assert source.captions() == (("A cat sits.", "c"), ("b",))  # the third has none, and is left out
    assert source.sample_ids == ("000000000000.jpg", "000000000001.jpg")
    assert source.labels is None
    annotations.write_text(json.dumps({"images": images}))
    with pytest.raises(SpliceError, match="not laid out as those of COCO"):
        CocoCaptions(str(annotations), str(tmp_path / "val"))


# --- torchvision


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    """The layout of the python version of CIFAR-10, four images per file; the published checksums are of others."""
    base = tmp_path / "cifar-10-batches-py"
    base.mkdir()
    random = np.random.default_rng(0)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        content = {"data": random.integers(0, 255, (4, 3072), dtype=np.uint8), "labels": [3, 0, 9, 1]}
        (base / name).write_bytes(pickle.dumps(content))
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    (base / "batches.meta").write_bytes(pickle.dumps({"label_names": names}))
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda path, md5=None: True)
    return tmp_path


def test_cifar(cifar10):
    test, train = (TorchvisionSet("cifar10", str(cifar10), split) for split in ("test", "train"))
    assert (len(test), len(train)) == (4, 20)
    assert test.classes[:2] == ("airplane", "automobile")
    assert test.labels.tolist() == [3, 0, 9, 1]
    assert test.inputs(0, 1)[0].size == (32, 32)
    assert test.fingerprint() != train.fingerprint()
    assert TorchvisionSet("cifar10", str(cifar10), "test", limit=2).labels.tolist() == [3, 9]


def test_a_checksum_that_is_another_is_said(cifar10, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(SpliceError, match=r"cifar10 is not there or damaged .*prepare-data cifar10 --root"):
        TorchvisionSet("cifar10", str(cifar10), "test")


@pytest.mark.parametrize("name", ["test_batch", "data_batch_3", "batches.meta"])
def test_a_pickle_of_cifar_is_checked_before_it_is_loaded(tmp_path, capsys, name):
    """Every time: unpickling would run what a stranger wrote."""

    class Hostile:
        def __reduce__(self):
            return (print, ("this must not be printed",))

    base = tmp_path / "cifar-10-batches-py"
    base.mkdir()
    for there in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"):
        (base / there).write_bytes(pickle.dumps(Hostile() if there == name else {}))
    for split in ("train", "test"):
        with pytest.raises(SpliceError, match="cifar10 is not there or damaged"):
            TorchvisionSet("cifar10", str(tmp_path), split)
    assert capsys.readouterr().out == ""


@pytest.fixture
def celeba(tmp_path, monkeypatch):
    base = tmp_path / "celeba"
    files = [f"{number:06d}.jpg" for number in range(1, 5)]
    for number, file in enumerate(files):
        save(base / "img_align_celeba" / file, number)
    rows = ["1 -1", "-1 -1", "1 1", "-1 1"]
    lines = "".join(f"{file} {row}\n" for file, row in zip(files, rows, strict=True))
    (base / "list_attr_celeba.txt").write_text(f"4\nEyeglasses Wavy_Hair \n{lines}")
    (base / "list_eval_partition.txt").write_text("".join(f"{f} {s}\n" for f, s in zip(files, "0212", strict=True)))
    for name, width in (("identity_CelebA", 1), ("list_bbox_celeba", 4), ("list_landmarks_align_celeba", 10)):
        head = "" if width == 1 else f"4\n{' '.join('abcdefghij'[:width])}\n"
        (base / f"{name}.txt").write_text(head + "".join(f"{f}{' 1' * width}\n" for f in files))
    monkeypatch.setattr("torchvision.datasets.CelebA._check_integrity", lambda self: True)
    return tmp_path


def test_an_attribute_of_celeba(celeba):
    source = TorchvisionSet("celeba", str(celeba), "test", attribute="Wavy_Hair")
    assert source.classes == ("not wavy hair", "wavy hair")
    assert source.labels.tolist() == [0, 1]
    assert source.sample_ids == ("celeba/img_align_celeba/000002.jpg", "celeba/img_align_celeba/000004.jpg")
    assert source.attributes()["wavy hair"].labels.tolist() == source.labels.tolist()
    assert source.attributes()["eyeglasses"].values == ("person without glasses", "person with glasses")
    with pytest.raises(SpliceError, match="^attribute is 'Eyeglass', .*nearest: 'Eyeglasses'"):
        TorchvisionSet("celeba", str(celeba), "test", attribute="Eyeglass")


def test_celeba_has_the_blocks_of_splice(celeba, monkeypatch):
    """Of women and men, with and without glasses, the first of each kind in the order of the list, then the next."""
    monkeypatch.setattr(torchvision_sets, "CELEBA_BLOCKS", {"first_300": slice(1), "second_300": slice(1, 2)})
    base = celeba / "celeba"
    kinds = [(-1, 1), (-1, 1), (1, 1), (-1, -1), (1, -1), (-1, -1), (1, -1), (1, 1), (1, -1)]  # glasses, male
    files = [f"{number:06d}.jpg" for number in range(1, len(kinds) + 1)]
    for number, file in enumerate(files):
        save(base / "img_align_celeba" / file, number)
    lines = "".join(f"{file} {one} {two}\n" for file, (one, two) in zip(files, kinds, strict=True))
    (base / "list_attr_celeba.txt").write_text(f"{len(files)}\nEyeglasses Male \n{lines}")
    for name, head, row in (
        ("identity_CelebA", "", "1"),
        ("list_bbox_celeba", f"{len(files)}\na b c d\n", "1 1 1 1"),
        ("list_landmarks_align_celeba", f"{len(files)}\n{' '.join('abcdefghij')}\n", " ".join("1" * 10)),
        ("list_eval_partition", "", "0"),
    ):
        (base / f"{name}.txt").write_text(head + "".join(f"{file} {row}\n" for file in files))
    first, second = (
        TorchvisionSet("celeba", str(celeba), split, attribute="Male") for split in ("first_300", "second_300")
    )
    assert [name[-5] for name in first.sample_ids] == ["1", "3", "4", "5"]
    assert [name[-5] for name in second.sample_ids] == ["2", "6", "7", "8"]
    assert first.classes == ("woman", "man")
    assert first.labels.tolist() == [1, 1, 0, 0]
    assert first.attributes()["eyeglasses"].labels.tolist() == [0, 1, 0, 1]
    assert torchvision_sets.CELEBA_BLOCKS.keys() <= torchvision_sets.KINDS["celeba"].splits.keys()


def test_the_blocks_of_splice_have_75_of_each_kind():
    assert [range(200)[block] for block in torchvision_sets.CELEBA_BLOCKS.values()] == [range(75), range(75, 150)]


def test_objects_of_voc(tmp_path):
    base = tmp_path / "VOCdevkit" / "VOC2007"
    save(base / "JPEGImages" / "000001.jpg")
    boxes = "".join(
        f"<object><name>{name}</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>{side}</xmax><ymax>{side}</ymax></bndbox>"
        "</object>"
        for name, side in (("dog", 4), ("pottedplant", 9), ("dog", 2))
    )
    (base / "Annotations").mkdir()
    (base / "Annotations" / "000001.xml").write_text(f"<annotation>{boxes}</annotation>")
    (base / "ImageSets" / "Main").mkdir(parents=True)
    (base / "ImageSets" / "Main" / "test.txt").write_text("000001\n")
    source = TorchvisionSet("voc2007", str(tmp_path), "test")
    assert source.classes[source.labels[0]] == "pottedplant"  # the largest
    assert source.truth().objects == ((frozenset({"dog"}), frozenset({"pottedplant"})),)


def test_photographs_of_two_kinds_of_objects(tmp_path):
    write_voc_segments(tmp_path, "test", {"000001": (12, 16), "000002": (12,), "000003": ()})
    source = VocPairs(str(tmp_path), "test")
    assert source.sample_ids == ("VOCdevkit/VOC2007/JPEGImages/000001.jpg",)
    regions = source.regions(0)
    assert list(regions) == ["dog", "potted plant"]
    assert [mask.sum() for mask in regions.values()] == [12, 12]
    assert regions["potted plant"][3, 8]
    assert source.inputs(0, 1)[0].size == regions["dog"].shape[::-1]
    with pytest.raises(SpliceError, match=r"voc2007 is not there or damaged .*prepare-data voc2007 --root"):
        VocPairs(str(tmp_path), "val")
    (tmp_path / "VOCdevkit" / "VOC2007" / "ImageSets" / "Segmentation" / "val.txt").write_text("000002\n")
    with pytest.raises(SpliceError, match="no photograph of split val"):
        VocPairs(str(tmp_path), "val")


# --- pairs of safe and unsafe images


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
def test_a_table_of_pairs(tmp_path, suffix):
    files = ["coco/1.png", "coco/2.png", "made/a.png", "made/b.png", "made/c.png"]
    for number, file in enumerate(files):
        save(tmp_path / file, number)
    frame = pd.DataFrame(
        {
            "safe": ["a dog", "a cat", "a dog again"],
            "nsfw": ["a bad dog", "a bad cat", "a worse dog"],
            "safe_image": ["coco/1.png", "coco/2.png", "coco/1.png"],
            "nsfw_image": ["made/a.png", "made/b.png", "made/c.png"],
        }
    )
    table = tmp_path / f"test{suffix}"
    write = {
        ".csv": lambda: frame.to_csv(table, index=False),
        ".json": lambda: frame.to_json(table, orient="records"),
        ".jsonl": lambda: frame.to_json(table, orient="records", lines=True),
        ".parquet": lambda: frame.to_parquet(table),
    }
    write[suffix]()
    source = PairTable(str(table))
    assert source.labels.tolist() == [0, 1] * 3
    assert source.classes == ("safe", "unsafe")
    assert source.captions()[2:4] == (("a cat",), ("a bad cat",))
    assert len(set(source.sample_ids)) == 6  # though one photograph is in two pairs
    assert np.array_equal(pixels(source)[3], np.asarray(picture(3)))
    few = PairTable(str(table), limit=2)
    assert few.captions() == (("a dog",), ("a bad dog",), ("a cat",), ("a bad cat",))
    assert few.fingerprint() != source.fingerprint()
    with pytest.raises(SpliceError, match="has no column 'unsafe'"):
        PairTable(str(table), columns=["safe", "unsafe"])
    with pytest.raises(SpliceError, match="must be two columns, safe and unsafe"):
        PairTable(str(table), columns=["safe"])
    (tmp_path / "made" / "b.png").unlink()
    with pytest.raises(SpliceError, match="1 files that are not there"):
        PairTable(str(table))


def test_a_table_of_pairs_that_lacks_something(tmp_path):
    (tmp_path / "test.csv").write_text("safe,nsfw,safe_image,nsfw_image\na,b,c.png,d.png\na,,c.png,d.png\n")
    with pytest.raises(SpliceError, match="line 3 of .* lacks a caption or a file"):
        PairTable(str(tmp_path / "test.csv"))
    (tmp_path / "test.txt").write_text("")
    with pytest.raises(SpliceError, match="must end in one of: .csv, .tsv, .json"):
        PairTable(str(tmp_path / "test.txt"))
    (tmp_path / "test.jsonl").write_text("{not json")
    with pytest.raises(SpliceError, match="cannot be read"):
        PairTable(str(tmp_path / "test.jsonl"))
    with pytest.raises(SpliceError, match="there is no such file"):
        PairTable(str(tmp_path / "nothing.csv"))


@pytest.mark.parametrize("dataset", sorted(KINDS))
def test_a_data_set_that_is_not_there_says_how_to_get_it(tmp_path, dataset):
    split = next(iter(KINDS[dataset].splits))
    with pytest.raises(SpliceError, match=rf"{dataset} is not there or damaged .*prepare-data {dataset} --root"):
        TorchvisionSet(dataset, str(tmp_path), split, attribute="Smiling" if dataset == "celeba" else None)


def test_wrong_data_sets_and_splits(tmp_path):
    with pytest.raises(SpliceError, match="^dataset is 'cifar', but must be one of"):
        TorchvisionSet("cifar", str(tmp_path), "test")
    with pytest.raises(SpliceError, match="^split of stl10 is 'val', but must be one of: train, test"):
        TorchvisionSet("stl10", str(tmp_path), "val")


# --- Hugging Face


@pytest.fixture
def saved(tmp_path):
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value
    from datasets import Image as ImageColumn

    features = Features(
        {
            "image": ImageColumn(),
            "label": ClassLabel(names=["cat", "dog"]),
            "word": Value("string"),
            "says": Sequence(Value("string")),
            "number": Value("int64"),
        }
    )
    rows = {
        "image": [picture(number) for number in range(3)],
        "label": [1, 0, 1],
        "word": ["b", "a", "b"],
        "says": [["one", "two"], ["three"], ["four", "five"]],
        "number": [1, 2, 3],
    }
    part = Dataset.from_dict(rows, features=features)
    DatasetDict({"test": part}).save_to_disk(str(tmp_path / "pets"))
    part.save_to_disk(str(tmp_path / "alone"))
    return tmp_path


def test_a_saved_data_set(saved):
    source = HuggingFaceSet(str(saved / "pets"), "test", caption_column="says")
    assert source.classes == ("cat", "dog")
    assert source.labels.tolist() == [1, 0, 1]
    assert source.captions() == (("one", "two"), ("three",), ("four", "five"))
    assert np.array_equal(pixels(source)[2], np.asarray(picture(2)))
    assert HuggingFaceSet(str(saved / "alone"), label_column="word", limit=2).classes == ("a", "b")
    assert source.fingerprint() == HuggingFaceSet(str(saved / "pets"), "test").fingerprint()
    assert source.fingerprint() != HuggingFaceSet(str(saved / "pets"), "test", limit=2).fingerprint()


def hub(tmp_path, labels, kind):
    from datasets import Dataset, Features
    from datasets import Image as ImageColumn

    rows = {"image": [picture(number) for number in range(len(labels))], "label": labels}
    data = Dataset.from_dict(rows, features=Features({"image": ImageColumn(), "label": kind}))
    data.save_to_disk(str(tmp_path / "hidden"))
    return HuggingFaceSet(str(tmp_path / "hidden"))


@pytest.mark.parametrize("labels", [[-1, -1, -1], [None, None, None]])
def test_hidden_labels_are_none(tmp_path, labels, caplog):
    """Test splits whose labels are kept secret are decomposed like any data without labels."""
    from datasets import ClassLabel

    source = hub(tmp_path, labels, ClassLabel(names=["cat", "dog"]))
    assert source.labels is None
    assert source.classes == ()
    assert "label_column is 'label', in which no sample has a label: the data have none" in caplog.text


def test_words_that_are_not_there_are_none(tmp_path):
    from datasets import Value

    assert hub(tmp_path, [None, None], Value("string")).labels is None


@pytest.mark.parametrize(
    ("labels", "words", "message"),
    [
        (
            [0, -1, 1],
            False,
            r"^label_column is 'label', in which 1 of 3 samples of .* have no label, among them 1: take",
        ),
        ([None, 1, None], False, r"in which 2 of 3 samples of .* have no label, among them 0, 2: .* set it to null\.$"),
        (["cat", None, "dog"], True, r"in which 1 of 3 samples of .* have no label, among them 1"),
        (["cat", "dog", " "], True, r"in which 1 of 3 samples of .* have no label, among them 2"),
    ],
)
def test_labels_that_are_partly_hidden_are_refused_before_anything_is_embedded(tmp_path, labels, words, message):
    from datasets import ClassLabel, Value

    with pytest.raises(SpliceError, match=message):
        hub(tmp_path, labels, Value("string") if words else ClassLabel(names=["cat", "dog"]))


@pytest.mark.parametrize("said", [None, "", [], [None], ["\n"]])
def test_samples_that_nothing_is_said_of_are_named(tmp_path, said):
    from datasets import Dataset, Features, Sequence, Value
    from datasets import Image as ImageColumn

    kind = Sequence(Value("string")) if isinstance(said, list) else Value("string")
    rows = {"image": [picture(0), picture(1)], "says": [["a cat"] if isinstance(said, list) else "a cat", said]}
    data = Dataset.from_dict(rows, features=Features({"image": ImageColumn(), "says": kind}))
    data.save_to_disk(str(tmp_path / "said"))
    options = {"label_column": None, "caption_column": "says"}
    with pytest.raises(SpliceError, match="^caption_column is 'says', in which 1 of 2 samples have no caption, .* 1: "):
        HuggingFaceSet(str(tmp_path / "said"), **options)
    assert HuggingFaceSet(str(tmp_path / "said"), **options, limit=1).captions() == (("a cat",),)


def test_a_saved_data_set_with_no_rows_is_said_to_be_empty(tmp_path):
    from datasets import Dataset, Features, Value
    from datasets import Image as ImageColumn

    nothing = Dataset.from_dict(
        {"image": [], "label": []}, Features({"image": ImageColumn(), "label": Value("string")})
    )
    nothing.save_to_disk(str(tmp_path / "nothing"))
    with pytest.raises(SpliceError, match="^path: .*nothing cannot be read as a saved data set .it is empty, or damag"):
        HuggingFaceSet(str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "nowhere"}, r"^path is .*nowhere'.*prepare-data huggingface saves one"),
        ({"split": "train"}, "^split is 'train', but .* holds test"),
        ({"path": "alone", "split": "test"}, "holds one split only"),
        ({"image_column": "img"}, "^image_column is 'img', but"),
        ({"label_column": "number"}, "^label_column is 'number', whose values have no names"),
        ({"streaming": True}, r"^revision must be given with streaming=true"),
    ],
)
def test_what_is_wrong_with_a_saved_data_set_is_said(saved, options, message):
    options = {"path": "pets", "split": "test", **options}
    with pytest.raises(SpliceError, match=message):
        HuggingFaceSet(**{**options, "path": str(saved / options["path"])})


def test_a_stream_is_read_in_order_and_may_start_anywhere(saved, monkeypatch):
    import datasets

    stream = datasets.load_from_disk(str(saved / "alone")).to_iterable_dataset()
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **kwargs: stream)
    source = HuggingFaceSet("someone/pets", "test", streaming=True, revision="abc", num_samples=3)
    assert source.labels.tolist() == [1, 0, 1]
    expected = [np.asarray(picture(number)) for number in range(3)]
    for start in (0, 1, 1, 0):
        found = [np.asarray(image) for image in source.inputs(start, 3)]
        assert all(np.array_equal(*pair) for pair in zip(found, expected[start:], strict=True))


def test_pictures_travel_to_the_processes_that_load(folder):
    source = pickle.loads(pickle.dumps(ImageFolder(str(folder))))
    assert torch.equal(source.labels, ImageFolder(str(folder)).labels)
    assert len(source.inputs(0, 4)) == 4
