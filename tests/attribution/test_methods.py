"""Every method gives a batch what it gives its members alone, is linear in the target, and keeps its own promise."""

import copy

import numpy as np
import pytest
import torch
from captum.attr import GradientShap as CaptumGradientShap

from splice_exp.attribution.corpus import Corpus
from splice_exp.attribution.curves import curves
from splice_exp.attribution.gradients import GradientShap, InputGradient, PathGradients, VanillaGradient
from splice_exp.attribution.methods import Absolute, Explicands
from splice_exp.attribution.perturbations import Occluded, SquareShap
from splice_exp.attribution.priors import Centre, Random
from splice_exp.attribution.removal import Blur, Mean, ScaledBlur, TokenDropping, Zero
from splice_exp.attribution.rise import PublishedRise, Rise
from splice_exp.attribution.smoothed import SmoothGradient, SmoothPathGradients
from splice_exp.attribution.targets import KINDS, GaussianKernel, Together, target_of
from splice_exp.attribution.tokens import Tokens, token_maps
from splice_exp.core.errors import SpliceError
from tests.attribution.encoders import Small
from tests.evaluation.studies import study_of

SEEDS = (11, 12, 13)
METHODS = {
    "vanilla_gradient": VanillaGradient(),
    "input_gradient": InputGradient(),
    "integrated_gradients": PathGradients(steps=16, together=5),
    "gradient_shap": GradientShap(num_samples=6, together=4),
    "smooth_gradient": SmoothGradient(num_samples=5, absolute=False, together=3),
    "smooth_integrated_gradients": SmoothPathGradients(num_samples=3, steps=8, together=5),
    "rise": Rise(num_masks=64, grid=4, chunk=20),
    "rise_published": PublishedRise(num_masks=64, grid=4, chunk=20),
    "occlusion": Occluded(side=6, stride=3, together=7),
    "kernel_shap": SquareShap(num_samples=60, side=8, together=7),
    "random": Random(),
    "centre": Centre(),
}
REMOVALS = (Blur(), ScaledBlur(sigma=20.0), Mean(), Zero())


@pytest.fixture(scope="module")
def backbone():
    return Small()


@pytest.fixture(scope="module")
def images():
    torch.manual_seed(1)
    return torch.rand(3, 3, 16, 16)


def targets_for(backbone, images, rows):
    """All eight targets and a kernel, for some of the images: label-free ones have a direction an image."""
    torch.manual_seed(2)
    corpus, foil = backbone.represent(torch.rand(4, 3, 16, 16)), backbone.represent(torch.rand(9, 3, 16, 16))
    own = backbone.represent(images)[rows]
    c, f = Corpus.of("c", [corpus]), Corpus.of("f", [foil])
    linear = [
        target_of(kind, similarity, own, c, f, f"{kind} {similarity}")
        for kind in KINDS
        for similarity in ("cosine", "dot")
    ]
    return Together([*linear, GaussianKernel("kernel", corpus, foil)])


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: type(removal).__name__)
@pytest.mark.parametrize("name", METHODS)
def test_a_batch_is_its_members(backbone, images, name, removal):
    together = METHODS[name].attribute(
        Explicands(backbone, removal, images, SEEDS), targets_for(backbone, images, [0, 1, 2])
    )
    assert together.maps.shape == (3, 9, 16, 16)
    for row, seed in enumerate(SEEDS):
        alone = METHODS[name].attribute(
            Explicands(backbone, removal, images[row : row + 1], (seed,)), targets_for(backbone, images, [row])
        )
        torch.testing.assert_close(alone.maps[0], together.maps[row], atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("random", "centre")])
