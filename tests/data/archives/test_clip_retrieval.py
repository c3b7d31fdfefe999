"""Folders of clip-retrieval: parts of embeddings and their metadata, matched by number."""

import numpy as np
import pandas as pd
import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.core.labels import label_of_first
from splice_exp.data.archives.clip_retrieval import ClipRetrieval

WORDS = ["cat", "dog", "cat", "null", "dog", "cat"]


@pytest.fixture
def folder(tmp_path):
    """Six rows in three parts, whose numbers have zeros in front, and a gap."""
    root = tmp_path / "laion"
    for kind in ("img_emb", "text_emb", "metadata"):
        (root / kind).mkdir(parents=True)
    for number, rows in {"00": [0, 1], "02": [2], "10": [3, 4, 5]}.items():
        features = np.eye(8)[rows].astype(np.float16)
        np.save(root / "img_emb" / f"img_emb_{number}.npy", features)
        np.save(root / "text_emb" / f"text_emb_{number}.npy", -features)
        frame = pd.DataFrame({"image_path": [f"{row:05d}" for row in rows], "caption": [f"no {row}" for row in rows]})
        frame["word"] = [WORDS[row] for row in rows]
        frame["number"] = [1 + row % 2 for row in rows]
        frame.to_parquet(root / "metadata" / f"metadata_{number}.parquet")
    return root


def test_parts_are_joined_in_the_order_of_their_numbers(folder):
    data = ClipRetrieval(str(folder), caption_column="caption")
    found = data.embeddings()
    assert torch.equal(found.features, torch.eye(8)[:6])
    assert found.features.dtype == torch.float32
    assert found.sample_ids == tuple(f"{row:05d}" for row in range(6))
    assert data.captions()[5] == ("no 5",)
    assert (data.name, data.labels, data.classes, data.encoder) == ("laion", None, (), None)
    few = ClipRetrieval(str(folder), limit=3)
    assert few.sample_ids == ("00000", "00001", "00002")
    assert len(few.embeddings().features) == len(few) == 3


def test_ten_comes_after_two(folder):
    for kind, suffix in (("img_emb", "npy"), ("metadata", "parquet"), ("text_emb", "npy")):
        for number in ("00", "02"):
            (folder / kind / f"{kind}_{number}.{suffix}").rename(folder / kind / f"{kind}_{int(number)}.{suffix}")
    assert torch.equal(ClipRetrieval(str(folder)).embeddings().features, torch.eye(8)[:6])


def test_columns_may_be_classes(folder, tmp_path):
    data = ClipRetrieval(str(folder), label_column="word")
    assert data.classes == ("cat", "dog", "null")
    assert data.labels.tolist() == [0, 1, 0, 2, 1, 0]
    (tmp_path / "names.txt").write_text("\ufeffodd\r\neven\r\n")
    names = {"label_column": "number", "classes": str(tmp_path / "names.txt")}
    with pytest.raises(SpliceError, match="^label_column: labels run from 1 to 2 for 2 classes, .* first_label to 1"):
        ClipRetrieval(str(folder), **names)
    assert ClipRetrieval(str(folder), **names, first_label=1).labels.tolist() == [0, 1] * 3
    with pytest.raises(SpliceError, match="^label_column: labels are integers, but there are no class names: give"):
        ClipRetrieval(str(folder), label_column="number")
    with pytest.raises(SpliceError, match=r"^classes: .* has 2 names, but 00000.* have other labels \(cat, dog,"):
        ClipRetrieval(str(folder), **{**names, "label_column": "word"})
    assert label_of_first([], ["a"], None, "labels") == 0


def test_names_that_repeat_are_told_apart_by_their_part(folder):
    for file in (folder / "metadata").iterdir():
        pd.read_parquet(file).assign(image_path="same").to_parquet(file)
    assert ClipRetrieval(str(folder)).sample_ids[:3] == ("img_emb_00/0", "img_emb_00/1", "img_emb_02/0")


def test_labels_that_nobody_knows(folder, caplog):
    for file in (folder / "metadata").iterdir():
        pd.read_parquet(file).assign(word=None).to_parquet(file)
    assert ClipRetrieval(str(folder), label_column="word").labels is None
    assert "label_column: no sample has a label: the data have none" in caplog.text
    first = folder / "metadata" / "metadata_00.parquet"
    pd.read_parquet(first).assign(word="cat").to_parquet(first)
    with pytest.raises(SpliceError, match="^label_column: 4 of 6 samples have no label, among them 00002, 00003"):
        ClipRetrieval(str(folder), label_column="word")


def broken(folder, change):
    change(folder)
    return ClipRetrieval(str(folder), label_column="word")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "metadata" / "metadata_02.parquet").unlink(), "of the same numbers, but 2 has only one of"),
        (lambda f: (f / "img_emb" / "img_emb_10.npy").unlink(), "of the same numbers, but 10 has only one of"),
        (
            lambda f: np.save(f / "img_emb" / "img_emb_2.npy", np.eye(8)),
            r"has img_emb_02\.npy and img_emb_2\.npy, which have the same number",
        ),
        (
            lambda f: np.save(f / "img_emb" / "img_emb_02.npy", np.eye(8)),
            r"metadata_02\.parquet has 1 rows, but .*img_emb_02\.npy has 8",
        ),
        (lambda f: np.save(f / "img_emb" / "img_emb_02.npy", np.eye(9)[:1]), "must all have the same width, but"),
        (lambda f: np.save(f / "img_emb" / "img_emb_02.npy", np.ones(8)), r"has shape \(8,\), but must be a matrix"),
        (
            lambda f: np.save(f / "img_emb" / "img_emb_02.npy", np.full((1, 8), np.nan)),
            r"^root: .*img_emb_02\.npy has NaN or infinite values in rows 0",
        ),
        (lambda f: (f / "img_emb" / "img_emb_02.npy").write_bytes(b"no"), r"img_emb_02\.npy cannot be read as \.npy"),
        (lambda f: (f / "metadata" / "metadata_02.parquet").write_bytes(b"no"), "cannot be read as parquet"),
        (lambda f: [x.unlink() for x in (f / "img_emb").iterdir()], "holds no files img_emb_0.npy"),
        (lambda f: (f / "img_emb").rename(f / "images"), r"^root is .*img_emb', but there is no such folder"),
        (
            lambda f: pd.DataFrame({"image_path": ["x"]}).to_parquet(f / "metadata" / "metadata_02.parquet"),
            r"^label_column is 'word', but .*metadata_02\.parquet has no such column",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named(folder, change, message):
    with pytest.raises(SpliceError, match=message):
        broken(folder, change)


def test_other_files_are_let_be(folder):
    (folder / "img_emb" / "img_emb_02 (1).npy").write_bytes(b"a copy")
    (folder / "metadata" / ".DS_Store").write_bytes(b"")
    assert len(ClipRetrieval(str(folder))) == 6


@pytest.mark.parametrize("nothing", [None, " "])
def test_samples_without_a_caption_are_named(folder, nothing):
    """An empty text would be embedded like any other."""
    file = folder / "metadata" / "metadata_02.parquet"
    pd.read_parquet(file).assign(caption=nothing).to_parquet(file)
    with pytest.raises(SpliceError, match="^caption_column is 'caption', in which 1 of 6 samples have no caption, .*2"):
        ClipRetrieval(str(folder), caption_column="caption")
    assert len(ClipRetrieval(str(folder), caption_column="caption", limit=2)) == 2
