"""An edit is what the formula says, in the original format, and nothing else."""

import copy

import pytest
import torch

from splice_exp.backbones.towers import tower_of
from splice_exp.core.errors import SpliceError
from splice_exp.heads.edit import edit
from splice_exp.heads.spectra import spectra_of
from splice_exp.heads.weights import head_weights
from tests.heads.models import Tiny

PIXELS = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def edited(factors_of, constants="edited", scaled=True, name="image"):
    """A model, its edited copy, their spectra, and the report."""
    backbone = Tiny(scaled)
    other = copy.deepcopy(backbone)
    layers = (0, 2) if name == "image" else (1,)
    spectra = spectra_of(tower_of(backbone, name), layers)
    factors = factors_of(torch.ones_like(spectra.gains))
    report = edit(tower_of(other, name), spectra, factors, constants)
    return backbone, other, spectra, factors, report


def randomly(factors):
    random = torch.Generator().manual_seed(0)
    return torch.where(
        torch.rand(factors.shape, generator=random) < 0.4, torch.randn(factors.shape, generator=random), 1
    )


@pytest.mark.parametrize("constants", ["edited", "kept"])
def test_a_factor_of_one_changes_nothing(constants):
    backbone, other, _, _, report = edited(lambda ones: ones, constants)
    for name, value in backbone.module.state_dict().items():
        assert torch.equal(other.module.state_dict()[name], value)
    assert (report.num_edited, report.energy, report.names) == (0, 0.0, ())


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("name", ["image", "text"])
def test_matrices_are_those_of_scaled_singular_values(scaled, name):
    backbone, other, spectra, factors, report = edited(randomly, scaled=scaled, name=name)
    tower = tower_of(other, name)
    expected = spectra.reads.mT @ ((factors.double() * spectra.gains)[..., None] * spectra.writes)
    for block, matrices in zip(tower.layers(spectra.layers), expected, strict=True):
        torch.testing.assert_close(head_weights(block).matrices(), matrices, atol=1e-6, rtol=1e-5)
    assert report.num_edited == int((factors != 1).sum())
    change = ((1 - factors) * spectra.gains).square().sum() / spectra.gains.square().sum()
    assert report.energy == pytest.approx(float(change))
    # Nothing but output weights of the layers has changed.
    changed = {
        key
        for key, value in backbone.module.state_dict().items()
        if not torch.equal(other.module.state_dict()[key], value)
    }
    assert {key.split(".")[-2] for key in changed} == {"out_proj"}
    assert len(changed) == len(spectra.layers)


def test_removed_directions_are_written_no_more_unless_constants_are_kept():
    def without_first(ones):
        ones[..., :5] = 0
        return ones

    for constants in ("edited", "kept"):
        backbone, other, spectra, _, _ = edited(without_first, constants)
        for number, (block, old) in enumerate(
            zip(tower_of(other).layers(spectra.layers), tower_of(backbone).layers(spectra.layers), strict=True)
        ):
            new, before = (head_weights(one) for one in (block, old))
            for head in range(4):
                gone = spectra.writes[number, head, :5]
                assert (new.matrices()[head] @ gone.T).abs().max() < 1e-6
                assert (new.constants[head] @ gone.T).abs().max() < 1e-6
                assert (before.constants[head] @ gone.T).abs().max() > 1e-3
            # All biases together: what was taken from the constants stands in the bias of the output, or does not.
            scale = getattr(block.ls_1, "gamma", torch.ones(48)).double()
            total = [
                weights.constants.sum(dim=0) + layer.attn.out_proj.bias.double() * scale
                for weights, layer in ((before, old), (new, block))
            ]
            difference = (total[0] - total[1]).abs().max()
            assert (difference < 1e-5) == (constants == "kept")


def test_an_edit_of_one_head_leaves_the_others(tmp_path):
    def one(ones):
        ones[1, 2] = 0
        return ones

    backbone, other, _, _, report = edited(one)
    assert report.num_edited == 12
    assert report.names[0] == "L2.H2.0"
    before, after = (head_weights(tower_of(model).blocks[2]) for model in (backbone, other))
    for head in range(4):
        same = torch.equal(before.matrices()[head], after.matrices()[head])
        assert same == (head != 2)
    assert after.matrices()[2].abs().max() < 1e-6
    assert not torch.allclose(backbone.represent(PIXELS), other.represent(PIXELS))


def test_what_does_not_belong_together_is_refused():
    backbone = Tiny()
    spectra = spectra_of(tower_of(backbone), (1,))
    with pytest.raises(SpliceError, match="The factors are of shape"):
        edit(tower_of(backbone), spectra, torch.ones(1, 4, 11))
    with pytest.raises(SpliceError, match="must be one finite number"):
        edit(tower_of(backbone), spectra, torch.full((1, 4, 12), torch.nan))
    with pytest.raises(SpliceError, match="spectra of the image tower of another model"):
        edit(tower_of(backbone, "text"), spectra, torch.ones(1, 4, 12))
    with pytest.raises(SpliceError, match="constants is 'lost'"):
        edit(tower_of(backbone), spectra, torch.ones(1, 4, 12), "lost")
