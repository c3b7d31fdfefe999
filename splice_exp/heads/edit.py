"""Edit what heads write: each singular direction v_j is kept, removed, flipped or scaled by a factor m_j.

    M'_h = U diag(m σ) Vᵀ = M_h (I − V diag(1 − m) Vᵀ)        hence        W_O'^h = W_O^h (I − V diag(1 − m) Vᵀ)

so an edit is a change of the output weights alone, exact in the original format, whatever the gain of the LayerNorm:
nothing is decomposed again, m = 1 leaves every number as it is, and directions that are not edited stay.

The biases of the values go through W_O, too: what the head writes whatever it reads. They are edited with it, unless
`constants` says to keep them, as the authors do: then suppressed directions are still written.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splice_exp.backbones.towers import Tower
from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.core.text.html import html_table
from splice_exp.heads.spectra import Spectra
from splice_exp.heads.weights import head_weights, layer_scale

CONSTANTS = ("edited", "kept")
SHOWN = 3  # directions in a line


@dataclass(frozen=True, eq=False, repr=False)
class EditReport:
    """What an edit did.

    Attributes:
        num_edited: Vectors whose factor is not 1.
        num_vectors: All of them.
        energy: Of the change, ‖M' − M‖² / ‖M‖² = Σ (1 − m)² σ² / Σ σ², over all heads of the layers.
        names: Of the vectors that were edited.
        concepts: Of their signed directions, `L3.H0.0+`: the largest concepts, where they were read.
    """

    num_edited: int
    num_vectors: int
    energy: float
    names: tuple[str, ...]
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        about = f"{self.num_edited} of {self.num_vectors} vectors, relative squared norm {self.energy:.3g}"
        shown = [f"{name} {', '.join(concepts)}" for name, concepts in list(self.concepts.items())[:SHOWN]]
        more = "; …" if len(self.concepts) > SHOWN else ""
        return f"EditReport({about}{': ' if shown else ''}{'; '.join(shown)}{more})"

    def _repr_html_(self) -> str:
        caption = f"{self.num_edited} of {self.num_vectors} vectors edited, relative squared norm {self.energy:.3g}"
        rows = [[name, ", ".join(concepts)] for name, concepts in self.concepts.items()]
        return html_table(caption, ["direction", "concepts"], rows or [[name, ""] for name in self.names])


@torch.no_grad()
def edit(tower: Tower, spectra: Spectra, factors: Float[Tensor, "L H r"], constants: str = "edited") -> EditReport:
    """Scale what heads write along their singular directions, in place.

    Args:
        tower: Whose weights change; copy the model before, if the old one is still needed.
        spectra: Of this tower, folded.
        factors: m, one per vector.
        constants: Whether what heads write whatever they read is `edited`, too, or `kept`.

    Returns:
        How many vectors were edited, which ones, and the relative squared norm of the change.

    Raises:
        SpliceError: if spectra and factors do not belong together, or to this tower.
    """
    if factors.shape != spectra.gains.shape or not factors.isfinite().all():
        raise SpliceError(
            f"The factors are of shape {tuple(factors.shape)}, but must be one finite number for each of the "
            f"{tuple(spectra.gains.shape)} vectors."
        )
    factors = factors.double()
    rewrite(tower, spectra, factors[..., None] * spectra.writes, constants)
    edited = (factors != 1).flatten()
    squares = spectra.gains.square()
    energy = float(((1 - factors).square() * squares).sum() / squares.sum())
    names = tuple(name for name, changed in zip(spectra.names, edited.tolist(), strict=True) if changed)
    return EditReport(int(edited.sum()), edited.numel(), energy, names)


@torch.no_grad()
def rewrite(tower: Tower, spectra: Spectra, writes: Float[Tensor, "L H r d"], constants: str = "edited") -> None:
    """Let heads write other directions instead of their singular ones, in place: M'_h = U diag(σ) V̂ᵀ.

    W_O'^h = W_O^h (I + V (V̂ − V)ᵀ), and nothing changes where V̂ = V.

    Args:
        tower: Whose weights change.
        spectra: Of this tower, folded.
        writes: V̂ as rows, of any length.
        constants: As in `edit`.

    Raises:
        SpliceError: if the spectra are not of this tower.
    """
    require_choice("constants", constants, CONSTANTS)
    if spectra.tower != tower.name or spectra.writes.shape[-1] != tower.width:
        raise SpliceError(f"These are spectra of the {spectra.tower} tower of another model: decompose this one first.")
    if not spectra.folded:
        raise SpliceError(
            "These spectra are without gain and centring of the LayerNorms, but an edit needs them: decompose with "
            "folded=true."
        )
    for block, old, new in zip(tower.layers(spectra.layers), spectra.writes, writes, strict=True):
        before = head_weights(block).constants.sum(dim=0)
        attention, scale = block.attn, layer_scale(block)
        weight = attention.out_proj.weight
        scaled = (weight.double() * scale[:, None]).view(tower.width, tower.num_heads, -1)
        changed = (old != new).flatten(1).any(dim=1)
        for head in changed.nonzero()[:, 0].tolist():
            directions, change = old[head].to(scale), (new[head] - old[head]).to(scale)
            scaled[:, head] += change.T @ (directions @ scaled[:, head])
        touched = changed.repeat_interleave(attention.head_dim).to(weight.device)
        weight.copy_(torch.where(touched, (scaled.flatten(1) / scale[:, None]).to(weight), weight))
        if constants == "kept":
            _give_back(attention, (before - head_weights(block).constants.sum(dim=0)) / scale)


def _give_back(attention: nn.MultiheadAttention, lost: Float[Tensor, " d"]) -> None:
    """Add to the bias of the output what constants of heads have lost."""
    if not lost.any():
        return
    output = attention.out_proj
    old = torch.zeros_like(lost) if output.bias is None else output.bias.double()
    output.bias = nn.Parameter((old + lost).to(output.weight), requires_grad=output.weight.requires_grad)
