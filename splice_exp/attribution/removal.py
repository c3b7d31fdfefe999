"""What takes the place of a pixel that is removed: the same for explaining and for judging explanations.

    kept M in [0, 1]:   x·M + fill·(1 − M)      or the patches that are not kept are hidden from the image tower

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023 (blur).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_at_least, require_integer
from splice_exp.core.keys import key_of

REFERENCE_SIDE = 224  # pixels, for which the σ of a scaled blur is given


@dataclass(frozen=True)
class Removal(ABC):
    """A way to remove pixels; what it is written as says all that it does."""

    @abstractmethod
    def represent(
        self, backbone: Backbone, images: Float[Tensor, "b c h w"], kept: Float[Tensor, "m h w"]
    ) -> Float[Tensor, "m d"]:
        """Represent images of which only some pixels are kept.

        Args:
            backbone: Its `represent`.
            images: As the backbone takes them: one for all masks, or one for each.
            kept: Share of each pixel that stays, in [0, 1], (m, h, w).

        Raises:
            SpliceError: if the backbone cannot do it.
        """

    @abstractmethod
    def fill(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return images of which everything is removed.

        Raises:
            SpliceError: if there is no such image.
        """


class Replacement(Removal):
    """Removed pixels are those of another image."""

    def represent(
        self, backbone: Backbone, images: Float[Tensor, "b c h w"], kept: Float[Tensor, "m h w"]
    ) -> Float[Tensor, "m d"]:
        return backbone.represent(torch.lerp(self.fill(images), images, kept[:, None].to(images)))


@dataclass(frozen=True)
class Blur(Replacement):
    """Removed pixels are those of the blurred image, by one kernel for all resolutions, as published.

    Args:
        sigma: Of the Gaussian, in pixels of the image.
        kernel_size: Side of the kernel, in pixels of the image; odd.
    """

    sigma: float = 5.0
    kernel_size: int = 21

    def __post_init__(self) -> None:
        require_at_least("sigma", self.sigma, 1e-3)
        require_integer("kernel_size", self.kernel_size, 1)
        if self.kernel_size % 2 == 0:
            raise SpliceError(f"{key_of('kernel_size')} is {self.kernel_size}, but must be odd.")

    def fill(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        height, width = images.shape[-2:]
        if self.kernel_size // 2 >= min(height, width):  # reflected edges must fit in
            raise SpliceError(
                f"{key_of('kernel_size', self)} is {self.kernel_size}, but images of {height} × {width} pixels take at "
                f"most {2 * min(height, width) - 1}: lower it, or set removal=blur_scaled."
            )
        return _blurred(images, [self.kernel_size, self.kernel_size], [self.sigma, self.sigma])


def _blurred(images: Float[Tensor, "b c h w"], kernel: list[int], sigma: list[float]) -> Float[Tensor, "b c h w"]:
    from torchvision.transforms.functional import gaussian_blur  # late: torchvision takes seconds

    return gaussian_blur(images, kernel, sigma)


@dataclass(frozen=True)
class ScaledBlur(Replacement):
    """Removed pixels are those of the blurred image, by a kernel that grows with the image.

    Images of one scene at several resolutions are blurred alike; at 224 × 224 pixels it is the published blur.

    Args:
        sigma: Of the Gaussian, in pixels of an image of 224 × 224; scaled with the height.
    """

    sigma: float = 5.0

    def __post_init__(self) -> None:
        require_at_least("sigma", self.sigma, 1e-3)

    def fill(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        height, width = images.shape[-2:]
        sigma = self.sigma * height / REFERENCE_SIDE
        # Two standard deviations to either side, as 21 pixels for σ = 5; reflected edges must fit in.
        reach = max(1, min(round(2 * sigma), height - 1, width - 1))
        return _blurred(images, [2 * reach + 1, 2 * reach + 1], [sigma, sigma])


@dataclass(frozen=True)
class Mean(Replacement):
    """Removed pixels have the mean colour of their image."""

    def fill(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return images.mean(dim=(2, 3), keepdim=True).expand_as(images)


@dataclass(frozen=True)
class Zero(Replacement):
    """Removed pixels are zero after preprocessing: the mean colour of the data that the backbone was trained on."""

    def fill(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return torch.zeros_like(images)


@dataclass(frozen=True)
class TokenDropping(Removal):
    """Patches of which less than a half is kept are hidden: no other token attends to them.

    Nothing is put in their place, so that no image outside the training data is made.
    """

    def represent(
        self, backbone: Backbone, images: Float[Tensor, "b c h w"], kept: Float[Tensor, "m h w"]
    ) -> Float[Tensor, "m d"]:
        side = backbone.patch_size
        if side is None:
            raise SpliceError(
                "removal=token_dropping hides patches, but the image tower of this backbone has none: set removal=blur."
            )
        seen = avg_pool2d(kept[:, None].to(images), side)[:, 0] >= 0.5
        return backbone.represent(images.expand(len(kept), -1, -1, -1), seen)

    def fill(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        raise SpliceError(
            "removal=token_dropping has no image to interpolate with, which this method needs: set removal=blur, mean "
            "or zero."
        )
