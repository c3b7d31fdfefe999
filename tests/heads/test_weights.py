"""The explicit form is the attention that it replaces, and folding changes no embedding."""

import copy

import pytest
import torch
from torch import nn

from splice_exp.backbones.towers import tower_of
from splice_exp.core.errors import SpliceError
from splice_exp.heads.weights import fold, head_outputs, head_weights
from tests.attribution.encoders import Small
from tests.evaluation.studies import study_of
from tests.heads.models import Tiny


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "scaled"])
def backbone(request):
    return Tiny(request.param)


def centred(x):
    return x - x.mean(dim=-1, keepdim=True)


@pytest.mark.parametrize("name", ["image", "text"])
def test_the_explicit_form_is_the_attention(backbone, name):
    tower = tower_of(backbone, name)
    stream = torch.randn(2, 7, tower.width)
    mask = torch.full((7, 7), -torch.inf).triu(1) if name == "text" else None
    for block in tower.blocks:
        expected = block.ls_1(block.attention(block.ln_1(stream), attn_mask=mask))
        bias = block.ls_1(block.attn.out_proj.bias)
        for queries in (1, 7):
            found = head_outputs(block, stream, queries, mask).sum(dim=2) + centred(bias)
            torch.testing.assert_close(found, centred(expected)[:, :queries], atol=1e-5, rtol=1e-5)


def test_products_are_the_matrices_of_the_formula(backbone):
    """M_h = P diag(γ) W_V W_O diag(s) P, written out for each head."""
    block = tower_of(backbone).blocks[1]
    width, heads = 48, 4
    gain, scale = block.ln_1.weight.double(), getattr(block.ls_1, "gamma", torch.ones(width)).double()
    away = torch.eye(width, dtype=torch.float64) - 1 / width
    values, output = block.attn.in_proj_weight[2 * width :].double(), block.attn.out_proj.weight.double()
    bias = block.attn.in_proj_bias[2 * width :].double() + values @ block.ln_1.bias.double()
    found = head_weights(block)
    bare = head_weights(block, folded=False).matrices()
    for head in range(heads):
        own = slice(12 * head, 12 * head + 12)
        read, write = values[own].T, output[:, own].T * scale
        torch.testing.assert_close(found.matrices()[head], away @ (gain[:, None] * read) @ write @ away)
        torch.testing.assert_close(found.constants[head], bias[own] @ write)
        torch.testing.assert_close(bare[head], read @ write)
    assert torch.linalg.matrix_rank(found.matrices()).tolist() == [12] * heads


@pytest.mark.parametrize("name", ["image", "text"])
def test_folding_leaves_embeddings_unchanged(backbone, name):
    folded = copy.deepcopy(backbone)
    fold(tower_of(folded, name))
    for block in tower_of(folded, name).blocks:
        assert (block.ln_1.weight == 1).all()
        assert not block.ln_1.bias.any()
        torch.testing.assert_close(head_weights(block).matrices(), head_weights(block, folded=False).matrices())
    pixels, tokens = torch.randn(4, 3, 32, 32), torch.randint(1, 60, (4, 8))
    if name == "image":
        torch.testing.assert_close(folded.represent(pixels), backbone.represent(pixels), atol=1e-5, rtol=1e-5)
    else:
        torch.testing.assert_close(folded.tokens(tokens), backbone.tokens(tokens), atol=1e-5, rtol=1e-5)
        assert torch.equal(folded.represent(pixels), backbone.represent(pixels))
    before, after = (head_weights(tower_of(one, name).blocks[0]) for one in (backbone, folded))
    torch.testing.assert_close(before.matrices(), after.matrices(), atol=1e-6, rtol=1e-5)


def test_a_model_without_biases_has_none():
    backbone = Tiny()
    attention = tower_of(backbone).blocks[0].attn
    attention.in_proj_bias = None
    block, stream = tower_of(backbone).blocks[0], torch.randn(1, 5, 48)
    expected = centred(block.attention(block.ln_1(stream)) - attention.out_proj.bias)
    torch.testing.assert_close(head_outputs(block, stream, 5).sum(dim=2), expected, atol=1e-5, rtol=1e-5)
    pixels = torch.randn(2, 3, 32, 32)
    before = backbone.represent(pixels)
    fold(tower_of(backbone))
    torch.testing.assert_close(backbone.represent(pixels), before, atol=1e-5, rtol=1e-5)


def test_towers_without_such_heads_are_refused_by_name():
    with pytest.raises(SpliceError, match="This backbone has no image tower .*backbone=scenes_clip"):
        tower_of(Small())
    with pytest.raises(SpliceError, match="The text tower of this backbone is a Sequential"):
        tower_of(Small(), "text")
    with pytest.raises(SpliceError, match="tower is 'audio'"):
        tower_of(Tiny(), "audio")
    other = Tiny()
    other.module.visual.transformer.resblocks[1] = nn.TransformerEncoderLayer(48, 4)
    with pytest.raises(SpliceError, match="Layer 1 of the image tower is a TransformerEncoderLayer"):
        tower_of(other)
    with pytest.raises(SpliceError, match="layers has 3, but the image tower has the layers 0 … 2"):
        tower_of(Tiny()).layers((0, 3))
    with pytest.raises(SpliceError, match="layers is -4"):
        tower_of(Tiny()).layers((-4,))


def test_the_towers_of_the_embedded_clip():
    backbone = study_of("data=scenes", "data.num_samples=4").backbone
    image, text = tower_of(backbone), tower_of(backbone, "text")
    assert (len(image.blocks), image.num_heads, image.width, image.projection.shape[1]) == (5, 4, 128, 512)
    assert (len(text.blocks), text.num_heads, text.width) == (2, 4, 128)
