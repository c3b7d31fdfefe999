"""Matrices in files are read in sections, with the same rows in every format, and without a second copy of them."""

import ctypes
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from splice_exp.core.errors import SpliceError
from splice_exp.core.matrices import files
from splice_exp.core.matrices.unit_rows import checked_features
from splice_exp.core.stored import read_stored_embeddings
from splice_exp.core.types import Embeddings
from splice_exp.data.archives.clip_retrieval import ClipRetrieval
from splice_exp.distributed.shards import Shards
from splice_exp.embeddings.geometry import center, directions, distances, image_mean

ROWS = np.random.default_rng(0).normal(size=(1000, 8)).astype(np.float32)
OF_FORMAT = {
    "E.npy": lambda path, rows: np.save(path, rows),
    "columns.npy": lambda path, rows: np.save(path, np.asfortranarray(rows)),
    "E.npz": lambda path, rows: np.savez(path, embeddings=rows, labels=np.zeros(len(rows), int)),
    "columns.npz": lambda path, rows: np.savez_compressed(path, embeddings=np.asfortranarray(rows)),
    "small.npz": lambda path, rows: np.savez_compressed(path, embeddings=rows),
    "E.safetensors": lambda path, rows: save_file({"embeddings": torch.from_numpy(rows), "z": torch.zeros(3)}, path),
    "E.pt": lambda path, rows: torch.save(torch.from_numpy(rows), path),
    "named.pt": lambda path, rows: torch.save({"embeddings": torch.from_numpy(rows), "files": ["a"]}, path),
    "old.pt": lambda path, rows: torch.save(torch.from_numpy(rows), path, _use_new_zipfile_serialization=False),
}
LARGE = ("E.npy", "E.npz", "E.safetensors", "E.pt")


@pytest.mark.parametrize("name", OF_FORMAT)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_sections_of_a_file_are_the_whole(tmp_path, monkeypatch, name, dtype):
    OF_FORMAT[name](tmp_path / name, ROWS.astype(dtype))
    expected = checked_features(torch.from_numpy(ROWS.astype(dtype)), "path")
    for section in (2**27, 1000, 1):
        monkeypatch.setattr(files, "SECTION", section)
        monkeypatch.setattr(files, "PART", 300)
        assert torch.equal(read_stored_embeddings(str(tmp_path / name), "path").features, expected)


@pytest.mark.parametrize("name", OF_FORMAT)
def test_rows_that_are_flawed_are_named_in_any_section(tmp_path, monkeypatch, name):
    monkeypatch.setattr(files, "SECTION", 1000)
    for flaw, value in (("NaN or infinite values", np.nan), ("only zeros", 0.0)):
        rows = ROWS.copy()
        rows[[3, 999]] = value
        OF_FORMAT[name](tmp_path / name, rows)
        with pytest.raises(SpliceError, match=f"^path: .*{name} has {flaw} in rows 3, 999"):
            read_stored_embeddings(str(tmp_path / name), "path")


@pytest.mark.parametrize("name", LARGE)
def test_reading_takes_half_as_much_again_as_the_embeddings_at_most(tmp_path, name):
    rows = np.ones((2**17, 256), np.float32)  # 128 MiB
    OF_FORMAT[name](tmp_path / name, rows)
    size = rows.nbytes
    del rows
    with peak_of() as highest:
        read_stored_embeddings(str(tmp_path / name), "path")
    assert highest() <= 1.5 * size


def test_reading_a_folder_of_clip_retrieval_takes_no_second_copy(tmp_path):
    pd = pytest.importorskip("pandas")
    for part in range(2):
        for folder in ("img_emb", "metadata"):
            (tmp_path / folder).mkdir(exist_ok=True)
        np.save(tmp_path / "img_emb" / f"img_emb_{part}.npy", np.ones((2**17, 256), np.float16))
        pd.DataFrame({"n": np.zeros(2**17)}).to_parquet(tmp_path / "metadata" / f"metadata_{part}.parquet")
    with peak_of() as highest:
        data = ClipRetrieval(str(tmp_path))
    assert highest() <= 1.5 * data.embeddings().features.nbytes


def test_shards_are_put_together_without_a_second_copy(tmp_path):
    shards = Shards(tmp_path, {}, 2**17)
    for start in range(0, 2**17, 2**14):
        rows = range(start, start + 2**14)
        shards.write(rows, {"features": torch.arange(start, start + 2**14)[:, None].float().expand(-1, 256)})
    with peak_of() as highest:
        found = shards.together("features")
    assert highest() <= 1.5 * found.nbytes
    assert torch.equal(found[:, 7], torch.arange(2**17).float())


def test_centring_by_parts_is_that_of_all():
    features = checked_features(torch.randn(3000, 256, generator=torch.Generator().manual_seed(0)), "rows")
    mean = features.double().mean(dim=0).float()
    difference = features.double() - mean.double()
    targets, scale = center(features, mean)
    assert torch.equal(targets, torch.nn.functional.normalize(difference, dim=1).float())
    assert torch.equal(scale, difference.norm(dim=1).float())
    assert torch.equal(directions(features[5:6], mean), targets[5:6])
    assert distances(features[:0], mean).shape == (0,)
    torch.testing.assert_close(image_mean(Embeddings(features, None, (), (), "image", "")), mean)


class peak_of:  # noqa: N801 - a context
    """How many bytes memory rises at most while this is open."""

    def __enter__(self):
        if not Path("/proc/self/clear_refs").exists():
            pytest.skip("only Linux says how far memory rose")
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        before = _status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        return lambda: _status("VmHWM") - before

    def __exit__(self, *error):
        return None


def _status(key):
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024


def test_what_is_no_matrix_of_numbers_is_refused(tmp_path):
    torch.save(torch.eye(3).to_sparse(), tmp_path / "sparse.pt")
    with pytest.raises(SpliceError, match=r"^path: .*sparse.pt"):
        read_stored_embeddings(str(tmp_path / "sparse.pt"), "path")
    for name, rows in (("cube.npy", np.ones((2, 2, 2))), ("words.npy", np.array(["a"])), ("scalar.npy", np.array(1.0))):
        np.save(tmp_path / name, rows)
        with pytest.raises(SpliceError, match=f"^path: .*{name} holds"):
            read_stored_embeddings(str(tmp_path / name), "path")
    save_file({"embeddings": torch.tensor(1.0)}, tmp_path / "scalar.safetensors")
    with pytest.raises(SpliceError, match=r"scalar.safetensors holds an array of shape \(\)"):
        read_stored_embeddings(str(tmp_path / "scalar.safetensors"), "path")
    (tmp_path / "E.pt").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(SpliceError, match=r"^path: .*E.pt"):
        read_stored_embeddings(str(tmp_path / "E.pt"), "path")
