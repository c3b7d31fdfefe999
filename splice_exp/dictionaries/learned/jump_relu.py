"""A threshold for each atom, learned through a kernel: w_i = a_i where a_i > θ_i, and 0 elsewhere.

    minimise    mean ‖x − w D‖² + λ (mean ‖w‖₀ / k − 1)²

Neither the step of the code nor that of ‖w‖₀ has a gradient in θ; a rectangle of width ε around θ stands for it.

References:
    Rajamanoharan et al. Jumping ahead: improving reconstruction fidelity with JumpReLU sparse autoencoders. arXiv
    2407.14435, 2024 (the kernel; the penalty by a target for L0 is that of its appendix).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splice_exp.core.errors import require_at_least
from splice_exp.dictionaries.learned.autoencoder import Autoencoder
from splice_exp.dictionaries.learned.top_k import TopKAutoencoder

START = 0.1  # of the thresholds, for inputs of norm 1
SPEED = 5.0  # by which the logarithms of thresholds move faster than weights: there is one for a whole atom


class Jump(torch.autograd.Function):
    """a where a > θ, else 0; its gradient in θ is −θ/ε in the rectangle."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, threshold: Tensor, width: float) -> Tensor:
        """Return the codes."""
        ctx.save_for_backward(scores, threshold)
        ctx.width = width
        return torch.where(scores > threshold, scores, 0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients in scores and thresholds."""
        scores, threshold = ctx.saved_tensors
        near = ((scores - threshold).abs() < ctx.width / 2).to(gradient.dtype)
        return gradient * (scores > threshold), (-threshold / ctx.width * near * gradient).sum(dim=0), None


class Count(torch.autograd.Function):
    """1 where a > θ, else 0; its gradient in θ is −1/ε in the rectangle."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, threshold: Tensor, width: float) -> Tensor:
        """Return which atoms are active."""
        ctx.save_for_backward(scores, threshold)
        ctx.width = width
        return (scores > threshold).to(scores.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        """Return the gradient in thresholds."""
        scores, threshold = ctx.saved_tensors
        near = ((scores - threshold).abs() < ctx.width / 2).to(gradient.dtype)
        return None, (-near / ctx.width * gradient).sum(dim=0), None


class JumpRelu(Autoencoder):
    """Learned thresholds.

    Args:
        dim: Width of the inputs.
        size: Number of atoms.
        target_l0: Active atoms of a row, on average.
        sparsity: λ.
        width: ε.
    """

    def __init__(self, dim: int, size: int, target_l0: int, sparsity: float, width: float) -> None:
        super().__init__(dim, size)
        self.rise = nn.Parameter(torch.zeros(size))
        self._target_l0, self._sparsity, self._width = target_l0, sparsity, width

    @property
    def threshold(self) -> Float[Tensor, " k"]:
        """θ, above zero."""
        return START * (SPEED * self.rise).exp()

    def select(self, scores: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        return Jump.apply(scores.relu(), self.threshold, self._width)

    def penalty(self, scores: Float[Tensor, "n k"], codes: Float[Tensor, "n k"]) -> Float[Tensor, ""]:
        active = Count.apply(scores, self.threshold, self._width)
        return self._sparsity * (active.sum(dim=1).mean() / self._target_l0 - 1).square()


@dataclass(frozen=True, kw_only=True, eq=False)
class JumpReluAutoencoder(TopKAutoencoder):
    """A JumpReLU autoencoder.

    Args:
        train: See `AutoencoderDictionary`, as for all arguments but the last three.
        size: Number of atoms.
        seed: Of weights and order.
        epochs: Passes over the rows.
        batch_size: Rows in a step.
        learning_rate: Of Adam.
        trained: Whether it is.
        target_l0: Active atoms of a row, on average, at which the loss aims.
        sparsity: λ.
        width: ε of the kernel.
    """

    sparsity: float = 1.0
    width: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("sparsity", self.sparsity, 0)
        require_at_least("width", self.width, 1e-6)

    def network(self, targets: Float[Tensor, "n d"]) -> JumpRelu:
        return JumpRelu(targets.shape[1], self.size, self.target_l0, self.sparsity, self.width)