def test_a_contrast_is_the_map_of_the_corpus_minus_that_of_the_foil(backbone, images, name):
    torch.manual_seed(2)
    c, f = (Corpus.of(n, [backbone.represent(torch.rand(6, 3, 16, 16))]) for n in "cf")
    explicands = Explicands(backbone, ScaledBlur(20.0), images, SEEDS)
    parts = [
        target_of("corpus", corpus=c, name="corpus"),
        target_of("corpus", corpus=f, name="foil"),
        target_of("contrastive_corpus", corpus=c, foil=f, name="contrast"),
        target_of("contrastive_corpus", corpus=f, foil=c, name="swapped"),
    ]
    corpus, foil, contrast, swapped = METHODS[name].attribute(explicands, Together(parts)).maps.unbind(dim=1)
    torch.testing.assert_close(contrast, corpus - foil, atol=2e-6, rtol=1e-3)
    torch.testing.assert_close(contrast, -swapped, atol=2e-6, rtol=1e-3)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_integrated_gradients_are_complete(backbone, images, similarity):
    torch.manual_seed(2)
    c, f = (Corpus.of(n, [backbone.represent(torch.rand(6, 3, 16, 16))]) for n in "cf")
    target = target_of("contrastive_corpus", similarity, corpus=c, foil=f)
    removal = ScaledBlur(20.0)
    maps = PathGradients(50).attribute(Explicands(backbone, removal, images, SEEDS), target).maps
    samples = torch.arange(3)
    lost = target.scores(backbone.represent(images), samples) - target.scores(
        backbone.represent(removal.fill(images)), samples
    )
    assert ((maps.sum(dim=(2, 3)) - lost).abs() <= 0.01 * lost.abs()).all()


def linear_target(backbone, images):
    """Return a dot product with a network that is linear: its gradient is the same everywhere."""
    torch.manual_seed(4)
    corpus = Corpus.of("c", [torch.randn(5, 8)])
    return target_of("corpus", "dot", corpus=corpus), corpus.raw_mean


@pytest.fixture
def linear():
    torch.manual_seed(5)
    return Small(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 8)))


def test_smoothed_gradients_of_a_linear_model_are_its_gradient(linear, images):
    target, mean = linear_target(linear, images)
    gradient = (mean @ linear.module[1].weight).view(3, 16, 16)
    explicands = Explicands(linear, Zero(), images, SEEDS)
    for absolute, expected in ((False, gradient.sum(dim=0)), (True, gradient.abs().sum(dim=0))):
        found = SmoothGradient(num_samples=4, absolute=absolute).attribute(explicands, target).maps
        torch.testing.assert_close(found, expected.expand(3, 1, -1, -1), atol=1e-6, rtol=1e-4)
    # Along any path, the integral of a constant gradient is the difference times the gradient.
    torch.manual_seed(0)
    smooth = SmoothPathGradients(num_samples=3, noise=0.0).attribute(explicands, target).maps
    torch.testing.assert_close(smooth[:, 0], (images * gradient).sum(dim=1), atol=1e-5, rtol=1e-4)


def test_smoothed_gradients_without_noise_are_those_that_are_not_smoothed(backbone, images):
    explicands, target = Explicands(backbone, Mean(), images, SEEDS), targets_for(backbone, images, [0, 1, 2])
    for smooth, plain in (
        (SmoothGradient(2, 0.0, absolute=False), VanillaGradient()),
        (SmoothPathGradients(2, 0.0, steps=9), PathGradients(9)),
    ):
        expected = plain.attribute(explicands, target).maps
        torch.testing.assert_close(smooth.attribute(explicands, target).maps, expected, atol=1e-6, rtol=1e-4)


