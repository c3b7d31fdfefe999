"""Files inside the package: the small CLIPs of the synthetic benchmark, its vocabulary, prompts and templates."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"
SCENES_CLIP = ASSETS / "scenes_clip"  # a folder per member, an open_clip checkpoint
HUB, LOCAL = "hf-hub:", "local-dir:"  # before a repository, or a folder, with a model of open_clip and its weights


def members() -> tuple[int, ...]:
    """Return the numbers of the trained models of the synthetic benchmark."""
    return tuple(sorted(int(folder.name) for folder in SCENES_CLIP.iterdir() if folder.name.isdecimal()))


def model_of(member: int) -> str:
    """Return the name by which open_clip loads a trained model of the synthetic benchmark.

    Args:
        member: One of `members`.
    """
    return f"{LOCAL}{SCENES_CLIP / str(member)}"


def member_of(model: str) -> int | None:
    """Return which of the trained models of the synthetic benchmark it is; None for any other.

    Args:
        model: As open_clip names it.
    """
    return next((member for member in members() if Path(model.removeprefix(LOCAL)) == SCENES_CLIP / str(member)), None)
