"""Value–output matrices: what each head of a layer reads from the residual stream, and what it writes into it.

    head h, from token t to the token that attends     a_t · LN₀(x_t) M_h + b_h        LN₀: without gain and bias
    M_h = P diag(γ) W_V^h W_O^h diag(s) P = reads_h writes_h,  of rank d / H           P = I − 11ᵀ/d
    b_h = (β W_V^h + b_V^h) W_O^h diag(s)

Rows are tokens. γ, β: gain and bias of the LayerNorm before the attention; s: LayerScale, where there is one. P changes
nothing: LN₀(x) has mean zero, and whatever reads the residual stream subtracts its mean. The attention a_t says which
tokens are read; what is written does not depend on the input otherwise.

References:
    Elhage et al. A mathematical framework for transformer circuits. 2021.
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear

from splice_exp.backbones.towers import Block, Tower


@dataclass(frozen=True, eq=False)
class HeadWeights:
    """The value–output matrices of one layer as products, in float64.

    Attributes:
        reads: (H, d, r), r = d / H.
        writes: (H, r, d).
        constants: What each head writes whatever it reads, (H, d); not centred.
    """

    reads: Float[Tensor, "H d r"]
    writes: Float[Tensor, "H r d"]
    constants: Float[Tensor, "H d"]

    def matrices(self) -> Float[Tensor, "H d d"]:
        """Spell out M_h: for tests, and for small models."""
        return self.reads @ self.writes


@torch.no_grad()
def head_weights(block: Block, folded: bool = True) -> HeadWeights:
    """Read the value–output matrices of a layer.

    Args:
        block: The layer.
        folded: Whether gain and bias of the LayerNorm, and P, belong to the matrices; if not, they are W_V^h W_O^h
            as they stand.
    """
    attention = block.attn
    width, heads = attention.embed_dim, attention.num_heads
    values = attention.in_proj_weight[2 * width :].double()
    bias = _bias(attention)[2 * width :].double()
    output = attention.out_proj.weight.double() * layer_scale(block)[:, None]
    if folded:
        bias = bias + values @ block.ln_1.bias.double()
        values = _centred(values * block.ln_1.weight.double(), dim=1)
    reads = values.view(heads, -1, width).mT
    whole = output.T.reshape(heads, -1, width)
    constants = torch.einsum("hr,hrd->hd", bias.view(heads, -1), whole)
    return HeadWeights(reads, _centred(whole, dim=2) if folded else whole, constants)


@torch.no_grad()
def head_outputs(
    block: Block,
    stream: Float[Tensor, "b t d"],
    queries: int,
    mask: Float[Tensor, "t t"] | None = None,
) -> Float[Tensor, "b q H d"]:
    """Return what each head writes into the first tokens, by the explicit form; without the mean over d.

    The sum over heads, and the bias of the output, is what the attention of the layer gives, but for that mean.

    Args:
        block: The layer.
        stream: The residual stream before the layer, one row per token.
        queries: How many tokens attend, the first ones; 1 for the class token.
        mask: Added to the attention before the softmax, as for text.
    """
    weights = head_weights(block)
    stream = stream.to(block.attn.in_proj_weight)  # under autocast it is of another type
    bare = layer_norm(stream, stream.shape[-1:], eps=block.ln_1.eps)
    patterns = attention_patterns(block, stream, queries, mask)
    reads, writes = weights.reads.to(stream), weights.writes.to(stream)
    values = torch.einsum("btd,hdr->bhtr", bare, reads)
    mixed = torch.einsum("bhqt,bhtr->bqhr", patterns, values)
    constants = _centred(weights.constants, dim=1).to(stream)
    return torch.einsum("bqhr,hrd->bqhd", mixed, writes) + constants


def attention_patterns(
    block: Block,
    stream: Float[Tensor, "b t d"],
    queries: int,
    mask: Float[Tensor, "t t"] | None = None,
) -> Float[Tensor, "b H q t"]:
    """Return where the first tokens look; arguments as in `head_outputs`.

    Args:
        block: The layer.
        stream: The residual stream before the layer, one row per token.
        queries: How many tokens attend, the first ones; 1 for the class token.
        mask: Added to the scores before the softmax, as for text.

    Returns:
        Weights of all tokens, which sum to 1 for each head and query.
    """
    attention = block.attn
    width, heads, stream = attention.embed_dim, attention.num_heads, stream.to(attention.in_proj_weight)
    normed, bias = block.ln_1(stream), _bias(attention)
    query = linear(normed[:, :queries], attention.in_proj_weight[:width], bias[:width])
    key = linear(normed, attention.in_proj_weight[width : 2 * width], bias[width : 2 * width])
    split = [one.view(*one.shape[:2], heads, -1) for one in (query, key)]
    scores = torch.einsum("bqhr,bthr->bhqt", *split) / (width // heads) ** 0.5
    if mask is not None:
        scores = scores + mask[:queries]
    return scores.softmax(dim=3)


@torch.no_grad()
def fold(tower: Tower) -> None:
    """Put gains, biases and centring of a tower into its weights, in place: embeddings stay what they are.

    Afterwards the LayerNorms before the attention have gain 1 and bias 0.
    """
    for block in tower.blocks:
        attention, norm = block.attn, block.ln_1
        if attention.in_proj_bias is None:
            attention.in_proj_bias = nn.Parameter(_bias(attention))
        weights = attention.in_proj_weight.double()
        attention.in_proj_bias += (weights @ norm.bias.double()).to(attention.in_proj_bias)
        attention.in_proj_weight.copy_(_centred(weights * norm.weight.double(), dim=1))
        scale = layer_scale(block)[:, None]
        output = attention.out_proj.weight.double() * scale
        attention.out_proj.weight.copy_(_centred(output, dim=0) / scale)
        norm.weight.fill_(1.0)
        norm.bias.zero_()


def every_layer(tower: Tower, layers: Sequence[int], folded: bool = True) -> HeadWeights:
    """Return the matrices of several layers as those of one, layer by layer, (L · H, …), in the memory of the CPU.

    Args:
        tower: Whose heads.
        layers: Counted from 0 at the input; negative from the output.
        folded: Whether gain and centring of the LayerNorms belong to the matrices.
    """
    parts = [head_weights(block, folded) for block in tower.layers(tuple(layers))]
    names = ("reads", "writes", "constants")
    return HeadWeights(*(torch.cat([getattr(one, name) for one in parts]).cpu() for name in names))


def _centred(matrix: Tensor, dim: int) -> Tensor:
    """Take the mean along a dimension away."""
    return matrix - matrix.mean(dim=dim, keepdim=True)


def _bias(attention: nn.MultiheadAttention) -> Tensor:
    """Return the bias of queries, keys and values; zeros where there is none."""
    if attention.in_proj_bias is None:
        return attention.in_proj_weight.new_zeros(3 * attention.embed_dim)
    return attention.in_proj_bias


def layer_scale(block: Block) -> Float[Tensor, " d"]:
    """Return LayerScale in float64; ones where there is none."""
    gamma = getattr(block.ls_1, "gamma", None)
    weight = block.attn.out_proj.weight
    return torch.ones(len(weight), dtype=torch.float64, device=weight.device) if gamma is None else gamma.double()
