"""Singular values and vectors of value–output matrices: which directions per head reads, and which it writes.

    M_h = U diag(σ) Vᵀ        reads_h = Q₁ R₁,  writes_hᵀ = Q₂ R₂,  R₁ R₂ᵀ = U' diag(σ) V'ᵀ,  U = Q₁ U',  V = Q₂ V'

M_h has rank r = d / H: the SVD of an r × r matrix is enough, and gives the same as that of the d × d one.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 3; the sign is that of its code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from splice_exp import __version__
from splice_exp.backbones.towers import Tower
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import atomic
from splice_exp.heads.weights import every_layer

SIDES = ("writes", "reads")  # right and left singular vectors


@dataclass(frozen=True, eq=False)
class Spectra:
    """Singular vectors of the heads of some layers.

    (u, v) and (−u, −v) are the same channel: the sign makes the largest entry of u positive, and says nothing more.

    Attributes:
        tower: `image` or `text`.
        layers: Their numbers, counted from 0 at the input.
        reads: u as unit rows, (L, H, r, d) float64.
        gains: σ, the singular values, descending, (L, H, r).
        writes: v as unit rows, (L, H, r, d).
        backbone_id: Whose they are.
        folded: Whether gain and centring of the LayerNorms belong to the matrices.
    """

    tower: str
    layers: tuple[int, ...]
    reads: Float[Tensor, "L H r d"]
    gains: Float[Tensor, "L H r"]
    writes: Float[Tensor, "L H r d"]
    backbone_id: str = ""
    folded: bool = True

    @property
    def names(self) -> list[str]:
        """Name each vector by layer, head and number, in the order of the flattened tensors."""
        num_heads, rank = self.gains.shape[1:]
        return [f"L{layer}.H{head}.{row}" for layer in self.layers for head in range(num_heads) for row in range(rank)]

    def vectors(self, side: str) -> Float[Tensor, "n d"]:
        """Return the vectors of a side, `writes` or `reads`, in the order of `names`."""
        return getattr(self, side).flatten(0, 2)

    def save(self, path: Path) -> None:
        """Write everything to a safetensors file, in float32, with the version of this package."""
        tensors = {name: getattr(self, name).float().contiguous() for name in ("reads", "gains", "writes")}
        about = {
            "tower": self.tower,
            "layers": " ".join(map(str, self.layers)),
            "backbone_id": self.backbone_id,
            "folded": str(self.folded),
            "splice_exp": __version__,
        }
        with atomic(path) as temporary:
            save_file(tensors, temporary, about)

    @classmethod
    def load(cls, path: Path) -> Spectra:
        """Read what `save` wrote.

        Raises:
            SpliceError: if the file is missing or something else.
        """
        try:
            with safe_open(path, framework="pt") as file:
                about = file.metadata() or {}
                reads, gains, writes = (file.get_tensor(name).double() for name in ("reads", "gains", "writes"))
            layers = tuple(map(int, about["layers"].split()))
            folded = about["folded"] == "True"
            return cls(about["tower"], layers, reads, gains, writes, about["backbone_id"], folded)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise SpliceError(f"{path} cannot be read as spectra of heads ({error}).") from error


def spectra_of(tower: Tower, layers: Sequence[int], folded: bool = True, backbone_id: str = "") -> Spectra:
    """Decompose the value–output matrices of some layers.

    Args:
        tower: Whose heads.
        layers: Counted from 0 at the input; negative from the output.
        folded: Whether gain and centring of the LayerNorms belong to the matrices (`heads.weights`).
        backbone_id: For the record.

    Returns:
        Singular vectors and values of each head, in float64 on the CPU.

    Raises:
        SpliceError: if there is no such layer.
    """
    weights = every_layer(tower, layers, folded)
    reads, gains, writes = product_svd(weights.reads, weights.writes)
    numbers = tuple(range(len(tower.blocks))[layer] for layer in layers)
    shape = (len(numbers), tower.num_heads)
    reads, gains, writes = (one.view(*shape, *one.shape[1:]) for one in (reads, gains, writes))
    return Spectra(tower.name, numbers, reads, gains, writes, backbone_id, folded)


def product_svd(
    left: Float[Tensor, "*b d r"], right: Float[Tensor, "*b r e"]
) -> tuple[Float[Tensor, "*b r d"], Float[Tensor, "*b r"], Float[Tensor, "*b r e"]]:
    """Return the thin SVD of products of thin factors without multiplying them out: Uᵀ, σ, Vᵀ.

    Signs make the entry of u of the largest absolute value positive.

    Args:
        left: Thin, d ≥ r.
        right: Thin, e ≥ r.
    """
    q_left, r_left = torch.linalg.qr(left)
    q_right, r_right = torch.linalg.qr(right.mT)
    u, gains, vh = torch.linalg.svd(r_left @ r_right.mT)
    u, vh = (q_left @ u).mT, vh @ q_right.mT
    signs = u.gather(-1, u.abs().argmax(dim=-1, keepdim=True)).sign()
    return u * signs, gains, vh * signs
