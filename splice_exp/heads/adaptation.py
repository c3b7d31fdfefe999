"""What fine-tuning does to a head: does it write other directions, or the same ones more and less?

    ΔM = M' − M,  C = Uᵀ ΔM V        U, V: the singular vectors of M before

    reweighted  ‖diag C‖² / ‖ΔM‖²           along pairs of old directions, each onto its own
    mixed       (‖C‖² − ‖diag C‖²) / ‖ΔM‖²   from old directions to other old ones
    new         1 − ‖C‖² / ‖ΔM‖²             from or to directions that the head did not have

All by thin factors: ΔM has a rank of at most twice that of a head, and no d × d matrix is made.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 6 (fine-tuning "primarily reweights a stable semantic basis").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from splice_exp.backbones.towers import Tower
from splice_exp.core.errors import SpliceError
from splice_exp.heads.spectra import Spectra, product_svd, spectra_of
from splice_exp.heads.weights import HeadWeights, every_layer


@dataclass(frozen=True, eq=False)
class Adaptation:
    """A tower before and after, head by head.

    Attributes:
        before: Singular vectors before.
        after: Singular vectors after, each in the place of the one before that it is matched with.
        likeness: |cosine| of what matched vectors write, (L, H, r).
        overlap: ‖V Vʹᵀ‖² / r, of the spaces that heads write, (L, H).
        change: ‖ΔM‖ / ‖M‖, (L, H).
        reweighted: Share of ‖ΔM‖², (L, H); 0 where nothing has changed, as the next two.
        mixed: Share of ‖ΔM‖², (L, H).
        new: Share of ‖ΔM‖², (L, H).
        difference: Singular vectors of ΔM, of twice the rank.
    """

    before: Spectra
    after: Spectra
    likeness: Float[Tensor, "L H r"]
    overlap: Float[Tensor, "L H"]
    change: Float[Tensor, "L H"]
    reweighted: Float[Tensor, "L H"]
    mixed: Float[Tensor, "L H"]
    new: Float[Tensor, "L H"]
    difference: Spectra

    @property
    def log_gains(self) -> Float[Tensor, "L H r"]:
        """log(σ' / σ) of matched vectors; where a singular value is zero it says nothing."""
        return (self.after.gains.clamp(min=1e-12) / self.before.gains.clamp(min=1e-12)).log()


def compare(before: Tower, after: Tower, layers: Sequence[int]) -> Adaptation:
    """Compare the heads of two models of one architecture, each with the gain and bias of its own LayerNorms folded in.

    Args:
        before: The tower as it was.
        after: The same tower, fine-tuned.
        layers: Counted from 0 at the input; negative from the output.

    Returns:
        Head by head, what has changed.

    Raises:
        SpliceError: if they are of different architectures.
    """
    old, new = (spectra_of(tower, layers) for tower in (before, after))
    if old.writes.shape != new.writes.shape or old.tower != new.tower:
        raise SpliceError(
            f"The towers have heads of the shapes {tuple(old.writes.shape)} and {tuple(new.writes.shape)}, but must be "
            "of one architecture."
        )
    matched = _matched(old, new)
    first, second = (every_layer(tower, layers) for tower in (before, after))
    reads, gains, writes = _difference(first, second)
    shape = old.gains.shape[:2]
    core = _core(old, first, second).view(*shape, *old.gains.shape[2:], -1)
    total, inside = gains.square().sum(dim=1).view(shape), core.square().sum(dim=(2, 3))
    own = core.diagonal(dim1=2, dim2=3).square().sum(dim=2)
    safe = total.clamp(min=1e-30)
    return Adaptation(
        before=old,
        after=matched,
        likeness=(old.writes * matched.writes).sum(dim=3).abs(),
        overlap=(old.writes @ new.writes.mT).square().sum(dim=(2, 3)) / old.gains.shape[2],
        change=(total / old.gains.square().sum(dim=2)).sqrt(),
        reweighted=own / safe,
        mixed=(inside - own) / safe,
        new=torch.where(total > 1e-30, (1 - inside / safe).clamp(min=0), 0.0),
        difference=Spectra(
            old.tower,
            old.layers,
            reads.view(*shape, *reads.shape[1:]),
            gains.view(*shape, -1),
            writes.view(*shape, *writes.shape[1:]),
        ),
    )


def _difference(first: HeadWeights, second: HeadWeights) -> tuple[Tensor, Tensor, Tensor]:
    """Return the singular vectors of ΔM = [reads', −reads] [writes'; writes]."""
    return product_svd(torch.cat([second.reads, -first.reads], dim=2), torch.cat([second.writes, first.writes], dim=1))


def _core(old: Spectra, first: HeadWeights, second: HeadWeights) -> Float[Tensor, "n r r"]:
    """Return C = Uᵀ M' V − Uᵀ M V."""
    u, v = old.reads.flatten(0, 1), old.writes.flatten(0, 1)
    after, before = ((u @ one.reads) @ (one.writes @ v.mT) for one in (second, first))
    return after - before


def _matched(old: Spectra, new: Spectra) -> Spectra:
    """Return vectors in the order of those that they are most like, one to one, by what they read and write."""
    likeness = ((old.reads @ new.reads.mT) * (old.writes @ new.writes.mT)).flatten(0, 1)
    order = torch.stack([torch.from_numpy(linear_sum_assignment(-one.numpy())[1]) for one in likeness])
    order = order.view(*old.gains.shape)
    wide = order[..., None].expand_as(new.writes)
    reads, writes = new.reads.gather(2, wide), new.writes.gather(2, wide)
    signs = (old.writes * writes).sum(dim=3, keepdim=True).sign()
    signs = torch.where(signs == 0, 1.0, signs)
    return Spectra(new.tower, new.layers, reads * signs, new.gains.gather(2, order), writes * signs, new.backbone_id)
