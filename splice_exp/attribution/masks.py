"""Random masks of RISE: coarse grids of cells that are kept or not, enlarged smoothly and shifted.

    M = bilinear enlargement of a g × g grid of bits, cropped at a random offset below one cell

Masks are stored as bits and offsets, 20,000 of a 7 × 7 grid in 1.3 MB rather than 4 GB, and enlarged when used. Every
explicand has its own masks, sampled from its own seed: they do not depend on what is computed beside them.

References:
    Petsiuk, Das, Saenko. RISE: randomized input sampling for explanation of black-box models. BMVC 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import interpolate

from splice_exp.core.errors import SpliceError, require_bool, require_integer
from splice_exp.core.keys import key_of


@dataclass(frozen=True)
class MaskSettings:
    """How masks are sampled.

    Args:
        num_masks: N.
        grid: g, cells to a side.
        keep_probability: Of a cell.
        antithetic: Masks come in pairs of opposite bits; needs a keep probability of one half.
    """

    num_masks: int = 5000
    grid: int = 7
    keep_probability: float = 0.5
    antithetic: bool = True

    def __post_init__(self) -> None:
        require_integer("num_masks", self.num_masks, 4)
        require_integer("grid", self.grid, 1)
        require_bool("antithetic", self.antithetic)
        if not 0 < self.keep_probability < 1:
            raise SpliceError(f"{key_of('keep_probability')} is {self.keep_probability}, but must lie between 0 and 1.")
        if self.antithetic and (self.keep_probability != 0.5 or self.num_masks % 4):
            raise SpliceError(
                f"{key_of('antithetic')}=true needs a keep probability of 0.5 and a multiple of 4 masks, but there are "
                f"{self.num_masks} with {self.keep_probability}: change them, or set it to false."
            )


@dataclass(frozen=True, eq=False)
class Masks:
    """The masks of one explicand.

    Attributes:
        bits: Cells that are kept, (N, g, g).
        offsets: Row and column at which the enlarged grid is cropped, in pixels, (N, 2).
        height: Of the masks, pixels.
        width: Of the masks, pixels.
    """

    bits: Bool[Tensor, "N g g"]
    offsets: Int64[Tensor, "N 2"]
    height: int
    width: int

    def __len__(self) -> int:
        return len(self.bits)

    def enlarged(self, start: int, stop: int, device: torch.device | None = None) -> Float[Tensor, "m h w"]:
        """Return masks start … stop − 1 in float32.

        Bilinear enlargement is a product with a matrix for rows and one for columns; cropping takes rows of them.

        Args:
            start: The first mask, counted from 0.
            stop: The one after the last.
            device: Of the result; by default that of the masks.
        """
        bits, offsets = self.bits[start:stop].to(device).float(), self.offsets[start:stop].to(device)
        rows = _crops(self.height, self.bits.shape[1], offsets.device)[offsets[:, 0]]
        columns = _crops(self.width, self.bits.shape[2], offsets.device)[offsets[:, 1]]
        return rows @ bits @ columns.transpose(1, 2)


def draw_masks(settings: MaskSettings, height: int, width: int, seed: int) -> Masks:
    """Draw the masks of one explicand; the second half of an antithetic pair follows the first.

    Args:
        settings: Number, grid and probability.
        height: Pixels.
        width: Pixels.
        seed: Of this explicand.
    """
    random = torch.Generator().manual_seed(seed)
    grid, number = settings.grid, settings.num_masks
    if settings.antithetic:
        half = torch.rand(number // 2, grid, grid, generator=random) < 0.5
        bits = torch.stack([half, ~half], dim=1).flatten(0, 1)
        draws = [torch.randint(_cell(side, grid), (number // 2,), generator=random) for side in (height, width)]
        offsets = torch.stack(draws, dim=1).repeat_interleave(2, dim=0)  # M and 1 − M need the same crop
    else:
        bits = torch.rand(number, grid, grid, generator=random) < settings.keep_probability
        draws = [torch.randint(_cell(side, grid), (number,), generator=random) for side in (height, width)]
        offsets = torch.stack(draws, dim=1)
    return Masks(bits, offsets, height, width)


def _cell(side: int, grid: int) -> int:
    """Return the pixels of a cell, rounded up: rounded down, the crop would leave the canvas."""
    return -(-side // grid)


def _crops(side: int, grid: int, device: torch.device) -> Float[Tensor, "offsets side g"]:
    """Return, for every offset, the weights of the cells in each pixel."""
    cell = _cell(side, grid)
    cells = torch.eye(grid, device=device)[:, None]
    canvas = interpolate(cells, size=(grid + 1) * cell, mode="linear", align_corners=False)[:, 0].T
    return torch.stack([canvas[offset : offset + side] for offset in range(cell)])
