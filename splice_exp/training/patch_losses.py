"""What the patch tokens of an image tower learn beside the class token: where objects are, and what they are.

    silhouettes   token of a patch after the second layer → which of its pixels belong to an object
    labels        token of a patch after the last layer but one → shape, colour and surface of the object that covers it

Shapes are found where objects end. A small transformer that must find both out from captions finds neither in half an
hour of pixels; with the silhouettes it begins to tell shapes apart within minutes.

References:
    Jiang et al. All tokens matter: token labeling for training better vision transformers. NeurIPS 2021.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from splice_exp.data.scenes.drawing.render import masks
from splice_exp.data.scenes.picture import Picture
from splice_exp.data.scenes.placement import SIDE
from splice_exp.data.scenes.world import ATTRIBUTES, FINE_SHAPES

KINDS = ("shape", "colour", "surface")
LEAST_COVERED = 0.2  # of a patch that is said to show an object
NOTHING = -1  # label of all other patches
WEIGHTS = {"silhouettes": 3.0, "shape": 2.0, "colour": 0.5, "surface": 0.5}  # of each loss beside that on words
NOTHING_WEIGHT = 0.1  # of a patch without an object beside one with it
_INDEX = {kind: {name: index for index, name in enumerate(ATTRIBUTES[kind])} for kind in KINDS}


def patch_truth(picture: Picture, patch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what each patch of an image shows.

    Args:
        picture: With n objects.
        patch: Side of a patch, pixels; a divisor of the side of an image.

    Returns:
        Whether each pixel belongs to an object, (patches, patch²) bool, and the index in its kind of the shape, colour
        and surface of the object that covers most of each patch, (3, patches) int64, `NOTHING` where there is none.
    """
    side = SIDE // patch
    visible = masks(picture).reshape(-1, side, patch, side, patch).swapaxes(2, 3).reshape(-1, side**2, patch**2)
    covered = visible.sum(axis=2)
    owner, shown = covered.argmax(axis=0), covered.max(axis=0) >= LEAST_COVERED * patch**2
    names = {
        kind: [FINE_SHAPES.get(getattr(placed, kind), getattr(placed, kind)) for placed in picture.objects]
        for kind in KINDS
    }
    indices = np.array([[_INDEX[kind][name] for name in names[kind]] for kind in KINDS])
    return np.asarray(visible.any(axis=0)), np.where(shown, indices[:, owner], NOTHING)


class PatchLosses(nn.Module):
    """Linear predictions from patch tokens, and their losses; not a part of the exported model.

    Args:
        width: d, of the image tower.
        patch: Side of a patch, pixels.
    """

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.silhouettes = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, patch**2))
        self.labels = nn.ModuleDict(
            {kind: nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(ATTRIBUTES[kind]) + 1)) for kind in KINDS}
        )

    def forward(
        self,
        early: Float[Tensor, "n patches d"],
        late: Float[Tensor, "n patches d"],
        silhouettes: Bool[Tensor, "n patches pixels"],
        labels: Int64[Tensor, "n kinds patches"],
    ) -> Float[Tensor, ""]:
        """Return the weighted sum of the losses.

        Args:
            early: Tokens after the second layer, (n, patches, d).
            late: Tokens after the last layer but one, (n, patches, d).
            silhouettes: By `patch_truth`, (n, patches, pixels) bool.
            labels: By `patch_truth`, (n, 3, patches).
        """
        found = binary_cross_entropy_with_logits(self.silhouettes(early), silhouettes.to(early.dtype))
        loss = WEIGHTS["silhouettes"] * found
        for column, kind in enumerate(KINDS):
            scores = self.labels[kind](late).flatten(0, 1)
            nothing = scores.shape[1] - 1
            truth = labels[:, column].flatten()
            weights = torch.ones(nothing + 1, device=scores.device)
            weights[nothing] = NOTHING_WEIGHT
            truth = torch.where(truth == NOTHING, nothing, truth)
            loss = loss + WEIGHTS[kind] * cross_entropy(scores, truth, weights)
        return loss
