"""Gradients and integrated gradients of noisy copies of an image, mean over the noise.

References:
    Smilkov, Thorat, Kim, Viégas, Wattenberg. SmoothGrad: removing noise by adding noise. arXiv 1706.03825, 2017.
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023: its code has
    both, its tables have neither.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from captum.attr import IntegratedGradients, Saliency
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.gradients import Gradients
from splice_exp.attribution.methods import Explicands
from splice_exp.core.errors import require_at_least, require_bool, require_integer


class Smoothed(Gradients):
    """A method by gradients, mean over noisy copies of each explicand, which has its own noise.

    Attributes:
        num_samples: Noisy copies.
        noise: Standard deviation, in units of the preprocessed image.
        together: Images whose gradients are taken at once.
    """

    num_samples: int
    noise: float
    together: int

    def _of_column(self, explicands: Explicands, score: Callable[..., Tensor], column: int) -> Tensor:
        maps = []
        for row, (image, seed) in enumerate(zip(explicands.images, explicands.seeds, strict=True)):
            random = torch.Generator().manual_seed(seed)
            noisy = image + self.noise * torch.randn(self.num_samples, *image.shape, generator=random).to(image)
            samples = torch.full((len(noisy),), row, device=image.device)
            maps.append(self._of_noisy(explicands, score, column, noisy, samples).detach().mean(dim=0))
        return torch.stack(maps)

    @abstractmethod
    def _of_noisy(
        self,
        explicands: Explicands,
        score: Callable[..., Tensor],
        column: int,
        noisy: Float[Tensor, "s c h w"],
        samples: Tensor,
    ) -> Float[Tensor, "s c h w"]:
        """Return the attributions of one target to noisy copies of one explicand, whose number `samples` repeats."""


@dataclass(frozen=True)
class SmoothGradient(Smoothed):
    """The smoothed gradient.

    Args:
        num_samples: Noisy copies.
        noise: Standard deviation, in units of the preprocessed image.
        absolute: Whether each gradient loses its signs before the mean is taken, as published.
        together: Images whose gradients are taken at once.
    """

    num_samples: int = 25
    noise: float = 1.0
    absolute: bool = True
    together: int = field(default=200, repr=False)

    def __post_init__(self) -> None:
        require_integer("num_samples", self.num_samples, 1)
        require_at_least("noise", self.noise, 0)
        require_bool("absolute", self.absolute)
        require_integer("together", self.together, 1)

    def _of_noisy(
        self,
        explicands: Explicands,
        score: Callable[..., Tensor],
        column: int,
        noisy: Float[Tensor, "s c h w"],
        samples: Tensor,
    ) -> Float[Tensor, "s c h w"]:
        found = []
        for start in range(0, len(noisy), self.together):
            batch = slice(start, start + self.together)
            found.append(
                Saliency(score).attribute(
                    noisy[batch].clone().requires_grad_(),
                    target=column,
                    abs=self.absolute,
                    additional_forward_args=(samples[batch],),
                )
            )
        return torch.cat(found)


@dataclass(frozen=True)
class SmoothPathGradients(Smoothed):
    """Smoothed integrated gradients, from the image of which everything is removed to each noisy copy.

    Maps add up to the mean of γ(x + ε) − γ(b).

    Args:
        num_samples: Noisy copies.
        noise: Standard deviation, in units of the preprocessed image.
        steps: Of the Gauss–Legendre quadrature.
        together: Images whose gradients are taken at once.
    """

    num_samples: int = 25
    noise: float = 0.2
    steps: int = 50
    together: int = field(default=200, repr=False)

    def __post_init__(self) -> None:
        require_integer("num_samples", self.num_samples, 1)
        require_at_least("noise", self.noise, 0)
        require_integer("steps", self.steps, 1)
        require_integer("together", self.together, 1)

    def _of_noisy(
        self,
        explicands: Explicands,
        score: Callable[..., Tensor],
        column: int,
        noisy: Float[Tensor, "s c h w"],
        samples: Tensor,
    ) -> Float[Tensor, "s c h w"]:
        row = int(samples[0])
        fill = explicands.removal.fill(explicands.images[row : row + 1])
        found: Tensor = IntegratedGradients(score).attribute(
            noisy,
            baselines=fill.expand_as(noisy),
            target=column,
            additional_forward_args=(samples,),
            n_steps=self.steps,
            internal_batch_size=max(self.together, len(noisy)),
        )
        return found
