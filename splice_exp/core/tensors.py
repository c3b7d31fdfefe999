"""Tensors in files, and their identity."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from zipfile import is_zipfile

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import atomic, digest
from splice_exp.core.matrices.whole import require_pt


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write named tensors as safetensors, atomically.

    Args:
        path: Replaced where it is there.
        tensors: By name; contiguous copies are made where they are not.
    """
    with atomic(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a safetensors file.

    Raises:
        SpliceError: if the file is missing, truncated or of another format.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise SpliceError(f"{path} cannot be read as safetensors ({error}).") from None


def read_pt(path: Path, key: str) -> object:
    """Read what `torch.save` wrote, in either of its formats: tensors and plain values.

    Nothing else is unpickled, because that can run code.

    Args:
        path: The file.
        key: Of the configuration, for errors.

    Raises:
        SpliceError: if the file is missing, damaged, or holds other things.
    """
    require_pt(path, key)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about foreign pickles: they are refused below
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    except Exception:  # whatever bytes that only look like such a file lead to; torch advises to run them
        raise SpliceError(
            f"{key}: {path} is damaged, or holds more than tensors and plain values, and nothing else is loaded, "
            "because that could run code: save a tensor, or tensors by name."
        ) from None


def as_tensor(array: np.ndarray) -> Tensor:
    """Return numbers as a tensor: any byte order, integers and booleans as int64, long floats as float64.

    Integers beyond int64 stay what they are, uint64.
    """
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        return torch.from_numpy(array.astype(np.uint64))
    if array.dtype.kind in "iub":
        return torch.from_numpy(array.astype(np.int64))
    wanted = np.dtype(np.float64) if array.dtype.itemsize > 8 else array.dtype.newbyteorder("=")
    return torch.from_numpy(array.astype(wanted))


def tensor_digest(tensor: Tensor) -> str:
    """Hash values, shape and type of a tensor."""
    array = tensor.detach().cpu().contiguous()
    content = hashlib.sha256(array.reshape(-1).view(torch.uint8).numpy().data if array.numel() else b"")
    return digest([content.hexdigest(), list(array.shape), str(array.dtype)])
