"""Attribution by perturbations of captum: what is removed is embedded once, and serves all targets.

References:
    Zeiler, Fergus. Visualizing and understanding convolutional networks. ECCV 2014 (occlusion).
    Lundberg, Lee. A unified approach to interpreting model predictions. NeurIPS 2017 (kernel SHAP).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from captum.attr import KernelShap, Occlusion
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.attribution.methods import Attributions, Explicands, Method
from splice_exp.attribution.targets import Target
from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.keys import key_of


class Recorded:
    """Representations of one explicand's perturbed images, in the order in which they were asked for.

    From one seed every target perturbs alike: the first has the images embedded, the others reuse the result.

    Args:
        backbone: Represents them.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self._found: list[Tensor] = []
        self._next = 0

    def rewind(self) -> None:
        """Start again with the first batch."""
        self._next = 0

    def represent(self, images: Float[Tensor, "m c h w"]) -> Float[Tensor, "m d"]:
        """Return the representations of the next batch."""
        if self._next == len(self._found):
            self._found.append(self._backbone.represent(images))
        found = self._found[self._next]
        self._next += 1
        return found


class Perturbations(Method):
    """A method of captum by perturbations, explicand by explicand and target by target."""

    @torch.no_grad()
    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        fills, maps = explicands.removal.fill(explicands.images), []
        for index, seed in enumerate(explicands.seeds):
            recorded = Recorded(explicands.backbone)

            def score(images: Tensor, index: int = index, recorded: Recorded = recorded) -> Tensor:
                samples = torch.full((len(images),), index, device=images.device)
                return target.scores(recorded.represent(images), samples)

            image, fill = explicands.images[index : index + 1], fills[index : index + 1]
            of_columns = []
            for column in range(len(target.names)):
                recorded.rewind()
                with torch.random.fork_rng():  # captum samples from the global generator
                    torch.manual_seed(seed)
                    of_columns.append(self._of_column(score, image, fill, column).sum(dim=1)[0])
            maps.append(torch.stack(of_columns))
        return Attributions.certain(torch.stack(maps))

    @abstractmethod
    def _of_column(self, score: Callable[..., Tensor], image: Tensor, fill: Tensor, column: int) -> Tensor:
        """Return the attributions of one target to one image, (1, c, h, w)."""


@dataclass(frozen=True)
class Occluded(Perturbations):
    """Occlusion: what the score loses when a square is removed, mean over the squares that cover a pixel.

    Args:
        side: Patch size, in pixels.
        stride: Between squares, pixels.
        together: Images that are scored at once.
    """

    side: int = 16
    stride: int = 8
    together: int = field(default=200, repr=False)

    def __post_init__(self) -> None:
        require_integer("side", self.side, 1)
        require_integer("stride", self.stride, 1)
        require_integer("together", self.together, 1)
        if self.stride > self.side:
            raise SpliceError(
                f"{key_of('stride')} is {self.stride}, but squares of {key_of('side')}={self.side} would leave gaps."
            )

    def _of_column(self, score: Callable[..., Tensor], image: Tensor, fill: Tensor, column: int) -> Tensor:
        found: Tensor = Occlusion(score).attribute(
            image,
            sliding_window_shapes=(image.shape[1], self.side, self.side),
            strides=(image.shape[1], self.stride, self.stride),
            baselines=fill,
            target=column,
            perturbations_per_eval=self.together,
        )
        return found / image.shape[1]  # every channel holds the whole of it


@dataclass(frozen=True)
class SquareShap(Perturbations):
    """Kernel SHAP of squares of pixels.

    Args:
        num_samples: Number of sampled coalitions.
        side: Patch size, in pixels.
        together: Images that are scored at once.
    """

    num_samples: int = 1000
    side: int = 8
    together: int = field(default=200, repr=False)

    def __post_init__(self) -> None:
        require_integer("num_samples", self.num_samples, 2)
        require_integer("side", self.side, 1)
        require_integer("together", self.together, 1)

    def _of_column(self, score: Callable[..., Tensor], image: Tensor, fill: Tensor, column: int) -> Tensor:
        squares = squares_of(image.shape[-2], image.shape[-1], self.side).to(image.device)
        found: Tensor = KernelShap(score).attribute(
            image,
            baselines=fill,
            target=column,
            feature_mask=squares.expand(1, image.shape[1], -1, -1),
            n_samples=self.num_samples,
            perturbations_per_eval=self.together,
        )
        # Every pixel and channel holds the value of its square: shared out, the map adds up to γ(x) − γ(b).
        return found / (torch.bincount(squares.flatten())[squares] * image.shape[1])


def squares_of(height: int, width: int, side: int) -> Int64[Tensor, "h w"]:
    """Number the squares of an image, row by row; those at the lower and right edge may be smaller.

    Args:
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        side: Patch size, in pixels.
    """
    rows, columns = torch.arange(height) // side, torch.arange(width) // side
    return rows[:, None] * (int(columns[-1]) + 1) + columns
