"""Tar files of webdataset: samples by key, images in any order, labels and captions beside them."""

import gzip
import io
import json
import pickle
import tarfile

import numpy as np
import pytest
from PIL import Image

from splice_exp.core.errors import SpliceError
from splice_exp.core.runs import file_digests
from splice_exp.data.archives.web_dataset import WebDataset


def image(seed):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (7, 9, 3), dtype=np.uint8))


def encoded(seed):
    content = io.BytesIO()
    image(seed).save(content, "png")
    return content.getvalue()


def write_tar(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def sample(key, seed, label=b"cat", **others):
    members = [(f"{key}.png", encoded(seed)), (f"{key}.cls", label)]
    return [*members, *((f"{key}.{suffix}", content) for suffix, content in others.items())]


@pytest.fixture
def shards(tmp_path):
    """Two tar files of two samples each, with labels in words, captions and JSON."""
    for number in range(2):
        members = [("./__meta__/info.json", b"{}"), ("readme", b"no suffix")]
        for row in range(2):
            seed = 2 * number + row
            words = json.dumps({"label": seed % 2 + 1, "word": None}).encode()
            caption = f"image\n {seed}".encode()
            members += sample(f"a/{seed:03d}", seed, [b"cat", b"\xef\xbb\xbfdog\n"][row], txt=caption, json=words)
        write_tar(tmp_path / "set" / f"train-{number:03d}.tar", members)
    return tmp_path / "set"


def pixels(source):
    return [np.asarray(one) for one in source.inputs(0, len(source))]


@pytest.mark.parametrize("pattern", ["", "/train-{000..001}.tar", "/train-*.tar"])
def test_shards_by_folder_and_by_pattern(shards, pattern):
    source = WebDataset(f"{shards}{pattern}", caption_suffix="txt")
    assert source.sample_ids == ("train-000/a/000", "train-000/a/001", "train-001/a/002", "train-001/a/003")
    assert source.classes == ("cat", "dog")
    assert source.labels.tolist() == [0, 1, 0, 1]
    assert source.captions()[3] == ("image 3",)
    assert source.name == "train-000"
    assert all(np.array_equal(found, np.asarray(image(seed))) for seed, found in enumerate(pixels(source)))


def test_images_are_read_in_any_order_and_process(shards):
    source = pickle.loads(pickle.dumps(WebDataset([str(shards / "train-001.tar"), str(shards / "train-000.tar")])))
    assert [source.sample_ids[0], source.sample_ids[3]] == ["train-001/a/002", "train-000/a/001"]
    assert np.array_equal(np.asarray(source.inputs(3, 4)[0]), np.asarray(image(1)))
    assert np.array_equal(np.asarray(source.inputs(0, 1)[0]), np.asarray(image(2)))


def test_the_fingerprint_knows_content_and_choice_not_places(shards, tmp_path):
    before = WebDataset(str(shards)).fingerprint()
    shards.rename(tmp_path / "elsewhere")
    shards = tmp_path / "elsewhere"
    assert WebDataset(str(shards)).fingerprint() == before
    assert WebDataset(str(shards), limit=2).fingerprint() != before
    assert WebDataset(str(shards), limit=2).sample_ids == ("train-000/a/000", "train-001/a/002")
    write_tar(shards / "train-001.tar", sample("x", 9))
    assert WebDataset(str(shards)).fingerprint() != before


def test_shards_of_the_same_name_in_two_folders(tmp_path):
    files = [str(write_tar(tmp_path / part / "0.tar", sample("k", seed))) for seed, part in enumerate(("val", "test"))]
    assert WebDataset(files).sample_ids == ("val/0/k", "test/0/k")


def test_labels_in_json_and_as_numbers(shards, tmp_path):
    (tmp_path / "names.txt").write_text("odd\neven\n")
    options = {"label_suffix": "json", "label_key": "label", "classes": str(tmp_path / "names.txt")}
    with pytest.raises(SpliceError, match="^label_suffix: labels run from 1 to 2 for 2 classes, .* first_label to 1"):
        WebDataset(str(shards), **options)
    assert WebDataset(str(shards), **options, first_label=1).labels.tolist() == [0, 1, 0, 1]
    with pytest.raises(SpliceError, match="^label_suffix: labels are integers, but there are no class names"):
        WebDataset(str(shards), label_suffix="json", label_key="label")
    with pytest.raises(SpliceError, match="^label_key is 'lable', but a/000.json is no JSON object with it"):
        WebDataset(str(shards), label_suffix="json", label_key="lable")


def test_samples_without_labels(shards, tmp_path, caplog):
    assert WebDataset(str(shards), label_suffix=None).labels is None
    assert not caplog.records
    assert WebDataset(str(shards), label_suffix="json", label_key="word").labels is None
    assert "label_suffix: no sample has a label: the data have none" in caplog.text
    write_tar(tmp_path / "t.tar", [*sample("a", 0), ("b.png", encoded(1))])
    with pytest.raises(SpliceError, match="^label_suffix: 1 of 2 samples have no label, among them t/b: set label_suf"):
        WebDataset(str(tmp_path / "t.tar"))
    with pytest.raises(SpliceError, match="^caption_suffix is 'txt', but a has only .png, .cls"):
        WebDataset(str(tmp_path / "t.tar"), label_suffix=None, caption_suffix="txt")


def test_samples_with_several_images_and_with_none(tmp_path):
    members = [("a.left.png", encoded(0)), ("a.RIGHT.png", encoded(1)), ("b.txt", b"no image"), ("c.jpg", encoded(2))]
    shard = str(write_tar(tmp_path / "t.tar", [*members, ("c.png", encoded(3))]))
    right = WebDataset(shard, image_suffix="right.png", label_suffix=None)
    assert right.sample_ids == ("t/a",)
    assert np.array_equal(pixels(right)[0], np.asarray(image(1)))
    with pytest.raises(SpliceError, match=r"^image_suffix is null, but c has several images \(\.jpg, \.png\)"):
        WebDataset(shard)
    assert WebDataset(shard, image_suffix=".png", label_suffix=None).sample_ids == ("t/c",)
    with pytest.raises(SpliceError, match=r"hold no images \(\.webp\)"):
        WebDataset(shard, image_suffix="webp")


def test_a_damaged_image_is_named(tmp_path):
    shard = write_tar(tmp_path / "t.tar", [("a.png", encoded(0)[:40]), ("a.cls", b"cat")])
    with pytest.raises(SpliceError, match="^t/a of t cannot be read as an image .*damaged=skip"):
        WebDataset(str(shard)).inputs(0, 1)


def test_members_of_macos_are_no_samples(tmp_path):
    shard = write_tar(tmp_path / "t.tar", [("d/._a.png", b"fork"), *sample("d/a", 0)])
    assert WebDataset(str(shard)).sample_ids == ("t/d/a",)


def test_a_tar_file_is_looked_through_once(shards, tmp_path, monkeypatch):
    for name, value in (("_FOUND", {}), ("_KEPT_IN", []), ("FRESH", -3600.0), ("KEPT_FROM", 1)):
        monkeypatch.setattr(file_digests, name, value)
    file_digests.keep_digests_in(tmp_path / "cache")
    opened, original = [], tarfile.open
    monkeypatch.setattr(tarfile, "open", lambda path, mode: opened.append(path.name) or original(path, mode))
    sources = []
    for _ in range(2):
        sources.append(WebDataset(str(shards), caption_suffix="txt"))
        file_digests._FOUND.clear()  # as a later command
    assert opened == ["train-000.tar", "train-001.tar"]
    first, second = sources
    assert second.identity() == first.identity()
    assert all(np.array_equal(*pair) for pair in zip(pixels(first), pixels(second), strict=True))
    assert WebDataset(str(shards), label_suffix=None).labels is None  # other members are wanted
    assert len(opened) == 4


@pytest.mark.parametrize("what", ["compressed", "cut short", "empty", "no tar"])
def test_files_that_are_no_whole_tar_are_named(tmp_path, what):
    shard = write_tar(tmp_path / "t.tar", [member for seed in range(9) for member in sample(str(seed), seed)])
    content = shard.read_bytes()
    changed = {"compressed": gzip.compress(content), "cut short": content[:5000], "empty": b"", "no tar": b"x" * 5000}
    shard.write_bytes(changed[what])
    with pytest.raises(SpliceError, match=r"^shards: .*t\.tar cannot be read as a tar file \(.*\): it must be"):
        WebDataset(str(shard))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nowhere.tar", r"^shards names '.*nowhere\.tar', but there is no file .*nowhere\.tar"),
        ("set/train-{000..002}.tar", r"but there is no file .*train-002\.tar"),
        ("set/*.tgz", "which is no tar file"),
    ],
)
def test_shards_that_are_not_there_are_named(shards, tmp_path, pattern, message):
    with pytest.raises(SpliceError, match=message):
        WebDataset(str(tmp_path / pattern))


def test_a_caption_that_says_nothing_and_a_label_that_says_much_are_refused(tmp_path):
    words = json.dumps({"label": ["cat", "dog"]}).encode()
    shard = str(write_tar(tmp_path / "t.tar", sample("a", 0, txt=b" \n", json=words)))
    with pytest.raises(SpliceError, match=r"^caption_suffix is 'txt', but a\.txt says nothing"):
        WebDataset(shard, caption_suffix="txt")
    with pytest.raises(SpliceError, match=r"^label_key is 'label', but a\.json has a list there"):
        WebDataset(shard, label_suffix="json", label_key="label")
