"""What a user must know first: the model inside the package has seen drawings only, and names concepts in any image.

Embeddings do not distinguish photographs from drawings well enough to say it for those alone:
results/notes/photographs.md. Imported without torch.
"""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from splice_exp.core.assets import LOCAL, member_of

WHY = "The model of the synthetic benchmark has seen only drawings: what it says of a photograph means nothing."
CHOICES = ("backbone=vit_b_32_openai", "vocabulary=laion")  # with the official image mean, which comes by itself
IMAGES_OF_USERS = ("picture_files.PictureFiles", "image_folder.ImageFolder", "image_table.ImageTable")


def is_drawings_only(model: str) -> bool:
    """Say whether a model is one of those inside the package, as `backbone.model` names it."""
    return model.startswith(LOCAL) and member_of(model) is not None


def warning_for(config: Mapping[str, Any], command: Sequence[str]) -> str | None:
    """Return what is to be said before a run on a user's own images; None where there is nothing to say.

    Args:
        config: Resolved.
        command: What the user typed after the name of the program.
    """
    own = str(config["data"].get("_target_", "")).endswith(IMAGES_OF_USERS)
    backbone = config["backbone"]
    inside = str(backbone.get("_target_", "")).endswith(".ScenesClip")
    if not own or not (inside or is_drawings_only(str(backbone.get("model", "")))):
        return None
    kept = [word for word in command if not word.startswith(("backbone", "vocabulary"))]
    return f"{WHY} For photographs: {shlex.join(['python', '-m', 'splice_exp', *kept, *CHOICES])}"


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
