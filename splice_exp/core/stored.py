"""Stored embeddings of images or texts: one array and what is known about its rows, in any of four layouts.

E.safetensors   `embeddings` (n, d), and where there are any `labels` (n,) and `captions` (n, d), one row per image;
beside it E.json with `classes` or `texts`, `files`, and the encoder's `backbone` and `pretrained`
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

from splice_exp.core.arrays import read_npz
from splice_exp.core.errors import SpliceError, require_names, shown
from splice_exp.core.io import read_json, sidecar
from splice_exp.core.keys import key_of
from splice_exp.core.matrices.files import npy_matrix, npz_matrix, pt_matrix, safetensors_matrix
from splice_exp.core.matrices.matrix import Matrix
from splice_exp.core.matrices.unit_rows import checked_features
from splice_exp.core.tensors import as_tensor, read_pt, read_tensors

TORCH = (".pt", ".pth")
SUFFIXES = (".safetensors", ".npz", ".npy", *TORCH)


@dataclass(frozen=True, eq=False)
class StoredEmbeddings:
    """What a file of embeddings says.

    Attributes:
        features: Unit rows, (n, d) float32.
        labels: As stored, unchecked, or None.
        captions: Unit rows, the embedding of one caption of each sample, (n, d) float32, or None.
        description: All that is said in words: `classes`, `texts`, `files`, `backbone`, `pretrained` …
    """

    features: Tensor
    labels: Tensor | None
    captions: Tensor | None
    description: Mapping[str, Any]

    @property
    def encoder(self) -> str | None:
        """Architecture and weights of the encoder, where the file names them."""
        if "backbone" not in self.description:
            return None
        return "/".join(str(self.description[key]) for key in ("backbone", "pretrained") if key in self.description)


EMBEDDINGS, CAPTIONS = "embeddings", "captions"


def _matrix(path: Path, key: str) -> Matrix | None:
    """Find the embeddings, without reading them."""
    if path.suffix == ".safetensors":
        return safetensors_matrix(path, EMBEDDINGS)
    if path.suffix in TORCH:
        return pt_matrix(path, EMBEDDINGS, key)
    return npy_matrix(path, key) if path.suffix == ".npy" else npz_matrix(path, EMBEDDINGS, key)


def _read_others(path: Path, key: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the numbers and the words beside the embeddings."""
    if path.suffix == ".npy":
        return {}, {}
    if path.suffix == ".safetensors":
        tensors = {name: tensor for name, tensor in read_tensors(path).items() if name != EMBEDDINGS}
        return tensors, read_json(sidecar(path)) if sidecar(path).is_file() else {}
    if path.suffix in TORCH:
        content = read_pt(path, key)
        named = content if isinstance(content, Mapping) else {}
        found = {str(name): value.detach() for name, value in named.items() if isinstance(value, Tensor)}
        found.pop(EMBEDDINGS, None)
        return found, {str(name): value for name, value in named.items() if not isinstance(value, Tensor)}
    arrays = read_npz(path, key, leave_out=EMBEDDINGS)
    words = {name: _words(array, path, key) for name, array in arrays.items() if array.dtype.kind in "US"}
    numbers = {
        name: torch.from_numpy(array) if array.dtype.kind == "b" else as_tensor(array)
        for name, array in arrays.items()
        if array.dtype.kind in "fiub"
    }
    return numbers, words


def _words(array: np.ndarray, path: Path, key: str) -> list[str]:
    """Spell out an array of strings; bytes are UTF-8."""
    try:
        return [word.decode("utf-8") if isinstance(word, bytes) else word for word in array.tolist()]
    except UnicodeDecodeError as error:
        raise SpliceError(f"{key}: {path} holds words that are not UTF-8 ({error}).") from error


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
    file = Path(path).expanduser()
    if file.suffix not in SUFFIXES:
        raise SpliceError(f"{key} is {path!r}, but must end in one of: {', '.join(SUFFIXES)}.")
    if not file.is_file():
        raise SpliceError(f"{key} is {path!r}, but there is no such file.")
    matrix = _matrix(file, key)
    others, description = _read_others(file, key)
    for name in ("classes", "texts", "files"):
        if name in description:
            require_names(f"{argument}: `{name}` of {path}", description[name])
    if matrix is None:
        named = [*others, *description]
        held = f"holds {shown(named)}, but must hold `{EMBEDDINGS}`" if named else "holds no matrix of numbers"
        raise SpliceError(f"{key}: {path} {held}: (n, d), floating point and not sparse, with one embedding per row.")
    features, captions = checked_features(matrix, f"{key}: {path}"), others.get(CAPTIONS)
    if captions is not None:
        if captions.shape != features.shape:
            raise SpliceError(
                f"{key}: `{CAPTIONS}` of {path} are {tuple(captions.shape)}, but must be {tuple(features.shape)}, one "
                "row for each row of the embeddings."
            )
        captions = checked_features(captions, f"{key}: `{CAPTIONS}` of {path}")
    return StoredEmbeddings(features, others.get("labels"), captions, description)
