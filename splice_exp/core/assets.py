"""Files inside the package: the small CLIPs of the synthetic benchmark, its vocabulary, prompts and templates."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"
SCENES_CLIP = ASSETS / "scenes_clip"  # a folder per member, an open_clip checkpoint for `local-dir:`


def members() -> tuple[int, ...]:
    """Return the numbers of the trained models of the synthetic benchmark."""
    return tuple(sorted(int(folder.name) for folder in SCENES_CLIP.iterdir() if folder.name.isdecimal()))
