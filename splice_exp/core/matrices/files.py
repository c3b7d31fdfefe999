"""Matrices in files of four formats, opened again for each section: what was read before may leave memory.

A page that is mapped counts as memory of the process until the map is closed, so that one map of the whole file would
take as much as the file when its end is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import is_zipfile

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from splice_exp.core.arrays import npz_header, npz_rows, read_npy
from splice_exp.core.errors import SpliceError
from splice_exp.core.matrices.matrix import PART, Matrix, parts_of
from splice_exp.core.tensors import as_tensor, read_pt

SECTION = 2**25  # bytes of a file that are mapped at a time
NUMBERS = "fiub"  # kinds of NumPy's types


def npy_matrix(path: Path, key: str) -> Matrix | None:
    """Return the matrix of a file of `numpy.save`; None if it does not hold numbers.

    Args:
        path: The file.
        key: Of the configuration, for errors.

    Raises:
        SpliceError: as `read_npy`.
    """
    whole = read_npy(path, key)
    if whole.dtype.kind not in NUMBERS:
        return None
    return _in_sections(whole.shape, whole.dtype, lambda: read_npy(path, key))


def npz_matrix(path: Path, name: str, key: str) -> Matrix | None:
    """Return a matrix of a file of `numpy.savez`; None if it does not hold numbers of that name.

    Args:
        path: The file.
        name: Of the array.
        key: Of the configuration, for errors.

    Raises:
        SpliceError: as `read_npz`.
    """
    header = npz_header(path, name, key)
    if header is None or header.dtype.kind not in NUMBERS:
        return None
    dtype = as_tensor(np.empty(0, header.dtype)).dtype
    return Matrix(header.shape, dtype, lambda: map(as_tensor, npz_rows(path, name, key, PART)))


def safetensors_matrix(path: Path, name: str) -> Matrix | None:
    """Return a matrix of a safetensors file; None if it holds none of that name.

    Args:
        path: The file.
        name: Of the tensor.

    Raises:
        SpliceError: if the file is damaged.
    """

    def opened() -> Tensor | None:
        try:
            with safe_open(path, framework="pt") as file:
                return file.get_tensor(name) if name in file.keys() else None  # noqa: SIM118 - not a mapping
        except (OSError, SafetensorError) as error:
            raise SpliceError(f"{path} cannot be read as safetensors ({error}).") from error

    return _of_torch(opened(), opened)


def pt_matrix(path: Path, name: str, key: str) -> Matrix | None:
    """Return the matrix of a file of `torch.save`: the only tensor, or that of a name; None if there is no such tensor.

    Args:
        path: The file.
        name: Of the tensor, where the file holds several.
        key: Of the configuration, for errors.

    Raises:
        SpliceError: as `read_pt`.
    """

    def opened() -> Tensor | None:
        content = read_pt(path, key)
        found = content.get(name) if isinstance(content, dict) else content
        return found.detach() if isinstance(found, Tensor) and found.layout is torch.strided else None

    whole = opened()
    return _of_torch(whole, opened if is_zipfile(path) else lambda: whole)  # older files cannot be mapped


def _of_torch(whole: Tensor | None, opened: Callable[[], Tensor | None]) -> Matrix | None:
    return None if whole is None else _in_sections(tuple(whole.shape), whole.dtype, opened)


def _in_sections(
    shape: tuple[int, ...], dtype: torch.dtype | np.dtype, opened: Callable[[], Tensor | np.ndarray | None]
) -> Matrix:
    """Return a matrix whose file is opened for each section of it."""
    row_bytes = dtype.itemsize * (shape[1] if len(shape) > 1 else 1)

    def read() -> Iterator[Tensor]:
        for section in parts_of(shape[0], row_bytes, SECTION):
            whole = opened()
            assert whole is not None, "the file was replaced while it was read"
            for rows in parts_of(len(section), row_bytes, PART):
                part = whole[section.start + rows.start : section.start + rows.stop]
                yield part if isinstance(part, Tensor) else as_tensor(part)

    found = dtype if isinstance(dtype, torch.dtype) else as_tensor(np.empty(0, dtype)).dtype
    return Matrix(shape, found, read)
