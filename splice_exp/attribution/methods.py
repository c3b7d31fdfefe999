"""Ways to attribute a target to pixels, behind one interface.

All of them look at γ(represent(x)) through the same backbone, removal and target, give signed maps, summed over
channels, and treat every explicand as if it were alone: a batch gives what its members give one by one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.attribution.removal import Removal
from splice_exp.attribution.targets import Target
from splice_exp.backbones.base import Backbone


@dataclass(frozen=True, eq=False)
class Attributions:
    """Maps of a batch of explicands.

    Attributes:
        maps: Signed, large where a pixel raises the score, (b, K, h, w).
        reliability: Rank correlation of the maps from either half of the masks or samples, (b, K); NaN where it is not
            known.
    """

    maps: Float[Tensor, "b K h w"]
    reliability: Float[Tensor, "b K"]

    @classmethod
    def certain(cls, maps: Float[Tensor, "b K h w"]) -> Attributions:
        """Return maps of which no halves were compared."""
        return cls(maps, torch.full(maps.shape[:2], torch.nan))


@dataclass(frozen=True, eq=False)
class Explicands:
    """Images to be explained, and how they are looked at.

    Attributes:
        backbone: Represents them.
        removal: What takes the place of removed pixels.
        images: As the backbone takes them, on its device, (b, c, h, w).
        seeds: One per image, of everything that is sampled for it.
    """

    backbone: Backbone
    removal: Removal
    images: Float[Tensor, "b c h w"]
    seeds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return int(self.images.shape[-2]), int(self.images.shape[-1])

    def score_of(self, target: Target) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the function that captum explains: images, and the explicand of each → scores, (m, K)."""
        return lambda images, samples: target.scores(self.backbone.represent(images), samples)

    @property
    def samples(self) -> Int64[Tensor, " b"]:
        """Number of each explicand, as targets ask for it."""
        return torch.arange(len(self), device=self.images.device)


@dataclass(frozen=True)
class Method(ABC):
    """A way to attribute; what it is written as says all that decides its maps."""

    @abstractmethod
    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        """Return one map an explicand and target.

        Args:
            explicands: The images, and how they are looked at.
            target: What is asked: K numbers for each representation.

        Raises:
            SpliceError: if backbone or removal do not allow the method.
        """

    def channels(self, explicands: Explicands, target: Target) -> Float[Tensor, "b K c h w"]:
        """Return maps of which the channels are not added up yet; one channel where the method knows no more.

        Args:
            explicands: The images, and how they are looked at.
            target: What is asked: K numbers for each representation.

        Raises:
            SpliceError: if backbone or removal do not allow the method.
        """
        return self.attribute(explicands, target).maps[:, :, None]


@dataclass(frozen=True)
class Absolute(Method):
    """Absolute attributions of a method: those of the channels of a pixel are added up without their signs.

    As the authors of COCOA evaluate them with `--take-attribution-abs`.

    Args:
        method: Makes the maps.
    """

    method: Method

    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        return Attributions.certain(self.method.channels(explicands, target).abs().sum(dim=2))
