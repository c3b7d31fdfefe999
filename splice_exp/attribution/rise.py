"""RISE: a pixel matters as much as the score rises when it is kept. Embed once, explain many.

    least squares    slope of the score on the mask value of each pixel, of pairs of opposite masks
    published        mean of scores times mask values over the probability that a cell is kept, of independent masks

The masked images are embedded once; every target, corpus, foil and similarity is then one product of scores with masks
(`attribution.mask_maps`).

References:
    Petsiuk, Das, Saenko. RISE: randomized input sampling for explanation of black-box models. BMVC 2018.
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.mask_maps import MaskSums, maps_of, score_masks
from splice_exp.attribution.masks import MaskSettings, draw_masks
from splice_exp.attribution.methods import Attributions, Explicands, Method
from splice_exp.attribution.targets import Target
from splice_exp.core.errors import require_integer


class MaskMethod(Method):
    """A method by random masks: the masked images are embedded once, and serve all targets.

    Attributes:
        chunk: Masked images that are embedded at once; beside them, memory holds one representation per mask.
    """

    chunk: int

    @property
    @abstractmethod
    def settings(self) -> MaskSettings:
        """How masks are sampled."""

    @abstractmethod
    def estimate(self, sums: MaskSums) -> Float[Tensor, "K h w"]:
        """Make maps of sums over masks."""

    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        return self.maps(self.represent(explicands), explicands.shape, explicands.seeds, target)

    @torch.no_grad()
    def represent(self, explicands: Explicands) -> Float[Tensor, "b N d"]:
        """Represent each explicand under all its masks: all that a question needs to know of it."""
        found = []
        for image, seed in zip(explicands.images, explicands.seeds, strict=True):
            masks = draw_masks(self.settings, *explicands.shape, seed)

            def represent(kept: Tensor, image: Tensor = image) -> Tensor:
                return explicands.removal.represent(explicands.backbone, image[None], kept)

            found.append(score_masks(represent, masks, self.chunk, image.device))
        return torch.stack(found)

    @torch.no_grad()
    def maps(
        self, masked: Float[Tensor, "b N d"], shape: tuple[int, int], seeds: tuple[int, ...], target: Target
    ) -> Attributions:
        """Answer a question by representations that are there.

        Args:
            masked: Of `represent`.
            shape: Height and width.
            seeds: One per explicand, the same as there.
            target: The question.

        Returns:
            One map an explicand and target, and the rank correlation of the maps from either half of the masks.
        """
        found = []
        for index, (representations, seed) in enumerate(zip(masked, seeds, strict=True)):
            samples = torch.full((len(representations),), index, device=representations.device)
            masks = draw_masks(self.settings, *shape, seed)
            found.append(maps_of(target.scores(representations, samples), masks, self.chunk, self.estimate))
        return Attributions(torch.stack([one.maps for one in found]), torch.stack([one.reliability for one in found]))


@dataclass(frozen=True)
class Rise(MaskMethod):
    """RISE by least-squares slopes.

    Args:
        num_masks: N.
        grid: Cells to a side.
        keep_probability: Of a cell.
        antithetic: Masks come in pairs of opposite bits; needs a keep probability of one half.
        chunk: Masked images that are embedded at once; beside them, memory holds one representation per mask.
    """

    num_masks: int = 5000
    grid: int = 7
    keep_probability: float = 0.5
    antithetic: bool = True
    chunk: int = field(default=256, repr=False)

    def __post_init__(self) -> None:
        require_integer("chunk", self.chunk, 1)
        _ = self.settings  # refuses what cannot be before any work

    @property
    def settings(self) -> MaskSettings:
        return MaskSettings(self.num_masks, self.grid, self.keep_probability, self.antithetic)

    def estimate(self, sums: MaskSums) -> Float[Tensor, "K h w"]:
        return sums.slopes()


@dataclass(frozen=True)
class PublishedRise(MaskMethod):
    """RISE as published: independent masks, and the mean of scores times mask values over the keep probability.

    As in the code of COCOA, with two differences: every explicand has its own shifts; and where the grid does not
    divide the image, cells are rounded up, as those rounded down may leave a part of the image without a mask.

    Args:
        num_masks: N.
        grid: Cells to a side.
        keep_probability: p, of a cell.
        chunk: Masked images that are embedded at once; beside them, memory holds one representation per mask.
    """

    num_masks: int = 5000
    grid: int = 7
    keep_probability: float = 0.5
    chunk: int = field(default=256, repr=False)

    def __post_init__(self) -> None:
        require_integer("chunk", self.chunk, 1)
        _ = self.settings  # refuses what cannot be before any work

    @property
    def settings(self) -> MaskSettings:
        return MaskSettings(self.num_masks, self.grid, self.keep_probability, antithetic=False)

    def estimate(self, sums: MaskSums) -> Float[Tensor, "K h w"]:
        return sums.kept_scores() / self.keep_probability
