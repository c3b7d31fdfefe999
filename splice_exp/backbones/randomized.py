"""An image tower that has forgotten what it learned, from the top down: maps that stay as they were do not explain it.

Each parameter tensor is sampled again from a normal distribution with its own mean and standard deviation, cut at its
own smallest and largest value; running statistics of normalisations go back to where they began, or stay as in the code
of COCOA.

References:
    Adebayo et al. Sanity checks for saliency maps. NeurIPS 2018 (cascading randomisation).
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023 (all at once,
    and the distribution).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.packages.clip import transformer

STATISTICS = ("reset", "kept")  # what becomes of running statistics


def stages_of(visual: Any) -> list[tuple[str, list[nn.Module | nn.Parameter]]]:
    """Return the parts of an image tower from the output to the pixels, by name."""
    if not isinstance(visual, transformer.VisionTransformer):
        parts = [(name, part) for name, part in visual.named_children() if any(True for _ in part.parameters())]
        return [(name, [part]) for name, part in reversed(parts)]
    head = [part for part in (visual.proj, visual.ln_post) if part is not None]
    blocks = list(visual.transformer.resblocks)
    stages: list[tuple[str, list[nn.Module | nn.Parameter]]] = [("projection", head)]
    stages += [(f"block {number}", [blocks[number]]) for number in reversed(range(len(blocks)))]
    embedding = [visual.conv1, visual.class_embedding, visual.positional_embedding, visual.ln_pre]
    return [*stages, ("patches", embedding)]


def randomized(
    backbone: Backbone, depth: int | None, seed: int, statistics: str = "reset", of: object = None
) -> Backbone:
    """Return a backbone whose image tower is random in its last stages.

    Args:
        backbone: With an image tower, which stays as it is.
        depth: Stages, counted from the output; None: all of them.
        seed: Of the sampling.
        statistics: What becomes of running statistics of the random stages: `reset` or `kept`.
        of: The component that asks, for errors.

    Raises:
        SpliceError: if there is no image tower, or it has fewer stages.
    """
    found = copy.deepcopy(backbone)
    visual = getattr(found.module, "visual", found.module)  # a network of images alone is the tower itself
    if visual is None:
        raise SpliceError("Randomisation needs an image tower, which this backbone lacks: take backbone=scenes_clip.")
    stages = stages_of(visual)
    number = len(stages) if depth is None else depth
    require_integer("depth", number, 0, of)
    if number > len(stages):
        raise SpliceError(f"{key_of('depth', of)} is {depth}, but the image tower has {len(stages)} stages: lower it.")
    random = torch.Generator().manual_seed(seed)
    for _, parts in stages[:number]:
        forget(parts, random, statistics)
    kept = ":kept" if statistics == "kept" else ""
    found.mark_changed(backbone, "image", f"random:{number}:{seed}{kept}")
    return found


@torch.no_grad()
def forget(parts: Sequence[nn.Module | nn.Parameter], random: torch.Generator, statistics: str = "reset") -> None:
    """Sample all parameters of some parts again, in place; running statistics are `reset` or `kept`.

    Args:
        parts: Modules with all that is inside them, and single parameters.
        random: Generator on the CPU.
        statistics: Whether running means and variances of batch normalisation are `reset` or `kept`.
    """
    modules = [part for part in parts if isinstance(part, nn.Module)]
    single = [part for part in parts if isinstance(part, nn.Parameter)]
    for tensor in chain(single, *(module.parameters() for module in modules)):
        tensor.copy_(_drawn_like(tensor, random))
    if statistics == "kept":
        return
    for module in chain(*(module.modules() for module in modules)):
        if isinstance(module, nn.modules.batchnorm._NormBase):
            module.reset_running_stats()


def _drawn_like(tensor: Tensor, random: torch.Generator) -> Tensor:
    values = tensor.detach().float().cpu()
    mean, spread, low, high = values.mean(), values.std(correction=0), values.min(), values.max()
    if spread == 0:  # a single number, or all are equal
        return tensor
    drawn = torch.empty_like(values)
    nn.init.trunc_normal_(drawn, float(mean), float(spread), float(low), float(high), generator=random)
    return drawn.to(tensor)
