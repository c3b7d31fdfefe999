"""Embeddings on disk, keyed by content: the same backbone never embeds the same samples twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import digest, file_sha256, read_json, read_tensors, sidecar, write_json, write_tensors

log = logging.getLogger(__name__)


class EmbeddingStore:
    """A folder of embeddings; a manifest beside each file, written last, says what it is and that it is whole.

    Args:
        directory: Where the files are; made when the first one is written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def features(
        self, backbone_id: str, data_id: str, compute: Callable[[], Float[Tensor, "n d"]]
    ) -> Float[Tensor, "n d"]:
        """Return stored features, or compute and store them.

        Args:
            backbone_id: Fingerprint of the encoder.
            data_id: Fingerprint of the samples.
            compute: Embeds them.

        Raises:
            SpliceError: if a file is damaged.
        """
        key = {"backbone": backbone_id, "data": data_id}
        path = self._directory / f"{digest(key)}.safetensors"
        if sidecar(path).is_file():
            self._check(path, key)
            log.info("embeddings read from %s", path)
            return read_tensors(path)["features"]
        features = compute()
        write_tensors(path, {"features": features})
        write_json(sidecar(path), {**key, "sha256": file_sha256(path)})
        return features

    def _check(self, path: Path, key: dict[str, str]) -> None:
        manifest = read_json(sidecar(path))
        whole = path.is_file() and file_sha256(path) == manifest.get("sha256")
        if not whole or {name: manifest.get(name) for name in key} != key:
            raise SpliceError(f"{path} is damaged or not what its manifest says: delete it and its .json.")
