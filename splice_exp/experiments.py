"""Files of experiments, read as text: what they sweep, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from splice_exp.configuration import CONFIG_DIRECTORY

FOLDER = CONFIG_DIRECTORY / "experiment"


def chosen(words: Sequence[str]) -> Path | None:
    """Return the file of the experiment that a command line chooses; None if there is none such."""
    names = [word.partition("=")[2] for word in words if word.startswith("experiment=")]
    path = FOLDER / f"{names[-1]}.yaml" if names else None
    return path if path is not None and path.is_file() else None


def swept_by_file(words: Sequence[str]) -> list[str]:
    """Return the keys that the chosen experiment sweeps by itself."""
    path = chosen(words)
    return [] if path is None else list(_sweeper(path).get("params") or {})


def _sweeper(path: Path) -> dict[str, Any]:
    described = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return (described.get("hydra") or {}).get("sweeper") or {}
