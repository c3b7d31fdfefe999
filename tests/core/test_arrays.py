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


def test_a_file_of_another_program_is_called_so(tmp_path):
    (tmp_path / "E.npy").write_text("0.1 0.2")
    with pytest.raises(
        SpliceError, match=r"^path: .*E.npy cannot be read as .npy .it is no file of NumPy, and begins with"
    ):
        read_npy(tmp_path / "E.npy", "path")


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


def written(path, header):
    """Write a header as it stands, and nothing behind it; beside it an archive of the same member."""
    content = header.encode() + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little") + content
    path.write_bytes(member)
    with zipfile.ZipFile(path.with_suffix(".npz"), "w") as archive:
        archive.writestr("embeddings.npy", member)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 8)}", r"its header claims the shape \(-3, 8\), but"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, -8)}", r"its header claims the shape \(3, -8\), but"),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 8)}",
            r"claims the shape \(True, 8\), but",
        ),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 8)}",
            r"claims more than the file holds: shape \(9999999999, 8\) takes 319,999,999,968 bytes, and there are \d+",
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3.5, 8)}", r"shape is not valid: \(3.5, 8\)"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': 8}", "shape is not valid: 8"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 8", "its header is damaged"),
        ("{'descr': '<f99', 'fortran_order': False, 'shape': (3, 8)}", "descr is not a valid dtype descriptor"),
    ],
)
def test_a_header_that_cannot_be_true_is_refused_with_the_reason(tmp_path, header, reason):
    written(tmp_path / "E.npy", header)
    for suffix in ("npy", "npz"):
        with pytest.raises(SpliceError, match=rf"^path: \S*E.{suffix} cannot be read as .{suffix} \(.*{reason}"):
            read_stored_embeddings(str(tmp_path / f"E.{suffix}"), "path")
    with pytest.raises(SpliceError, match=reason):
        read_npy(tmp_path / "E.npy", "path")
    with pytest.raises(SpliceError, match=reason):
        read_npz(tmp_path / "E.npz", "path")


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_all_versions_of_the_format_are_read(tmp_path, version):
    with (tmp_path / "E.npy").open("wb") as file:
        np.lib.format.write_array(file, np.eye(3), version)
    assert np.array_equal(read_npy(tmp_path / "E.npy", "path"), np.eye(3))
