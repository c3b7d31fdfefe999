"""The small SVD is the large one, signs are a rule, and both ways of the projection belong together."""

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import normalize

from splice_exp.backbones.towers import tower_of
from splice_exp.core.errors import SpliceError
from splice_exp.heads.edit import edit
from splice_exp.heads.projection import Projection
from splice_exp.heads.spectra import Spectra, product_svd, spectra_of
from splice_exp.heads.weights import every_layer
from tests.heads.models import Tiny


@pytest.fixture(scope="module")
def tower():
    return tower_of(Tiny(scaled=True))


@pytest.fixture(scope="module")
def spectra(tower):
    return spectra_of(tower, (1, -1), backbone_id="tiny")


def test_it_is_the_dense_decomposition(tower, spectra):
    matrices = every_layer(tower, (1, 2)).matrices().view(2, 4, 48, 48)
    u, gains, vh = torch.linalg.svd(matrices)
    torch.testing.assert_close(spectra.gains, gains[..., :12])
    assert gains[..., 12:].max() < 1e-12
    for found, expected in ((spectra.reads, u.mT[..., :12, :]), (spectra.writes, vh[..., :12, :])):
        torch.testing.assert_close((found * expected).sum(dim=-1).abs(), torch.ones(2, 4, 12, dtype=torch.float64))
    rebuilt = spectra.reads.mT @ (spectra.gains[..., None] * spectra.writes)
    torch.testing.assert_close(rebuilt, matrices)
    torch.testing.assert_close(spectra.writes.sum(dim=-1), torch.zeros(2, 4, 12, dtype=torch.float64))


def test_signs_follow_the_rule_whatever_the_factors(tower, spectra):
    largest = spectra.reads.gather(-1, spectra.reads.abs().argmax(dim=-1, keepdim=True))
    assert (largest > 0).all()
    weights = every_layer(tower, (1,))
    mix = torch.linalg.qr(torch.randn(4, 12, 12, dtype=torch.float64)).Q  # the same product from other factors
    reads, _, writes = product_svd(weights.reads @ mix, mix.mT @ weights.writes)
    torch.testing.assert_close(reads, spectra.reads[0], atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(writes, spectra.writes[0], atol=1e-9, rtol=1e-9)


def test_vectors_have_names_and_are_read_again(spectra, tmp_path):
    assert spectra.layers == (1, 2)
    assert spectra.names[0] == "L1.H0.0"
    assert spectra.names[-1] == "L2.H3.11"
    assert torch.equal(spectra.vectors("writes")[12 * 4 + 13], spectra.writes[1, 1, 1])
    spectra.save(tmp_path / "spectra.safetensors")
    again = Spectra.load(tmp_path / "spectra.safetensors")
    assert (again.tower, again.layers, again.backbone_id) == ("image", (1, 2), "tiny")
    torch.testing.assert_close(again.writes, spectra.writes, atol=1e-6, rtol=1e-5)
    assert again.folded
    save_file({"other": torch.zeros(3)}, tmp_path / "other.safetensors")
    for name in ("none", "other"):
        with pytest.raises(SpliceError, match="cannot be read as spectra of heads"):
            Spectra.load(tmp_path / f"{name}.safetensors")


def test_spectra_without_layer_norms_are_not_for_edits(tower, tmp_path):
    bare = spectra_of(tower, (1,), folded=False)
    bare.save(tmp_path / "bare.safetensors")
    assert not Spectra.load(tmp_path / "bare.safetensors").folded
    with pytest.raises(SpliceError, match="decompose with folded=true"):
        edit(tower, bare, torch.ones_like(bare.gains))


@pytest.fixture(scope="module")
def vectors(spectra):
    return spectra.vectors("writes")


def test_the_published_projection_is_that_of_its_formula(tower, vectors):
    expected = tower.norm(vectors.float()) @ tower.projection
    found = Projection(tower, "published")
    torch.testing.assert_close(found.project(vectors).float(), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.points(vectors).norm(dim=1), torch.ones(len(vectors), dtype=torch.float64))


def test_poles_are_opposite_without_the_constant_and_not_with_it(tower, vectors):
    linear, published = (Projection(tower, kind) for kind in ("linear", "published"))
    torch.testing.assert_close(linear.points(-vectors), -linear.points(vectors))
    cosines = (published.points(-vectors) * published.points(vectors)).sum(dim=1)
    assert (cosines > -0.99).all()


def test_the_jacobian_is_what_a_small_step_does(tower, vectors):
    stream = torch.randn(48, dtype=torch.float64)
    norm = torch.nn.LayerNorm(48, eps=tower.norm.eps).double()
    norm.weight.data, norm.bias.data = tower.norm.weight.double(), tower.norm.bias.double()

    def embedding(x):
        return normalize(norm(x) @ tower.projection.double(), dim=-1)

    found = Projection(tower, "jacobian", stream).project(vectors[:5])
    for row, vector in enumerate(vectors[:5]):
        step = (embedding(stream + 1e-5 * vector) - embedding(stream - 1e-5 * vector)) / 2e-5
        torch.testing.assert_close(found[row], step, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("kind", ["published", "linear", "jacobian"])
def test_the_way_back_is_the_best_there_is(tower, vectors, kind):
    """Half of the 48 dimensions are lost on the way, and a jacobian loses two more; what is left comes back."""
    at = torch.randn(48, dtype=torch.float64) if kind == "jacobian" else None
    projection = Projection(tower, kind, at)
    ceiling = projection.ceiling(vectors)
    assert ((ceiling > 0.2) & (ceiling < 0.999)).all()
    back = projection.back(projection.project(vectors))
    if kind != "published":  # whose LayerNorm gives every direction the same length
        again = projection.back(projection.project(back))
        torch.testing.assert_close(again, back, atol=1e-3, rtol=1e-3)
    assert ((back * vectors).sum(dim=1) <= 1 + 1e-9).all()
    plain = projection.back_as_published(projection.points(vectors))
    assert (plain * vectors).sum(dim=1).mean() < ceiling.mean()


@pytest.mark.parametrize("kind", ["published", "linear"])
def test_the_way_back_from_uncertain_points_has_the_least_squared_error(tower, kind):
    """No other assumption about the noise does better on 4,000 random directions; exact points come back."""
    projection, random = Projection(tower, kind), torch.Generator().manual_seed(0)
    drawn = torch.randn(4000, 48, generator=random, dtype=torch.float64)
    drawn = normalize(drawn - drawn.mean(dim=1, keepdim=True), dim=1)
    exact = projection.project(drawn)
    variance = exact.var(dim=0).mean()
    points = exact + variance.sqrt() * torch.randn(exact.shape, generator=random, dtype=torch.float64)

    def error(assumed):
        found = projection.back(points, None if assumed is None else torch.full((4000,), assumed, dtype=torch.float64))
        return float((found - drawn).square().sum(dim=1).mean())

    best = error(float(variance))
    assert best < 1  # better than to say nothing
    assert best < min(error(0.5 * float(variance)), error(2 * float(variance)))
    assert error(None) > 2 * best
    zero = torch.zeros(4000, dtype=torch.float64)
    torch.testing.assert_close(projection.back(points, zero), projection.back(points))


def test_a_projection_needs_what_it_is_made_of(tower):
    with pytest.raises(SpliceError, match="projection=jacobian needs a residual stream"):
        Projection(tower, "jacobian")
    with pytest.raises(SpliceError, match="projection=linear does not take a residual stream"):
        Projection(tower, "linear", torch.zeros(48))
    with pytest.raises(SpliceError, match="projection is 'affine'"):
        Projection(tower, "affine")
