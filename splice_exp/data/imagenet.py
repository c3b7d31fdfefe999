"""What the classes of ImageNet are called: as in open_clip, by folder; and as they were called before.

Folders are WordNet ids, whose sorted order is that of all lists of the thousand classes: the ids come from timm, the
names from open_clip, and the older names from the weights of torchvision.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from splice_exp.core.names import canonical


@cache
def class_names() -> Mapping[str, str]:
    """Return WordNet id → name, for the thousand classes in their order."""
    from timm.data.imagenet_info import ImageNetInfo

    from splice_exp.core.packages.clip import open_clip  # late: it brings torch

    ids: list[str] = ImageNetInfo("imagenet-1k").label_names()  # type: ignore[no-untyped-call]
    return dict(zip(ids, open_clip.IMAGENET_CLASSNAMES, strict=True))


@cache
def older_names() -> Mapping[str, str]:
    """Return older name → name, the older one canonical; those that could mean two classes are left out.

    Example:
        >>> older_names()["jack-o'-lantern"], older_names()["chain saw"]
        ('carved pumpkin', 'chainsaw')
    """
    from torchvision.models import ResNet18_Weights

    names = list(class_names().values())
    older = [canonical(name) for name in ResNet18_Weights.DEFAULT.meta["categories"]]
    taken = {canonical(name) for name in names}
    pairs = zip(older, names, strict=True)
    return {name: now for name, now in pairs if name not in taken and older.count(name) == 1}
