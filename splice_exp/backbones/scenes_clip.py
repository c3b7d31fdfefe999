"""The small CLIPs of the synthetic benchmark, inside the package: members of an ensemble that differ by their seeds."""

from __future__ import annotations

from collections.abc import Sequence

from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.core.assets import members, model_of
from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.keys import key_of


class ScenesClip(OpenClipBackbone):
    """A CLIP trained on the synthetic benchmark, from other initial weights and images than its fellow members.

    Args:
        member: Which one, the seed of its training.
        precision: Of weights and arithmetic, as of `OpenClipBackbone`.
        class_templates: Texts of a class, with `{}` for its name.

    Raises:
        SpliceError: if there is no such member.
    """

    def __init__(
        self, member: int = 0, precision: str = "fp32", class_templates: Sequence[str] = ("a photo of {}",)
    ) -> None:
        if member not in members():
            raise SpliceError(f"{key_of('member')} is {member!r}, but must be one of: {shown(members())}.")
        super().__init__(model_of(member), precision=precision, class_templates=class_templates)