def test_smoothed_integrated_gradients_add_up_to_what_noisy_copies_lose(backbone, images):
    torch.manual_seed(2)
    c, f = (Corpus.of(n, [backbone.represent(torch.rand(6, 3, 16, 16))]) for n in "cf")
    target, removal = target_of("contrastive_corpus", corpus=c, foil=f), ScaledBlur(20.0)
    maps = SmoothPathGradients(num_samples=7, noise=0.2).attribute(Explicands(backbone, removal, images, SEEDS), target)
    at_fill = target.scores(backbone.represent(removal.fill(images)), torch.arange(3))[:, 0]
    for row, seed in enumerate(SEEDS):
        noise = torch.randn(7, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
        noisy = target.scores(backbone.represent(images[row] + 0.2 * noise), torch.full((7,), row))[:, 0]
        lost = noisy.mean() - at_fill[row]
        assert abs(maps.maps[row].sum() - lost) <= 0.01 * abs(lost)


def test_smoothed_gradients_are_the_mean_over_noise_before_and_after_signs_are_lost(backbone, images):
    torch.manual_seed(2)
    corpus = Corpus.of("c", [backbone.represent(torch.rand(6, 3, 16, 16))])
    target, image = target_of("corpus", corpus=corpus), images[:1]
    noisy = (image + torch.randn(9, 3, 16, 16, generator=torch.Generator().manual_seed(3))).requires_grad_()
    scores = target.scores(backbone.represent(noisy), torch.zeros(9, dtype=torch.int64))
    (gradients,) = torch.autograd.grad(scores.sum(), noisy)
    for absolute, each in ((False, gradients), (True, gradients.abs())):
        method = SmoothGradient(num_samples=9, noise=1.0, absolute=absolute, together=4)
        found = method.attribute(Explicands(backbone, Zero(), image, (3,)), target).maps[0, 0]
        torch.testing.assert_close(found, each.mean(dim=0).sum(dim=0), atol=1e-6, rtol=1e-4)


def test_absolute_attributions_lose_their_signs_before_channels_are_added_up(linear, images):
    target, mean = linear_target(linear, images)
    gradient = (mean @ linear.module[1].weight).view(3, 16, 16)
    explicands = Explicands(linear, Zero(), images, SEEDS)
    found = Absolute(VanillaGradient()).attribute(explicands, target).maps
    torch.testing.assert_close(found, gradient.abs().sum(dim=0).expand(3, 1, -1, -1), atol=1e-6, rtol=1e-4)
    assert (found[0, 0] - gradient.sum(dim=0).abs()).abs().max() > 1e-3
    rise = Rise(num_masks=64, grid=4)
    expected = rise.attribute(explicands, target).maps.abs()
    torch.testing.assert_close(Absolute(rise).attribute(explicands, target).maps, expected)


def test_the_gradient_of_the_label_free_cosine_is_zero_and_that_of_a_contrast_is_not(backbone, images):
    explicands = Explicands(backbone, Zero(), images, SEEDS)
    foil = Corpus.of("f", [backbone.represent(torch.rand(6, 3, 16, 16))])
    own = backbone.represent(images)
    flat = VanillaGradient().attribute(explicands, target_of("label_free", explicands=own)).maps
    steep = VanillaGradient().attribute(explicands, target_of("contrastive_label_free", explicands=own, foil=foil))
    assert flat.abs().max() < 1e-6
    assert steep.maps.abs().max() > 1e-4


def test_gradient_shap_is_that_of_captum_where_that_is_right(backbone, images):
    """For one image: captum draws its baseline from all rows of the batch, which then are one."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  captum draws from it
    corpus = Corpus.of("c", [backbone.represent(torch.rand(6, 3, 16, 16))])
    target, removal, image = target_of("corpus", corpus=corpus), ScaledBlur(20.0), images[:1]
    samples = torch.zeros(1, dtype=torch.int64)

    def score(x):
        return target.scores(backbone.represent(x), samples.expand(len(x)))[:, 0]

    theirs = CaptumGradientShap(score).attribute(image, baselines=removal.fill(image), n_samples=20000, stdevs=0.2)
    ours = GradientShap(num_samples=20000, noise=0.2, together=2000).attribute(
        Explicands(backbone, removal, image, (3,)), target
    )
    theirs, ours = theirs.sum(dim=1).flatten(), ours.maps.flatten()
    assert torch.corrcoef(torch.stack([theirs, ours]))[0, 1] > 0.999
    assert ours.sum().item() == pytest.approx(theirs.sum().item(), rel=0.05)


def test_kernel_shap_and_occlusion_find_the_square_that_counts(images):
    """A network that sees the upper left quarter alone."""

    class Quarter(torch.nn.Module):
        def forward(self, pixels):
            return torch.stack([pixels[:, :, :8, :8].mean(dim=(1, 2, 3)), torch.ones(len(pixels))], dim=1)

    backbone = Small(Quarter())
    corpus = Corpus.of("c", [torch.tensor([[1.0, 0.0]])])
    target = target_of("corpus", "dot", corpus=corpus)
    explicands = Explicands(backbone, Zero(), images, SEEDS)
    shap = SquareShap(num_samples=400, side=8).attribute(explicands, target).maps[:, 0]
    score = images[:, :, :8, :8].mean(dim=(1, 2, 3))
    torch.testing.assert_close(shap[:, :8, :8].sum(dim=(1, 2)), score, atol=0.01, rtol=0.02)
    assert shap[:, 8:, 8:].abs().max() < 1e-3
    occluded = Occluded(side=8, stride=8).attribute(explicands, target).maps[:, 0]
    torch.testing.assert_close(occluded[:, 3, 3], score)
    assert occluded[:, 12, 12].abs().max() < 1e-6


@pytest.mark.parametrize("name", ["occlusion", "kernel_shap", "rise", "rise_published"])
def test_perturbed_images_are_embedded_once_for_all_targets(images, name):
    class Counted(Small):
        seen = 0

        def represent(self, pixels, kept=None):
            self.seen += len(pixels)
            return super().represent(pixels, kept)

    passes = {}
    for rows in ([0], [0, 1, 2]):
        for targets in ("one", "all"):
            backbone = Counted()
            target = targets_for(backbone, images, rows)
            if targets == "one":
                corpus = Corpus.of("c", [backbone.represent(torch.rand(4, 3, 16, 16))])
                target = target_of("corpus", corpus=corpus)
            backbone.seen = 0
            explicands = Explicands(backbone, Mean(), images[rows], tuple(SEEDS[row] for row in rows))
            METHODS[name].attribute(explicands, target)
            passes[len(rows), targets] = backbone.seen
    assert passes[1, "one"] == passes[1, "all"] > 20
    assert passes[3, "all"] == 3 * passes[1, "all"]


@pytest.mark.parametrize("name", METHODS)
def test_a_network_that_represents_everything_by_zeros_has_finite_maps(images, name):
    class Zeros(torch.nn.Module):
        def forward(self, pixels):
            return 0 * pixels.mean(dim=(1, 2, 3))[:, None].expand(-1, 8)

    backbone = Small(Zeros())
    target = targets_for(backbone, images, [0, 1, 2])
    found = METHODS[name].attribute(Explicands(backbone, Mean(), images, SEEDS), target)
    assert found.maps.isfinite().all()
    insertion, deletion = curves(backbone, Mean(), images[:1], found.maps[0, 0], 8)
    for path in (insertion, deletion):
        assert target.of(range(1)).scores(path, torch.zeros(9, dtype=torch.int64)).isfinite().all()


@pytest.fixture(scope="module")
def scenes():
    study = study_of("data=scenes", "data.num_samples=4")
    return study.backbone, study.backbone.preprocess(study.data.inputs(0, 4))


PATCHES = {"tokens": Tokens(), "rise": Rise(num_masks=32, grid=8)}


@pytest.mark.parametrize("name", PATCHES)
def test_patches_of_a_batch_are_those_of_its_members_and_a_contrast_is_a_difference(scenes, name):
    """With patches that are hidden rather than painted over, and by what each of them gives."""
    backbone, images = scenes
    method, removal, seeds = PATCHES[name], TokenDropping(), (1, 2, 3, 4)
    own = backbone.represent(images)
    c, f = (Corpus.of("pictures", [rows]) for rows in backbone.represent(images.flip(3)).split(2))

    def target(rows):
        parts = [("contrastive_corpus", c, f), ("corpus", c, None), ("corpus", f, None)]
        return Together(
            [
                *(target_of(kind, corpus=one, foil=other, name=str(n)) for n, (kind, one, other) in enumerate(parts)),
                *(
                    target_of(kind, similarity, own[rows], c, f, f"{kind} {similarity}")
                    for kind in KINDS
                    for similarity in ("cosine", "dot")
                ),
            ]
        )

    together = method.attribute(Explicands(backbone, removal, images, seeds), target([0, 1, 2, 3])).maps
    for row in range(4):
        explicands = Explicands(backbone, removal, images[row : row + 1], seeds[row : row + 1])
        torch.testing.assert_close(
            method.attribute(explicands, target([row])).maps[0], together[row], atol=2e-6, rtol=1e-3
        )
    torch.testing.assert_close(together[:, 0], together[:, 1] - together[:, 2], atol=2e-6, rtol=1e-3)


def test_patches_of_a_tower_that_projects_everything_to_zero_give_nothing(scenes):
    backbone, images = copy.deepcopy(scenes[0]), scenes[1]
    backbone.module.visual.proj.zero_()
    own = backbone.represent(images)
    c, f = (Corpus.of("texts", [backbone.encode_text([text])]) for text in ("a red star", "snow"))
    target = Together([target_of(kind, "cosine", own, c, f) for kind in KINDS])
    found = token_maps(backbone, images, target)
    assert found.maps.isfinite().all()
    assert not found.maps.any()
    assert found.rest.isfinite().all()


def test_what_patches_give_adds_up_to_the_score(scenes):
    backbone, images = scenes
    own = backbone.represent(images)
    torch.testing.assert_close(torch.nn.functional.normalize(own, dim=1), backbone.encode_batch(images))
    c, f = (Corpus.of("pictures", [rows]) for rows in own.split(2))
    target = Together(
        [
            target_of(kind, similarity, own, c, f, f"{kind} {similarity}")
            for kind in KINDS
            for similarity in ("cosine", "dot")
        ]
    )
    found = token_maps(backbone, images, target)
    torch.testing.assert_close(
        found.maps.sum(dim=(2, 3)) + found.rest, target.scores(own, torch.arange(4)), atol=1e-4, rtol=1e-4
    )
    side = backbone.patch_size
    assert torch.equal(found.maps[:, :, :side, :side], found.maps[:, :, :1, :1].expand(-1, -1, side, side))


def test_patches_that_are_hidden_are_not_seen(scenes):
    """Whatever is painted there, the embedding is the same; where all are seen, it is that of the whole image."""
    backbone, images = scenes
    kept = torch.ones(4, 84, 84)
    removal = TokenDropping()
    torch.testing.assert_close(
        removal.represent(backbone, images, kept), backbone.represent(images), atol=1e-5, rtol=1e-4
    )
    kept[:, :36, :24] = 0
    painted = images.clone()
    painted[:, :, :36, :24] = 3.0
    hidden = removal.represent(backbone, images, kept)
    torch.testing.assert_close(removal.represent(backbone, painted, kept), hidden)
    assert (hidden - backbone.represent(images)).abs().max() > 1e-3
    # One image for all masks is every mask of that image.
    masks = (torch.rand(5, 84, 84) > 0.5).float()
    torch.testing.assert_close(
        removal.represent(backbone, images[:1], masks),
        removal.represent(backbone, images[:1].expand(5, -1, -1, -1), masks),
    )


def test_removals_take_away_what_they_say(scenes):
    _, images = scenes
    for removal in (Blur(), ScaledBlur(), Mean()):
        torch.testing.assert_close(removal.fill(images).mean(dim=(2, 3)), images.mean(dim=(2, 3)), atol=0.05, rtol=0.05)
    assert Blur().fill(images).var() < ScaledBlur().fill(images).var() < images.var()
    assert not Zero().fill(images).any()
    # A scaled blur: an image enlarged four times is blurred as the image is, but for the edges.
    large = images.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    shrunk = torch.nn.functional.avg_pool2d(ScaledBlur(20.0).fill(large), 4)[:, :, 8:-8, 8:-8]
    torch.testing.assert_close(shrunk, ScaledBlur(20.0).fill(images)[:, :, 8:-8, 8:-8], atol=0.06, rtol=0.1)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (32, 32), (24, 40)])
def test_the_published_blur_is_its_formula_pixel_by_pixel(height, width):
    """σ = 5 and a kernel of 21 pixels at every size, edges reflected without the edge pixel itself."""
    image = torch.rand(1, 2, height, width, dtype=torch.float64)
    weights = np.array([np.exp(-(place**2) / (2 * 5.0**2)) for place in range(-10, 11)])
    weights /= weights.sum()

    def reflected(place, side):
        place = -place if place < 0 else place
        return 2 * (side - 1) - place if place >= side else place

    pixels = image[0].numpy()
    along = np.zeros_like(pixels)
    expected = np.zeros_like(pixels)
    for x in range(width):
        for step, weight in zip(range(-10, 11), weights, strict=True):
            along[:, :, x] += weight * pixels[:, :, reflected(x + step, width)]
    for y in range(height):
        for step, weight in zip(range(-10, 11), weights, strict=True):
            expected[:, y] += weight * along[:, reflected(y + step, height)]
    np.testing.assert_allclose(Blur().fill(image)[0].numpy(), expected, atol=1e-6)


def test_both_blurs_are_one_at_the_size_of_the_paper_and_differ_at_others():
    large, small = torch.rand(1, 1, 224, 224), torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(Blur().fill(large), ScaledBlur().fill(large))
    torch.testing.assert_close(Blur(sigma=5.0).fill(small), ScaledBlur(sigma=35.0).fill(small), atol=0.02, rtol=0)
    assert Blur().fill(small).var() < ScaledBlur().fill(small).var() / 3


def test_a_kernel_that_cannot_be_is_refused():
    with pytest.raises(SpliceError, match=r"^kernel_size is 20, but must be odd\.$"):
        Blur(kernel_size=20)
    with pytest.raises(SpliceError, match="^kernel_size is 21, but images of 8 × 8 pixels take at most 15: lower it"):
        Blur().fill(torch.rand(1, 3, 8, 8))
    assert Blur(kernel_size=15).fill(torch.rand(1, 3, 8, 8)).shape == (1, 3, 8, 8)


def test_a_method_that_cannot_work_says_why(scenes, backbone, images):
    corpus = Corpus.of("c", [torch.ones(1, 8)])
    target = target_of("corpus", corpus=corpus)
    with pytest.raises(SpliceError, match="removal=token_dropping has no image to interpolate with"):
        PathGradients().attribute(Explicands(backbone, TokenDropping(), images, SEEDS), target)
    with pytest.raises(SpliceError, match="removal=token_dropping hides patches, but the image tower of this backbone"):
        Rise(num_masks=4).attribute(Explicands(backbone, TokenDropping(), images, SEEDS), target)
    with pytest.raises(SpliceError, match="is not a Vision Transformer of open_clip with a class token"):
        Tokens().attribute(Explicands(backbone, Zero(), images, SEEDS), target)
    half = Small(torch.nn.Linear(2, 2).half())
    with pytest.raises(SpliceError, match="Gradients need backbone.precision=fp32"):
        VanillaGradient().attribute(Explicands(half, Zero(), images, SEEDS), target)
    with pytest.raises(SpliceError, match="take backbone=scenes_clip"):
        study_of("data=planted", "data.num_samples=4").backbone.represent(images)
    with pytest.raises(SpliceError, match="^stride is 9, but squares of side=8 would leave gaps"):
        Occluded(side=8, stride=9)
