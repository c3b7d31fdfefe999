"""Files inside the package: the small CLIP of the synthetic benchmark, its vocabulary, prompts and templates."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"
SCENES_CLIP = ASSETS / "scenes_clip"  # an open_clip checkpoint, for `local-dir:`
