"""One photograph is the same whichever data set it comes from, and damaged ones end a run or are left out of it."""

import importlib
import inspect
import io
import json
import logging
import pkgutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import ExifTags, Image

import splice_exp.data
from splice_exp import Cocoa, Splice
from splice_exp.core.errors import SpliceError
from splice_exp.core.images.white import UnreadableImage
from splice_exp.data.archives.web_dataset import WebDataset
from splice_exp.data.base import damaged_in
from splice_exp.data.coco_captions import CocoCaptions
from splice_exp.data.huggingface import HuggingFaceSet
from splice_exp.data.image_folder import ImageFolder
from splice_exp.data.image_table import ImageTable
from splice_exp.data.nico import Nico
from splice_exp.data.pair_table import PairTable
from splice_exp.data.picture_files import PictureFiles
from splice_exp.data.pictures import FileSource, PictureSource, as_picture
from splice_exp.data.voc_pairs import VocPairs
from splice_exp.embeddings.extract import extract
from splice_exp.evaluation.splice.probing import Probing
from tests.data.layouts import write_image, write_nico, write_voc_segments

SIZE = (24, 16)  # of the photograph upright


def upright():
    """A photograph without fine detail, which JPEG keeps."""
    noise = np.random.default_rng(0).integers(0, 255, (2, 3, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)


def write_held(path):
    """Write it as a camera held on its side does: turned, with a note that says so."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path.parent.mkdir(parents=True, exist_ok=True)
    upright().transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=95)
    return path


def of_folder(root, **options):
    write_held(root / "cat" / "1.jpg")
    return ImageFolder(str(root), **options)


def of_files(root, **options):
    return PictureFiles([str(write_held(root / "1.jpg"))], **options)


def of_table(root, **options):
    write_held(root / "1.jpg")
    pd.DataFrame({"file": ["1.jpg"], "label": ["cat"]}).to_csv(root / "table.csv", index=False)
    return ImageTable(str(root / "table.csv"), **options)


def of_pairs(root, **options):
    write_held(root / "1.jpg")
    frame = {"safe": ["a"], "nsfw": ["b"], "safe_image": ["1.jpg"], "nsfw_image": ["1.jpg"]}
    pd.DataFrame(frame).to_csv(root / "table.csv", index=False)
    return PairTable(str(root / "table.csv"), **options)


def of_captions(root, **options):
    write_held(root / "images" / "1.jpg")
    content = {"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{"image_id": 1, "caption": "a cat"}]}
    (root / "captions.json").write_text(json.dumps(content))
    return CocoCaptions(str(root / "captions.json"), str(root / "images"), **options)


def hugging_face(root, images, **options):
    from datasets import Dataset, Features
    from datasets import Image as ImageColumn

    Dataset.from_dict({"image": images}, features=Features({"image": ImageColumn()})).save_to_disk(str(root / "saved"))
    return HuggingFaceSet(str(root / "saved"), label_column=None, **options)


def of_hugging_face(root, **options):
    return hugging_face(root, [{"bytes": write_held(root / "1.jpg").read_bytes(), "path": None}], **options)


def of_hugging_face_files(root, **options):
    return hugging_face(root, [str(write_held(root / "1.jpg"))], **options)


SOURCES = (of_folder, of_files, of_table, of_pairs, of_captions, of_hugging_face, of_hugging_face_files)


@pytest.mark.parametrize("made", SOURCES)
def test_a_photograph_is_upright_from_every_source(tmp_path, made):
    source, ignoring = made(tmp_path / "a"), made(tmp_path / "b", exif="ignore")
    (found, *_), (stored, *_) = source.inputs(0, 1), ignoring.inputs(0, 1)
    assert found.size == SIZE
    assert np.abs(np.asarray(found, dtype=int) - np.asarray(upright(), dtype=int)).mean() < 4
    assert np.array_equal(np.asarray(stored.transpose(Image.Transpose.ROTATE_270)), np.asarray(found))
    assert source.fingerprint() != made(tmp_path / "a", exif="ignore").fingerprint()
    with pytest.raises(SpliceError, match="^exif is 'turn', but must be one of: upright, ignore"):
        made(tmp_path / "c", exif="turn")


def test_a_photograph_of_a_stream_is_upright(tmp_path, monkeypatch):
    import datasets

    saved = of_hugging_face(tmp_path)
    stream = datasets.load_from_disk(str(tmp_path / "saved")).to_iterable_dataset()
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **kwargs: stream)
    arguments = {"label_column": None, "streaming": True, "revision": "abc", "num_samples": 1}
    for exif in ("upright", "ignore"):
        (found,) = HuggingFaceSet("someone/photographs", "test", exif=exif, **arguments).inputs(0, 1)
        assert found.size == (SIZE if exif == "upright" else SIZE[::-1])
    assert found.size != saved.inputs(0, 1)[0].size


def test_a_mask_is_turned_as_its_photograph(tmp_path):
    write_voc_segments(tmp_path, "test", {"000001": (12, 16)})
    flat = VocPairs(str(tmp_path), "test").regions(0)
    photograph = tmp_path / "VOCdevkit" / "VOC2007" / "JPEGImages" / "000001.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.open(photograph).save(photograph, exif=exif)
    source = VocPairs(str(tmp_path), "test")
    assert source.inputs(0, 1)[0].size == (9, 12)
    for name, mask in source.regions(0).items():
        assert np.array_equal(mask, np.rot90(flat[name], -1))
    ignoring = VocPairs(str(tmp_path), "test", exif="ignore")
    assert ignoring.inputs(0, 1)[0].size == (12, 9)
    assert all(np.array_equal(mask, flat[name]) for name, mask in ignoring.regions(0).items())


@pytest.fixture(scope="module")
def splice():
    return Splice.load(vocabulary=["star", "heart", "grass", "water", "red", "blue"])


def test_a_notebook_sees_the_same_photograph(tmp_path, splice):
    path = write_held(tmp_path / "1.jpg")
    straight = splice.embed([np.asarray(as_picture(path))])
    for given in (path, str(path), Image.open(path), PictureFiles([str(path)]).inputs(0, 1)[0]):
        assert torch.equal(splice.embed([given]), straight)
    assert torch.equal(splice.backbone.encode_images([Image.open(path)]), straight)
    assert torch.equal(extract(PictureFiles([str(path)]), splice.backbone).features, straight)
    turned = splice.embed(PictureFiles([str(path)], exif="ignore").inputs(0, 1))
    assert (turned @ straight.T).item() < 0.999
    cocoa = Cocoa(splice.backbone)
    means = [cocoa.corpus([given]).unit_mean for given in (path, Image.open(path), as_picture(path))]
    assert all(torch.equal(mean, means[0]) for mean in means)


@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
def test_the_16_bit_copy_of_an_image_has_its_embedding(tmp_path, splice, suffix):
    grey = np.asarray(upright().resize((64, 64)).convert("L"))
    deep = grey.astype(np.uint16) * np.uint16(257)
    Image.fromarray(grey).save(tmp_path / f"8.{suffix}")
    Image.fromarray(deep).save(tmp_path / f"16.{suffix}")
    source = ImageFolder(str(tmp_path))
    same = [
        *source.inputs(0, 2),
        grey,
        deep,
        grey / 255,
        Image.fromarray(deep),
        Image.fromarray(grey / np.float32(255)),
    ]
    features = splice.embed(same)
    assert torch.allclose(features, features[:1], atol=1e-6)
    assert torch.equal(splice.backbone.encode_images([Image.fromarray(deep)]), splice.embed([grey]))


OWN = {kind.__name__: kind for kind in (HuggingFaceSet, ImageFolder, ImageTable, PairTable, PictureFiles, WebDataset)}


def test_images_of_12_bits_are_said_to_be_dark_until_white_is_set(tmp_path, splice, caplog):
    grey = np.asarray(upright().resize((64, 64)).convert("L"))
    deep = np.rint(grey * (4095 / 255)).astype(np.uint16)
    for name in ("1.png", "2.png", "3.tiff"):
        Image.fromarray(deep).save(tmp_path / name)
    with caplog.at_level(logging.WARNING):
        dark = ImageFolder(str(tmp_path))
        dark.inputs(0, 3)
    largest = int(deep.max())
    assert [record.message for record in caplog.records] == [
        f"1.png of {tmp_path.name} is nearly black: its values of 16 bits go up to {largest} of 65535; if another "
        "value is white, set white to it (white=4095 for 12 bits)."
    ]
    caplog.clear()
    bright = ImageFolder(str(tmp_path), white=4095)
    assert all(np.abs(np.asarray(one)[:, :, 0] - grey.astype(int)).max() <= 1 for one in bright.inputs(0, 3))
    assert not caplog.records
    assert bright.fingerprint() != dark.fingerprint() == ImageFolder(str(tmp_path), white=None).fingerprint()
    with pytest.raises(
        SpliceError, match=rf"^1.png of .* has values up to {largest}, but white says that 1023 is white"
    ):
        ImageFolder(str(tmp_path), white=1023).inputs(0, 1)
    with pytest.raises(
        SpliceError, match=rf"has values up to {largest}, but white says that 1023"
    ):  # it is not damaged
        ImageFolder(str(tmp_path), white=1023, damaged="skip")
    with pytest.warns(
        UserWarning, match=r"^The image is nearly black: .* scale them to 8 \(values \* 255 // 4095\)\.$"
    ):
        splice.embed([deep])


def test_every_reader_of_own_images_takes_a_white():
    for kind in OWN.values():
        assert inspect.signature(kind).parameters["white"].default is None, kind
    with pytest.raises(SpliceError, match="^white is 0, but must be an integer of at least 1"):
        PictureFiles([str(Path(__file__))], white=0)


def test_what_has_no_known_white_is_refused_everywhere(tmp_path, splice):
    grey = np.asarray(upright().convert("L")).astype(np.float32)
    Image.fromarray(grey).save(tmp_path / "a.tiff")
    for refused in (
        lambda: splice.embed([grey]),
        lambda: splice.embed([Image.fromarray(grey)]),
        lambda: splice.backbone.encode_images([Image.fromarray(grey)]),
        lambda: splice.embed([tmp_path / "a.tiff"]),
        lambda: ImageFolder(str(tmp_path)).inputs(0, 1),
    ):
        with pytest.raises(SpliceError, match="has floating-point values from .*, but 0 must be black and 1 white"):
            refused()
    assert not len(ImageFolder(str(tmp_path), damaged="error").damaged)
    with pytest.raises(SpliceError, match=r"; white says what is white, and damaged=skip leaves out such images\.$"):
        ImageFolder(str(tmp_path)).inputs(0, 1)
    known = ImageFolder(str(tmp_path), white=255).inputs(0, 1)[0]
    assert np.array_equal(np.asarray(known)[:, :, 0], grey.astype(np.uint8))


# --- damaged images


BAD = ("cat/2.jpg", "cat/4.png", "dog/1.png")


@pytest.fixture
def zoo(tmp_path):
    """Seven images in two classes, three of them damaged: cut off, empty and none at all."""
    for number, name in enumerate(("cat/1.jpg", *BAD[:2], "cat/3.jpg", *BAD[2:], "dog/2.png", "dog/3.png")):
        write_image(tmp_path / "zoo" / name, number)
    cut = tmp_path / "zoo" / BAD[0]
    cut.write_bytes(cut.read_bytes()[:-80])
    (tmp_path / "zoo" / BAD[1]).write_bytes(b"")
    (tmp_path / "zoo" / BAD[2]).write_text("no image")
    return tmp_path / "zoo"


def test_a_damaged_image_ends_a_run_and_is_named(zoo):
    source = ImageFolder(str(zoo))
    assert len(source) == 7
    with pytest.raises(
        SpliceError, match=r"^cat/2.jpg of zoo cannot be read .*; damaged=skip leaves out such images.$"
    ):
        source.inputs(0, 7)
    with pytest.raises(SpliceError, match="^damaged is 'mend', but must be one of: error, skip"):
        ImageFolder(str(zoo), damaged="mend")


def test_damaged_images_are_left_out_with_their_labels(zoo, caplog):
    source = ImageFolder(str(zoo), damaged="skip")
    assert source.sample_ids == ("cat/1.jpg", "cat/3.jpg", "dog/2.png", "dog/3.png")
    assert source.labels.tolist() == [0, 0, 1, 1]
    assert tuple(source.damaged) == BAD
    assert source.damaged["cat/2.jpg"].startswith("cat/2.jpg of zoo cannot be read as an image (")
    assert str(zoo) not in str(source.damaged)
    assert len(source.inputs(0, 99)) == 4
    assert "3 of the 7 images of zoo cannot be read, and 3 are left out (damaged=skip): cat/2.jpg" in caplog.text
    for bad in BAD:
        (zoo / bad).unlink()
    assert ImageFolder(str(zoo)).fingerprint() == source.fingerprint()  # the same embeddings


def test_every_process_leaves_out_the_same(zoo):
    found = [ImageFolder(str(zoo), damaged="skip") for _ in range(3)]
    assert len({one.fingerprint() for one in found}) == 1
    assert len({one.sample_ids for one in found}) == 1


def test_an_image_that_was_put_right_is_back(zoo):
    assert len(ImageFolder(str(zoo), damaged="skip")) == 4
    write_image(zoo / BAD[1], 9)
    assert ImageFolder(str(zoo), damaged="skip").sample_ids[2] == BAD[1]


def test_a_limit_counts_before_damaged_images_are_left_out(zoo):
    source = ImageFolder(str(zoo), limit=2, damaged="skip")  # the first, and one in the middle
    assert source.sample_ids == ("cat/1.jpg",)
    assert list(source.damaged) == ["cat/4.png"]


def test_where_all_are_damaged_nothing_is_left(zoo):
    for path in zoo.rglob("*.*"):
        path.write_bytes(b"")
    with pytest.raises(SpliceError, match="^damaged=skip leaves nothing of zoo: cat/1.jpg of zoo cannot be read"):
        ImageFolder(str(zoo), damaged="skip")


def test_a_file_that_cannot_be_opened_is_not_skipped(zoo, monkeypatch):
    """A disk that fails now and works later would give two processes two data sets."""

    def fail(*args, **kwargs):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Image, "open", fail)
    write_image(zoo / "cat" / "9.png", 77)  # none that was looked at before
    with pytest.raises(SpliceError, match=r"cannot be read \(Input/output error\)") as error:
        ImageFolder(str(zoo), damaged="skip")
    assert not isinstance(error.value, UnreadableImage)


def test_a_pair_is_left_out_as_a_whole(tmp_path):
    for number in range(6):
        write_image(tmp_path / f"{number}.png", number)
    (tmp_path / "3.png").write_bytes(b"")
    frame = {
        "safe": ["a", "b", "c"],
        "nsfw": ["x", "y", "z"],
        "safe_image": ["0.png", "2.png", "4.png"],
        "nsfw_image": ["1.png", "3.png", "5.png"],
    }
    pd.DataFrame(frame).to_csv(tmp_path / "table.csv", index=False)
    source = PairTable(str(tmp_path / "table.csv"), damaged="skip")
    assert source.captions() == (("a",), ("x",), ("c",), ("z",))
    assert source.labels.tolist() == [0, 1, 0, 1]
    assert list(source.damaged) == ["1:unsafe:3.png"]
    assert np.array_equal(np.asarray(source.inputs(2, 3)[0]), np.asarray(as_picture(tmp_path / "4.png")))


def test_damaged_images_of_hugging_face(tmp_path):
    buffer = io.BytesIO()
    upright().save(buffer, "PNG")
    whole = {"bytes": buffer.getvalue(), "path": None}
    images = [whole, {"bytes": buffer.getvalue()[:50], "path": None}, None, whole]
    source = hugging_face(tmp_path, images, damaged="skip")
    assert source.sample_ids == ("all-00000000", "all-00000003")
    assert list(source.damaged) == ["all-00000001", "all-00000002"]
    assert "NoneType in column 'image', and no image" in source.damaged["all-00000002"]
    with pytest.raises(SpliceError, match="^all-00000001 of saved cannot be read"):
        HuggingFaceSet(str(tmp_path / "saved"), label_column=None).inputs(0, 4)


def test_own_files_can_be_skipped_too(zoo):
    source = PictureFiles([str(zoo / "cat")], damaged="skip")
    assert [name.rsplit("/", 1)[-1] for name in source.sample_ids] == ["1.jpg", "3.jpg"]


def test_damaged_images_are_counted_of_all_data_sets_of_a_run(zoo):
    main, train = ImageFolder(str(zoo), damaged="skip"), ImageFolder(str(zoo), name="train", damaged="skip")
    assert {key: len(found) for key, found in damaged_in(main, Probing(train=train)).items()} == {"zoo": 3, "train": 3}
    assert damaged_in(ImageFolder(str(zoo))) == {}


# --- class folders


def test_classes_that_are_links_are_classes_and_clutter_is_none(zoo, tmp_path):
    for number in range(2):
        write_image(tmp_path / "elsewhere" / f"{number}.png", number)
    (zoo / "bird").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    for name in (".ipynb_checkpoints", "__MACOSX"):
        write_image(zoo / name / "1.png")
    (zoo / "dog" / "._2.png").write_bytes(b"\x00\x05\x16\x07")
    (zoo / "Thumbs.db").write_bytes(b"")
    source = ImageFolder(str(zoo), damaged="skip")
    assert source.classes == ("bird", "cat", "dog")
    assert source.sample_ids[:2] == ("bird/0.png", "bird/1.png")
    assert tuple(source.damaged) == BAD


def test_a_link_to_nothing_is_an_error(zoo):
    (zoo / "cat" / "gone.png").symlink_to("nowhere.png")
    with pytest.raises(SpliceError, match=r"root names 1 files that are not there, the first of them .*gone\.png"):
        ImageFolder(str(zoo))


def test_folders_of_systems_are_no_classes_of_nico(tmp_path):
    root = write_nico(tmp_path)
    for name in (".ipynb_checkpoints", "__MACOSX"):
        (root / "NICO_unique" / name).mkdir()
    (root / "NICO_unique_official" / "bear_clutter_test.txt").write_text(
        "/a/NICO_unique/bear/on snow/._bear_00001.jpg 7\n"
    )
    source = Nico(str(root), "test")
    assert source.classes == ("bear", "hot air balloon")
    assert len(source) == 4


def test_what_is_skipped_is_logged_as_a_warning(zoo, caplog):
    with caplog.at_level(logging.WARNING):
        ImageFolder(str(zoo), damaged="skip")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_sweep_looks_for_damaged_images_once(zoo, monkeypatch):
    first = ImageFolder(str(zoo), damaged="skip")
    monkeypatch.setattr("splice_exp.data.pictures.read_image", None)  # nothing is read
    assert ImageFolder(str(zoo), damaged="skip").damaged == first.damaged


def test_images_that_are_stored_as_mere_bytes_are_images(tmp_path):
    from datasets import Dataset

    buffer = io.BytesIO()
    upright().save(buffer, "PNG")
    Dataset.from_dict({"image": [buffer.getvalue()]}).save_to_disk(str(tmp_path / "saved"))
    (found,) = HuggingFaceSet(str(tmp_path / "saved"), label_column=None).inputs(0, 1)
    assert found.tobytes() == upright().tobytes()


def test_every_data_set_of_images_has_both_settings():
    """Also those that are yet to be written."""
    for module in pkgutil.iter_modules(splice_exp.data.__path__):
        importlib.import_module(f"{splice_exp.data.__name__}.{module.name}")
    found, waiting = set(), [PictureSource]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        waiting += kinds
        found |= {kind for kind in kinds if kind.__module__.startswith("splice_exp.") and kind is not FileSource}
    assert len(found) >= 12
    for kind in found:
        parameters = inspect.signature(kind).parameters
        assert parameters["exif"].default == "upright", kind
        assert parameters["damaged"].default == "error", kind
        assert not {"inputs", "_read", "fingerprint"} & vars(kind).keys(), kind  # read in one place
