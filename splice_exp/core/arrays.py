"""Arrays of NumPy in files: mapped into memory, not read, and refused in a sentence."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from splice_exp.core.errors import SpliceError
from splice_exp.core.memory import physical_memory

OBJECTS = (
    "it holds Python objects, which are never loaded, because they can run code: save words as "
    "numpy.array(words, dtype=str), and numbers with a dtype of numbers"
)
OTHER = "the content is of the other NumPy format"
FAULTS = (OSError, ValueError, EOFError, TypeError, OverflowError, MemoryError, zipfile.BadZipFile, zlib.error)


def read_npy(path: Path, key: str) -> np.ndarray:
    """Map an array: only what is looked at is read.

    Args:
        path: A file of `numpy.save`.
        key: Of the configuration, for errors.

    Raises:
        SpliceError: if the file is missing, shorter than its header says, or holds Python objects.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "overflow encountered", RuntimeWarning)  # of sizes that no file has
            found = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(found, np.ndarray):
            raise ValueError(OTHER)
    except FAULTS as error:
        raise SpliceError(f"{key}: {path} cannot be read as .npy ({_reason(error)}).") from error
    return found


def read_npz(path: Path, key: str) -> Mapping[str, np.ndarray]:
    """Read all arrays of an archive.

    Args:
        path: A file of `numpy.savez`.
        key: Of the configuration, for errors.

    Raises:
        SpliceError: if the file is missing or damaged, holds Python objects, or more than fits into memory.
    """
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError(OTHER if path.is_file() else "No such file")
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > physical_memory():
            raise ValueError(f"unpacked it would take {size / 1e9:,.0f} GB, more than there is memory")
        with np.load(path, allow_pickle=False) as loaded:
            return {name: loaded[name] for name in loaded.files}
    except FAULTS as error:
        raise SpliceError(f"{key}: {path} cannot be read as .npz ({_reason(error)}).") from error


def _reason(error: Exception) -> str:
    """Say why NumPy cannot read a file; its own words advise to unpickle."""
    text = str(error)
    if "pickle" in text or "Python objects" in text:
        return OBJECTS
    if "mmap length" in text or "too big" in text or isinstance(error, (OverflowError, MemoryError)):
        return "its header claims more than the file holds"
    return text.partition("\n")[0] or type(error).__name__
