"""What stands in for the internet: files under a folder, checksums of them, and no network but this machine."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import open_clip  # noqa: F401  imported before processes are forked
import torch
import torchvision.datasets.utils

from scripts.rehearsal import data_sets, vocabularies, weights
from scripts.rehearsal.rehearse import rehearse
from splice_exp.core.io import file_sha256
from splice_exp.dictionaries import vocabulary

LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class StandIns:
    """Miniatures in a folder, and a judge on this machine.

    Attributes:
        folder: Where they are.
        judge: Address of the stand-in for a language model.
    """

    folder: Path
    judge: str

    def write(self) -> None:
        """Write everything but the weights of real architectures."""
        data_sets.write_data_sets(self.folder / "data")
        vocabularies.write_vocabularies(self.folder / "data", self.folder / "downloads")
        weights.write_networks(self.folder / "data" / "weights")
        weights.write_architectures(self.folder / "architectures")
        weights.use_narrow_architectures(self.folder / "architectures")
        weights.write_hub(self.folder / "narrow", tuple(weights.NARROW))

    def write_real(self) -> None:
        """Write the weights of real architectures."""
        weights.write_hub(self.folder / "real", ("ViT-B-32",))

    def rehearse(self, preset: str, folder: Path, real: bool) -> None:
        """Rehearse a preset, in a process that does nothing else.

        Args:
            preset: Of `conf/experiment/paper`.
            folder: For its results.
            real: Whether with the real architecture.
        """
        block_network()
        huggingface_hub.constants.HF_HUB_CACHE = str(self.folder / ("real" if real else "narrow"))
        if not real:
            weights.use_narrow_architectures(self.folder / "architectures")
        # Published checksums are of published files.
        torchvision.datasets.utils.check_md5 = lambda *_, **__: True
        listed = {name: self.folder / "downloads" / "vocabulary" / f"{name}.txt" for name in vocabularies.PUBLISHED}
        vocabulary.PUBLISHED_SHA256 = {name: file_sha256(path) for name, path in listed.items()}
        torch.set_num_threads(1)
        places = [f"paths.{name}={self.folder / name}" for name in ("data", "downloads")]
        rehearse(preset, [*places, "logger=none"], self.judge, folder)


def block_network() -> None:
    """Let this process connect to this machine only."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo" and arguments[0] not in (None, *LOCAL):
            raise PermissionError(f"the rehearsal has no network, but {arguments[0]!r} was looked up")
        if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in LOCAL:
            raise PermissionError(f"the rehearsal has no network, but {arguments[1][0]!r} was connected to")

    sys.addaudithook(refuse)
