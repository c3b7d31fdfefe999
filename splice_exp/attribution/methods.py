"""Ways to attribute a target to pixels, behind one interface: gradients and perturbations of captum, RISE, and a null.

All of them look at γ(represent(x)) through the same backbone, removal and target, give signed maps, summed over
channels, and treat every explicand as if it were alone: a batch gives what its members give one by one.

References:
    Sundararajan, Taly, Yan. Axiomatic attribution for deep networks. ICML 2017 (integrated gradients).
    Lundberg, Lee. A unified approach to interpreting model predictions. NeurIPS 2017 (SHAP).
    Erion et al. Improving performance of deep learning models with axiomatic attribution priors and expected gradients.
    Nature Machine Intelligence 3, 2021 (gradient SHAP).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from captum.attr import InputXGradient, IntegratedGradients, KernelShap, Occlusion, Saliency
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.attribution.masks import MaskSettings, draw_masks
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.rise import maps_of, score_masks
from splice_exp.attribution.targets import Target
from splice_exp.attribution.tokens import token_maps
from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_at_least, require_integer


@dataclass(frozen=True, eq=False)
class Attributions:
    """Maps of a batch of explicands.

    Attributes:
        maps: Signed, large where a pixel raises the score, (b, K, h, w).
        reliability: Rank correlation of the maps from either half of what was drawn, (b, K); NaN where it is not known.
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
        seeds: One an image, of everything that is drawn for it.
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

        Raises:
            SpliceError: if backbone or removal do not allow the method.
        """


class Gradients(Method):
    """A method by gradients, target by target."""

    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        require_float32(explicands.backbone)
        score, columns = explicands.score_of(target), range(len(target.names))
        with torch.enable_grad():
            maps = [self._of_column(explicands, score, column) for column in columns]
        return Attributions.certain(torch.stack([one.detach().sum(dim=1) for one in maps], dim=1))

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
        require_integer("method.steps", self.steps, 1)
        require_integer("method.together", self.together, 1)

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
    in the batch; and every explicand has draws of its own.

    Args:
        num_samples: Draws of ε and α.
        noise: s, in units of the preprocessed image.
        together: Images whose gradients are taken at once.
    """

    num_samples: int = 50
    noise: float = 0.2
    together: int = field(default=200, repr=False)

    def __post_init__(self) -> None:
        require_integer("method.num_samples", self.num_samples, 1)
        require_at_least("method.noise", self.noise, 0)
        require_integer("method.together", self.together, 1)

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


@dataclass(frozen=True)
class Rise(Method):
    """RISE: the masked images are embedded once, and serve all targets.

    Args:
        num_masks: N.
        grid: Cells to a side.
        keep_probability: Of a cell.
        antithetic: Masks come in pairs of opposite bits; needs a keep probability of one half.
        chunk: Masked images that are embedded at once; memory is bounded by it.
    """

    num_masks: int = 5000
    grid: int = 7
    keep_probability: float = 0.5
    antithetic: bool = True
    chunk: int = field(default=256, repr=False)

    def __post_init__(self) -> None:
        require_integer("method.chunk", self.chunk, 1)
        _ = self.settings  # refuses what cannot be before any work

    @property
    def settings(self) -> MaskSettings:
        """How masks are drawn."""
        return MaskSettings(self.num_masks, self.grid, self.keep_probability, self.antithetic)

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
            seeds: One an explicand, the same as there.
            target: The question.
        """
        found = []
        for index, (representations, seed) in enumerate(zip(masked, seeds, strict=True)):
            samples = torch.full((len(representations),), index, device=representations.device)
            masks = draw_masks(self.settings, *shape, seed)
            found.append(maps_of(target.scores(representations, samples), masks, self.chunk))
        return Attributions(torch.stack([one.maps for one in found]), torch.stack([one.reliability for one in found]))


class Perturbations(Method):
    """A method of captum by perturbations, explicand by explicand and target by target."""

    @torch.no_grad()
    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        fills, maps = explicands.removal.fill(explicands.images), []
        for index, seed in enumerate(explicands.seeds):

            def score(images: Tensor, index: int = index) -> Tensor:
                samples = torch.full((len(images),), index, device=images.device)
                return target.scores(explicands.backbone.represent(images), samples)

            image, fill = explicands.images[index : index + 1], fills[index : index + 1]
            of_columns = []
            for column in range(len(target.names)):
                with torch.random.fork_rng():  # captum draws from the generator of all
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
        side: Of the square, pixels.
        stride: Between squares, pixels.
        together: Images that are scored at once.
    """

    side: int = 16
    stride: int = 8
    together: int = field(default=200, repr=False)

    def __post_init__(self) -> None:
        require_integer("method.side", self.side, 1)
        require_integer("method.stride", self.stride, 1)
        require_integer("method.together", self.together, 1)
        if self.stride > self.side:
            raise SpliceError(
                f"method.stride is {self.stride}, but squares of method.side={self.side} would leave gaps."
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
        num_samples: Coalitions that are drawn.
        side: Of the squares, pixels.
        together: Images that are scored at once.
    """

    num_samples: int = 1000
    side: int = 8
    together: int = field(default=200, repr=False)

    def __post_init__(self) -> None:
        require_integer("method.num_samples", self.num_samples, 2)
        require_integer("method.side", self.side, 1)
        require_integer("method.together", self.together, 1)

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


@dataclass(frozen=True)
class Tokens(Method):
    """What each patch gives to the image embedding through attention, in one pass (`attribution.tokens`)."""

    @torch.no_grad()
    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        return Attributions.certain(token_maps(explicands.backbone, explicands.images, target).maps)


@dataclass(frozen=True)
class Random(Method):
    """Independent N(0, 1) at every pixel: the null."""

    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        maps = [
            torch.randn(len(target.names), *explicands.shape, generator=torch.Generator().manual_seed(seed))
            for seed in explicands.seeds
        ]
        return Attributions.certain(torch.stack(maps))


@dataclass(frozen=True)
class Centre(Method):
    """A Gaussian at the centre, whatever is in the image: the prior of pictures that people take.

    Args:
        spread: Standard deviation, as a share of the side.
    """

    spread: float = 0.25

    def __post_init__(self) -> None:
        require_at_least("method.spread", self.spread, 1e-3)

    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        lines = [((torch.arange(side) + 0.5) / side - 0.5).square() for side in explicands.shape]
        prior = torch.exp(-(lines[0][:, None] + lines[1]) / (2 * self.spread**2))
        return Attributions.certain(prior.expand(len(explicands), len(target.names), -1, -1))


def squares_of(height: int, width: int, side: int) -> Int64[Tensor, "h w"]:
    """Number the squares of an image, row by row; those at the lower and right edge may be smaller."""
    rows, columns = torch.arange(height) // side, torch.arange(width) // side
    return rows[:, None] * (int(columns[-1]) + 1) + columns


def require_float32(backbone: Backbone) -> None:
    """Refuse gradients in half precision, where they underflow.

    Raises:
        SpliceError: naming the key.
    """
    module = backbone.module
    if module is not None and any(weight.dtype != torch.float32 for weight in module.parameters()):
        raise SpliceError("Gradients need backbone.precision=fp32: in half precision they underflow.")
