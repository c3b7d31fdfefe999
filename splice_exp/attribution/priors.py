"""Maps that know nothing of the image: noise, the null, and the centre, where photographers put their subject."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from splice_exp.attribution.methods import Attributions, Explicands, Method
from splice_exp.attribution.targets import Target
from splice_exp.core.errors import require_at_least


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
    """A Gaussian at the centre, whatever is in the image: the prior of photographs.

    Args:
        spread: Standard deviation, as a share of the side.
    """

    spread: float = 0.25

    def __post_init__(self) -> None:
        require_at_least("spread", self.spread, 1e-3)

    def attribute(self, explicands: Explicands, target: Target) -> Attributions:
        lines = [((torch.arange(side) + 0.5) / side - 0.5).square() for side in explicands.shape]
        prior = torch.exp(-(lines[0][:, None] + lines[1]) / (2 * self.spread**2))
        return Attributions.certain(prior.expand(len(explicands), len(target.names), -1, -1))
