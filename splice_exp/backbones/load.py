"""Load a model of open_clip by name, or the one inside the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splice_exp.core.assets import SCENES_CLIP
from splice_exp.core.errors import SpliceError

if TYPE_CHECKING:
    from splice_exp.backbones.open_clip import OpenClipBackbone


def load_backbone(
    model: str | None = None, pretrained: str | None = None, caller: str = "load_backbone"
) -> OpenClipBackbone:
    """Return a model of open_clip; by default that of the synthetic benchmark.

    Args:
        model: An architecture of open_clip, `hf-hub:…`, or `local-dir:…`.
        pretrained: Tag of its weights.
        caller: What the user called, for errors: `Splice.load`.

    Raises:
        SpliceError: if the weights cannot be loaded, or are named without a model.
    """
    from splice_exp.backbones.open_clip import OpenClipBackbone  # late: it takes seconds

    if model is None and pretrained is not None:
        raise SpliceError(f"pretrained is {pretrained!r}, but no model is named: {caller}('ViT-B-32', ...).")
    return OpenClipBackbone(f"local-dir:{SCENES_CLIP}" if model is None else model, pretrained)
