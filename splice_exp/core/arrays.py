"""Arrays of NumPy in files: mapped into memory, not read, and refused in a sentence."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from splice_exp.core.errors import SpliceError
from splice_exp.core.memory import physical_memory

OBJECTS = (
    "it holds Python objects, which are never loaded, because they can run code: save words as "
    "numpy.array(words, dtype=str), and numbers with a dtype of numbers"
)
OTHER = "the content is of the other NumPy format"
FAULTS = (
    *(OSError, ValueError, EOFError, TypeError, OverflowError, MemoryError, SyntaxError, RecursionError),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error),  # a header is an expression of Python
)
MAGIC = b"\x93NUMPY"
LEFT = (MAGIC[:1], b"PK", b"\x80")  # how files of NumPy that were cut, its archives and pickles begin


def read_npy(path: Path, key: str) -> np.ndarray:
    """Map an array: only what is looked at is read.

    Args:
        path: A file of `numpy.save`.
        key: Of the configuration, for errors.

    Returns:
        The array, read-only, in the memory map of the file.

    Raises:
        SpliceError: if the file is missing, shorter than its header says, or holds Python objects.
    """
    try:
        _check_header(path)
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(found, np.ndarray):
            raise ValueError(OTHER)
    except FAULTS as error:
        raise SpliceError(f"{key}: {path} cannot be read as .npy ({_reason(error)}).") from error
    return found


class Header(NamedTuple):
    """What an array says of itself.

    Attributes:
        shape: Of the array.
        dtype: Of its values.
        by_columns: Whether they are stored column by column (Fortran order).
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    by_columns: bool


@contextmanager
def _reading_npz(path: Path, key: str) -> Iterator[None]:
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError(OTHER if path.is_file() else "No such file")
        yield
    except FAULTS as error:
        raise SpliceError(f"{key}: {path} cannot be read as .npz ({_reason(error)}).") from error


def read_npz(path: Path, key: str, leave_out: str | None = None) -> Mapping[str, np.ndarray]:
    """Read the arrays of an archive.

    Args:
        path: A file of `numpy.savez`.
        key: Of the configuration, for errors.
        leave_out: An array that is not read.

    Raises:
        SpliceError: if the file is missing or damaged, holds Python objects, or more than fits into memory.
    """
    with _reading_npz(path, key):
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > physical_memory():
            raise ValueError(f"unpacked it would take {size / 1e9:,.0f} GB, more than there is memory")
        with np.load(path, allow_pickle=False) as loaded:
            names = [name for name in loaded.files if name != leave_out]
            for name in names:
                npz_header(path, name, key)
            return {name: loaded[name] for name in names}


def npz_header(path: Path, name: str, key: str) -> Header | None:
    """Return what an array of an archive says of itself; None if there is no such array.

    Args:
        path: A file of `numpy.savez`.
        name: Of the array.
        key: Of the configuration, for errors.

    Raises:
        SpliceError: as `read_npz`.
    """
    with _reading_npz(path, key), zipfile.ZipFile(path) as archive:
        if f"{name}.npy" not in archive.namelist():
            return None
        with archive.open(f"{name}.npy") as member:
            header = _header(member)
        _check_size(header, archive.getinfo(f"{name}.npy").file_size)
        return header


def npz_rows(path: Path, name: str, key: str, size: int) -> Iterator[np.ndarray]:
    """Yield the rows of an array of an archive, some at a time.

    Args:
        path: A file of `numpy.savez`.
        name: Of one of its arrays.
        key: Of the configuration, for errors.
        size: Of what is yielded at a time, bytes.

    Raises:
        SpliceError: as `read_npz`.
    """
    with _reading_npz(path, key), zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
        shape, dtype, by_columns = _header(member)
        if by_columns:  # all of them are needed for the first row
            columns = np.frombuffer(member.read(), dtype)
            yield columns.reshape(shape, order="F")
            return
        row_bytes = dtype.itemsize * math.prod(shape[1:])
        together = max(1, size // max(1, row_bytes))
        for start in range(0, shape[0], together):
            rows = min(together, shape[0] - start)
            yield np.frombuffer(member.read(rows * row_bytes), dtype).reshape(rows, *shape[1:])


def _header(member: Any) -> Header:  # a file that is open
    version = np.lib.format.read_magic(member)
    old, new = np.lib.format.read_array_header_1_0, np.lib.format.read_array_header_2_0
    read = {(1, 0): old, (2, 0): new, (3, 0): new}.get(version)  # the third has other letters in names of columns
    if read is None:
        raise ValueError(f"version {version} of the format")
    shape, by_columns, dtype = read(member)
    if dtype.hasobject:
        raise ValueError(OBJECTS)
    if any(isinstance(size, bool) or size < 0 for size in shape):
        raise ValueError(f"its header claims the shape {shape}, but sizes are integers of 0 or more")
    return Header(shape, dtype, by_columns)


def _check_header(path: Path) -> None:
    """Refuse a file that is none of NumPy's, or whose header cannot be true; the others are left to NumPy."""
    with path.open("rb") as file:
        begin = file.read(len(MAGIC))
        if begin == MAGIC:
            file.seek(0)
            _check_size(_header(file), path.stat().st_size)
        elif begin and not begin.startswith(LEFT):
            raise ValueError(f"it is no file of NumPy, and begins with {begin!r}")


def _check_size(header: Header, size: int) -> None:
    claimed = math.prod(header.shape) * header.dtype.itemsize
    if claimed > size:
        raise ValueError(
            f"its header claims more than the file holds: shape {header.shape} takes {claimed:,} bytes, and there are "
            f"{size:,}"
        )


def _reason(error: Exception) -> str:
    """Say why NumPy cannot read a file; its own words advise to unpickle."""
    text = str(error)
    if "pickle" in text or "Python objects" in text:
        return OBJECTS
    if "mmap length" in text or "too big" in text or isinstance(error, (OverflowError, MemoryError)):
        return "its header claims more than the file holds"
    if isinstance(error, (SyntaxError, RecursionError, tokenize.TokenError)):
        return "its header is damaged"
    return text.partition("\n")[0] or type(error).__name__
