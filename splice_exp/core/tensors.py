"""Tensors in files, and their identity."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import atomic, digest


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write named tensors as safetensors, atomically."""
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
        raise SpliceError(f"{path} cannot be read as safetensors ({error}).") from error


def read_pt(path: Path, key: str) -> object:
    """Read what `torch.save` wrote: tensors and plain values; nothing else is unpickled, because that can run code.

    Args:
        path: The file.
        key: Of the configuration, for errors.

    Raises:
        SpliceError: if the file is missing, damaged, or holds other things.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, UnpicklingError, EOFError, ValueError, KeyError) as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise SpliceError(
            f"{key}: {path} cannot be read as {path.suffix}, of which only tensors and plain values are loaded "
            f"({reason}): save a tensor, or tensors by name."
        ) from error


def tensor_digest(tensor: Tensor) -> str:
    """Hash values, shape and type of a tensor."""
    array = tensor.detach().cpu().contiguous()
    content = hashlib.sha256(array.view(torch.uint8).numpy().tobytes() if array.numel() else b"")
    return digest([content.hexdigest(), list(array.shape), str(array.dtype)])
