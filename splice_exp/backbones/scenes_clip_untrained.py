"""The small CLIP of the synthetic benchmark with an image tower that has learned nothing: a null of everything."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from splice_exp.backbones.randomized import forget, stages_of
from splice_exp.backbones.scenes_clip import ScenesClip
from splice_exp.core.errors import require_integer


class UntrainedScenesClip(ScenesClip):
    """A `ScenesClip` whose image tower is sampled again, as `backbones.randomized` does; its texts are as they were.

    It has its own name, so that images are centred by their own mean and not by that of the trained model.

    Args:
        member: The trained model whose parameters give the distributions.
        seed: Of the sampling.
        precision: Of weights and arithmetic, as of `OpenClipBackbone`.
        class_templates: Texts of a class, with `{}` for its name.

    Raises:
        SpliceError: if there is no such member.

    References:
        Adebayo et al. Sanity checks for saliency maps. NeurIPS 2018.
    """

    def __init__(
        self,
        member: int = 0,
        seed: int = 0,
        precision: str = "fp32",
        class_templates: Sequence[str] = ("a photo of {}",),
    ) -> None:
        require_integer("seed", seed, 0)
        super().__init__(member, precision, class_templates)
        self._seed = seed
        random = torch.Generator().manual_seed(seed)
        for _, parts in stages_of(self.module.visual):
            forget(parts, random)
        self.mark_changed(self, "image", f"untrained:{seed}")

    @property
    def encoder(self) -> str:
        return f"{super().encoder}, untrained, seed {self._seed}"
