"""Attribution by gradients: captum's methods, and gradient SHAP as captum defines it, explicand by explicand.

References:
    Sundararajan, Taly, Yan. Axiomatic attribution for deep networks. ICML 2017 (integrated gradients).
    Lundberg, Lee. A unified approach to interpreting model predictions. NeurIPS 2017 (SHAP).
    Erion et al. Improving performance of deep learning models with axiomatic attribution priors and expected gradients.
    Nature Machine Intelligence 3, 2021 (gradient SHAP).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from captum.attr import InputXGradient, IntegratedGradients, Saliency
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.methods import Attributions, Explicands, Method
from splice_exp.attribution.targets import Target
from splice_exp.backbones.base import require_float32
from splice_exp.core.errors import require_at_least, require_integer


class Gradients(Method):
    """A method by gradients, target by target."""

    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        return Attributions.certain(self.channels(explicands, target).sum(dim=2))

    def channels(self, explicands: Explicands, target: Target) -> Float[Tensor, "b K c h w"]:
        require_float32(explicands.backbone, "Gradients need")
        score, columns = explicands.score_of(target), range(len(target.names))
        with torch.enable_grad():
            maps = [self._of_column(explicands, score, column) for column in columns]
        return torch.stack([one.detach() for one in maps], dim=1)

    @abstractmethod
    def _of_column(self, explicands: Explicands, score: Callable[..., Tensor], column: int) -> Tensor:
        """Return the attributions of one target, (b, c, h, w)."""


@dataclass(frozen=True)
class VanillaGradient(Gradients):
    """The gradient, with its sign; zero by construction for the label-free cosine, which is at its maximum."""

    def _of_column(self, explicands: Explicands, score: Callable[..., Tensor], column: int) -> Tensor:
        images = explicands.images.clone().requires_grad_()
        return Saliency(score).attribute(
            images, target=column, abs=False, additional_forward_args=(explicands.samples,)
        )


@dataclass(frozen=True)
class InputGradient(Gradients):
    """Input times gradient."""

    def _of_column(self, explicands: Explicands, score: Callable[..., Tensor], column: int) -> Tensor:
        images = explicands.images.clone().requires_grad_()
        return InputXGradient(score).attribute(images, target=column, additional_forward_args=(explicands.samples,))


@dataclass(frozen=True)
class PathGradients(Gradients):
    """Integrated gradients, from the image of which everything is removed to the explicand: maps add up to γ(x) − γ(b).

    Args:
        steps: Of the Gauss–Legendre quadrature.
        together: Images whose gradients are taken at once.
    """

    steps: int = 50
    together: int = field(default=200, repr=False)

    def __post_init__(self) -> None:
        require_integer("steps", self.steps, 1)
        require_integer("together", self.together, 1)

    def _of_column(self, explicands: Explicands, score: Callable[..., Tensor], column: int) -> Tensor:
        found: Tensor = IntegratedGradients(score).attribute(
            explicands.images,
            baselines=explicands.removal.fill(explicands.images),
            target=column,
            additional_forward_args=(explicands.samples,),
            n_steps=self.steps,
            internal_batch_size=max(self.together, len(explicands)),
        )
        return found


@dataclass(frozen=True)
class GradientShap(Gradients):
    """Gradient SHAP: mean of (x + ε − b) · ∇γ(b + α (x + ε − b)) over ε ~ N(0, s²) and α ~ U(0, 1).

    As captum defines it, with two differences: b is always the fill of the explicand itself, never that of another one
    in the batch; and every explicand has its own random numbers.

    Args:
        num_samples: Samples of ε and α.
        noise: s, in units of the preprocessed image.
        together: Images whose gradients are taken at once.
    """

    num_samples: int = 50
    noise: float = 0.2
    together: int = field(default=200, repr=False)

    def __post_init__(self) -> None:
        require_integer("num_samples", self.num_samples, 1)
        require_at_least("noise", self.noise, 0)
        require_integer("together", self.together, 1)

    def _of_column(self, explicands: Explicands, score: Callable[..., Tensor], column: int) -> Tensor:
        maps = []
        fills = explicands.removal.fill(explicands.images)
        for index, (image, fill, seed) in enumerate(zip(explicands.images, fills, explicands.seeds, strict=True)):
            random = torch.Generator().manual_seed(seed)
            total = torch.zeros_like(image)
            for start in range(0, self.num_samples, self.together):
                count = min(self.together, self.num_samples - start)
                noise = torch.randn(count, *image.shape, generator=random).to(image) * self.noise
                alpha = torch.rand(count, 1, 1, 1, generator=random).to(image)
                difference = image + noise - fill
                points = (fill + alpha * difference).requires_grad_()
                scores = score(points, torch.full((count,), index, device=image.device))[:, column]
                (gradient,) = torch.autograd.grad(scores.sum(), points)
                total += (difference * gradient).sum(dim=0)
            maps.append(total / self.num_samples)
        return torch.stack(maps)
