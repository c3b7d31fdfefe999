"""What a user must know first: the model inside the package has seen drawings only, and names concepts in any image.

Embeddings do not distinguish photographs from drawings well enough to say it for those alone:
results/notes/photographs.md. Imported without torch.
"""

from __future__ import annotations

import json
import shlex
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from splice_exp.core.assets import LOCAL, SCENES_CLIP, member_of, members

WHY = "The model of the synthetic benchmark has seen only drawings: what it says of a photograph means nothing."
CHOICES = ("backbone=vit_b_32_openai", "vocabulary=laion")  # with the official image mean, which comes by itself
BY_MASKS = ("method=rise", "removal=blur")  # what maps of photographs are made by
ITS_OWN = tuple(f"splice_exp.data.{part}." for part in ("scenes", "counterfactuals", "planted", "embeddings_file"))
CONFIG = "open_clip_config.json"


def is_drawings_only(model: str) -> bool:
    """Say whether a model is one of those inside the package, as `backbone.model` names it, or has been made of one."""
    if not model.startswith(LOCAL):
        return False
    folder = Path(model.removeprefix(LOCAL)).expanduser()
    return member_of(model) is not None or _image_tower(folder) == _image_tower(SCENES_CLIP / str(members()[0]))


def _image_tower(folder: Path) -> Any:
    """Return the settings of the image tower of a checkpoint directory: an edited copy has those of the original."""
    try:
        return json.loads((folder / CONFIG).read_text(encoding="utf-8"))["model_cfg"]["vision_cfg"]
    except (OSError, ValueError, KeyError, TypeError):  # which is answered where the model is loaded
        return None


def warning_for(config: Mapping[str, Any], command: Sequence[str]) -> str | None:
    """Return what is to be said before a run on a user's own images; None where there is nothing to say.

    Args:
        config: Resolved.
        command: What the user typed after the name of the program.
    """
    own = not str(config["data"].get("_target_", "")).startswith(ITS_OWN)
    backbone = config["backbone"]
    inside = str(backbone.get("_target_", "")).endswith(".ScenesClip")
    if not own or not (inside or is_drawings_only(str(backbone.get("model", "")))):
        return None
    kept = [word for word in command if not word.startswith(("backbone", "vocabulary"))]
    by_masks = [word for word in BY_MASKS if not any(one.partition("=")[0] == word.partition("=")[0] for one in kept)]
    choices = [*CHOICES, *(by_masks if kept[:1] == ["explain"] else [])]
    return f"{WHY} For photographs:\n  {shlex.join(['python', '-m', 'splice_exp', *kept, *choices])}"


def warn_once(model: str, caller: str) -> None:
    """Warn in a notebook, once for each caller.

    Args:
        model: As `backbone.model` names it; for others nothing is said.
        caller: What the user has called, like `Splice.load`.
    """
    if is_drawings_only(model):
        _warn(caller)


@cache
def _warn(caller: str) -> None:
    load = f'{caller.partition(".")[0]}.load("open_clip:ViT-B-32", vocabulary="laion")'
    warnings.warn(f"{WHY} For photographs: {load}", UserWarning, stacklevel=4)
