"""Stored embeddings of images or texts: one array and what is known about its rows, in any of four layouts.

E.safetensors   `embeddings` (n, d), `labels` (n,) where there are any; beside it E.json with `classes` or
`texts`, `files`, and the encoder's `backbone` and `pretrained`
E.npz           the same names as arrays
E.npy           the embeddings alone
E.pt, .pth      the embeddings alone, or the same names as tensors and lists
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from splice_exp.core.arrays import read_npy, read_npz
from splice_exp.core.errors import SpliceError, require_names
from splice_exp.core.io import read_json, sidecar
from splice_exp.core.keys import key_of
from splice_exp.core.tensors import read_pt, read_tensors
from splice_exp.core.types import checked_features

TORCH = (".pt", ".pth")
SUFFIXES = (".safetensors", ".npz", ".npy", *TORCH)


@dataclass(frozen=True, eq=False)
class StoredEmbeddings:
    """What a file of embeddings says.

    Attributes:
        features: Unit rows, (n, d) float32.
        labels: As stored, unchecked, or None.
        description: All that is said in words: `classes`, `texts`, `files`, `backbone`, `pretrained` …
    """

    features: Tensor
    labels: Tensor | None
    description: Mapping[str, Any]

    @property
    def encoder(self) -> str | None:
        """Architecture and weights of the encoder, where the file names them."""
        if "backbone" not in self.description:
            return None
        return "/".join(str(self.description[key]) for key in ("backbone", "pretrained") if key in self.description)


def _read_arrays(path: Path, key: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    if path.suffix == ".safetensors":
        description = read_json(sidecar(path)) if sidecar(path).is_file() else {}
        return read_tensors(path), description
    if path.suffix in TORCH:
        content = read_pt(path, key)
        named = content if isinstance(content, Mapping) else {"embeddings": content}
        found = {str(name): value.detach() for name, value in named.items() if isinstance(value, Tensor)}
        return found, {str(name): value for name, value in named.items() if not isinstance(value, Tensor)}
    arrays = {"embeddings": read_npy(path, key)} if path.suffix == ".npy" else read_npz(path, key)
    words = {name: _words(array, path, key) for name, array in arrays.items() if array.dtype.kind in "US"}
    numbers = {name: as_tensor(array) for name, array in arrays.items() if array.dtype.kind in "fiub"}
    return numbers, words


def _words(array: np.ndarray, path: Path, key: str) -> list[str]:
    """Spell out an array of strings; bytes are UTF-8."""
    try:
        return [word.decode("utf-8") if isinstance(word, bytes) else word for word in array.tolist()]
    except UnicodeDecodeError as error:
        raise SpliceError(f"{key}: {path} holds words that are not UTF-8 ({error}).") from error


def as_tensor(array: np.ndarray) -> Tensor:
    """Return numbers as a tensor: any byte order, integers and booleans as int64."""
    if array.dtype.kind in "iub":
        return torch.from_numpy(array.astype(np.int64))
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))


def read_stored_embeddings(path: object, argument: str) -> StoredEmbeddings:
    """Read and check a file of embeddings.

    Args:
        path: The file.
        argument: Of the component being built, which errors should name.

    Raises:
        SpliceError: if the file is missing, damaged, of another layout, or holds impossible embeddings.
    """
    key = key_of(argument)
    if not isinstance(path, str):
        raise SpliceError(f"{key} is {path!r}, but must be the name of a file.")
    file = Path(path)
    if file.suffix not in SUFFIXES:
        raise SpliceError(f"{key} is {path!r}, but must end in one of: {', '.join(SUFFIXES)}.")
    if not file.is_file():
        raise SpliceError(f"{key} is {path!r}, but there is no such file.")
    arrays, description = _read_arrays(file, key)
    for name in ("classes", "texts", "files"):
        if name in description:
            require_names(f"{argument}: `{name}` of {path}", description[name])
    if "embeddings" not in arrays:
        raise SpliceError(f"{key}: {path} holds {', '.join(arrays) or 'nothing'}, but must hold `embeddings`.")
    features = checked_features(arrays["embeddings"], f"{key}: {path}")
    return StoredEmbeddings(features, arrays.get("labels"), description)
