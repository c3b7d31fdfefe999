"""Load a model of open_clip by name, or the one inside the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splice_exp.backbones.published import require_model, require_weights
from splice_exp.core.assets import member_of, model_of
from splice_exp.core.errors import SpliceError

if TYPE_CHECKING:
    from splice_exp.backbones.base import Backbone
    from splice_exp.backbones.open_clip import OpenClipBackbone

# Names in the authors' SpLiCE package, library:model → architecture and tag of open_clip.
OFFICIAL_NAMES = {
    "open_clip:ViT-B-32": ("ViT-B-32", "laion2b_s34b_b79k"),
    "clip:ViT-B/32": ("ViT-B-32", "openai"),
    "clip:ViT-B/16": ("ViT-B-16", "openai"),
    "clip:RN50": ("RN50", "openai"),
}


def load_backbone(
    model: str | None = None, pretrained: str | None = None, caller: str = "load_backbone"
) -> OpenClipBackbone:
    """Return a model of open_clip; by default that of the synthetic benchmark.

    Args:
        model: An architecture of open_clip, `hf-hub:…`, `local-dir:…`, or a name of the authors' SpLiCE package
            (`open_clip:ViT-B-32`, `clip:ViT-B/32`), which has its weights by itself.
        pretrained: Tag of the weights of an architecture.
        caller: What the user called, for errors: `Splice.load`.

    Raises:
        SpliceError: if the weights cannot be loaded, or are named without a model.
    """
    architecture, tag = require_loadable(model, pretrained, caller)
    from splice_exp.backbones.open_clip import OpenClipBackbone  # late: it takes seconds

    return OpenClipBackbone(architecture, tag)


def require_loadable(
    model: str | None = None, pretrained: str | None = None, caller: str = "load_backbone"
) -> tuple[str, str | None]:
    """Return architecture and tag of a model whose weights are here, or have been fetched: found out in a moment.

    Args:
        model: As `load_backbone` takes it.
        pretrained: As `load_backbone` takes it.
        caller: What the user called, for errors.

    Raises:
        SpliceError: for an unknown model, or weights that are missing or damaged.
    """
    if model is None:
        if pretrained is not None:
            raise SpliceError(f"pretrained is {pretrained!r}, but no model is named: {caller}('ViT-B-32', ...).")
        return model_of(0), None
    architecture, tag = resolve_model(model, pretrained)
    require_model(architecture)
    require_weights(architecture, tag, None)
    return architecture, tag


def model_name(backbone: Backbone) -> str:
    """Return what a person calls a backbone: `scenes_clip, member 0`, its encoder, or if it has none its digest.

    One of which a tower was changed, by an edit of heads for example, says so.
    """
    encoder = backbone.encoder or backbone.backbone_id
    member = member_of(encoder)
    name = encoder if member is None else f"scenes_clip, member {member}"
    return f"{name}, changed" if backbone.untouched else name


def resolve_model(model: str, pretrained: str | None = None) -> tuple[str, str | None]:
    """Return architecture and tag of a model that may be named as in the authors' package.

    Args:
        model: An architecture of open_clip, or a name of the authors' package: `clip:…` or `open_clip:…`.
        pretrained: Tag or file of its weights; None where the name has them.

    Raises:
        SpliceError: for a library without such a model, or a tag beside a name that has one.

    Example:
        >>> resolve_model("clip:ViT-B/32")
        ('ViT-B-32', 'openai')
        >>> resolve_model("open_clip:ViT-L-14", "laion2b_s32b_b82k")
        ('ViT-L-14', 'laion2b_s32b_b82k')
    """
    if model in OFFICIAL_NAMES and pretrained is None:
        return OFFICIAL_NAMES[model]
    library, _, name = model.partition(":")
    if library == "open_clip" and name:
        return name, pretrained
    if library == "clip" and name:
        if model not in OFFICIAL_NAMES:
            known = ", ".join(name for name in OFFICIAL_NAMES if name.startswith("clip:"))
            raise SpliceError(f"model is {model!r}, but must be one of {known}, or an architecture of open_clip.")
        raise SpliceError(f"pretrained is {pretrained!r}, but {model} has the weights of OpenAI: leave it out.")
    return model, pretrained
