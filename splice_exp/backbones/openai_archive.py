"""OpenAI's own files of CLIP, `ViT-B-32.pt` and others: programs of TorchScript, not tensors alone.

To read one is to trust it, so only those that OpenAI published are read: their SHA-256 is in their addresses.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import file_sha256
from splice_exp.core.keys import key_of
from splice_exp.core.packages.clip import open_clip


def is_openai_archive(weights: str | None) -> bool:
    """Say whether weights are one of the files of TorchScript that OpenAI published.

    Args:
        weights: A file; a tag, or None, is none.

    Raises:
        SpliceError: for any other file of TorchScript.
    """
    if weights is None or not _is_torchscript(Path(weights)):
        return False
    found = file_sha256(Path(weights))
    if found not in published_checksums():
        raise SpliceError(
            f"{weights} is a program of TorchScript with SHA-256 {found}, which is none of those that OpenAI "
            f"published and is not run: save its state dict as .safetensors, and set {key_of('weights')} to that file."
        )
    return True


def published_checksums() -> set[str]:
    """Return the SHA-256 of each file that OpenAI published."""
    tags = (open_clip.get_pretrained_cfg(model, "openai") or {} for model in open_clip.list_models())
    return {tag["url"].split("/")[-2] for tag in tags if tag.get("url")}


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(Path(name).name == "constants.pkl" for name in archive.namelist())
