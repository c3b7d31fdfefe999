"""Arrays in files are mapped; hostile ones are refused: headers that lie, objects, archives of terabytes."""

import zipfile

import numpy as np
import pytest

from splice_exp.core import arrays
from splice_exp.core.arrays import read_npy, read_npz
from splice_exp.core.errors import SpliceError
from splice_exp.core.stored import read_stored_embeddings
from splice_exp.embeddings.geometry import read_mean


def claiming(path, shape):
    """Write a header that claims a shape, and nothing behind it."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})


@pytest.mark.parametrize("shape", [(2**40, 256), (2**62, 2), (3,)])
def test_a_header_that_claims_too_much_is_refused(tmp_path, shape):
    claiming(tmp_path / "E.npy", shape)
    for read in (lambda: read_npy(tmp_path / "E.npy", "path"), lambda: read_mean(str(tmp_path / "E.npy"), 3)):
        with pytest.raises(SpliceError, match=r"as .npy .its header claims more than the file holds"):
            read()
    with pytest.raises(SpliceError, match="^path: .*its header claims more"):
        read_stored_embeddings(str(tmp_path / "E.npy"), "path")


def test_an_archive_that_unpacks_to_more_than_memory_is_refused(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "E.npz", embeddings=np.zeros((1000, 1000)))
    assert (tmp_path / "E.npz").stat().st_size < 20_000
    monkeypatch.setattr(arrays, "physical_memory", lambda: 2**20)
    with pytest.raises(SpliceError, match="as .npz .unpacked it would take 0 GB, more than there is memory"):
        read_npz(tmp_path / "E.npz", "path")


def test_a_member_that_claims_too_much_is_refused(tmp_path):
    claiming(tmp_path / "embeddings.npy", (2**50, 256))
    with zipfile.ZipFile(tmp_path / "E.npz", "w") as archive:
        archive.write(tmp_path / "embeddings.npy", "embeddings.npy")
    with pytest.raises(SpliceError, match=r"E.npz cannot be read as .npz"):
        read_npz(tmp_path / "E.npz", "path")


def test_an_array_is_mapped_and_may_be_empty(tmp_path):
    np.save(tmp_path / "E.npy", np.eye(3))
    found = read_npy(tmp_path / "E.npy", "path")
    assert isinstance(found, np.memmap)
    assert np.array_equal(found, np.eye(3))
    np.save(tmp_path / "E.npy", np.zeros((0, 3)))
    with pytest.raises(SpliceError, match=r"^path: .*E.npy"):
        read_stored_embeddings(str(tmp_path / "E.npy"), "path")


@pytest.mark.parametrize("scale", [1e300, 1e-320, 1e-160, 1.0])
def test_rows_of_extreme_numbers_become_unit_rows(tmp_path, scale):
    np.save(tmp_path / "E.npy", np.array([[3.0, 4.0], [0.0, 1.0]]) * scale)
    found = read_stored_embeddings(str(tmp_path / "E.npy"), "path").features
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 1]], atol=1e-3 if scale == 1e-320 else 1e-6)
