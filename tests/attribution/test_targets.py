"""Targets are directions: mean and pairwise forms agree, corpus and foil are opposite, nothing is ever not a number."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from splice_exp.attribution.corpus import Corpus, foil_size, uniform_error
from splice_exp.attribution.targets import KINDS, CorpusDistance, Directions, GaussianKernel, Together, target_of
from splice_exp.core.errors import SpliceError

SIMILARITIES = ("cosine", "dot")


@pytest.fixture(scope="module")
def known():
    torch.manual_seed(0)
    explicands, corpus, foil, seen = (torch.randn(n, 16) + 0.5 for n in (4, 10, 30, 12))
    return explicands, corpus, foil, seen, torch.arange(12) % 4


def similarity(first, second, kind):
    if kind == "cosine":
        first, second = normalize(first, dim=-1), normalize(second, dim=-1)
    return first @ second.T


@pytest.mark.parametrize("kind", SIMILARITIES)
def test_the_mean_direction_gives_the_mean_of_all_pairs(known, kind):
    explicands, corpus, foil, seen, samples = known
    own = torch.stack(
        [similarity(x[None], explicands[s][None], kind)[0, 0] for x, s in zip(seen, samples, strict=True)]
    )
    to_corpus, to_foil = (similarity(seen, members, kind).mean(dim=1) for members in (corpus, foil))
    expected = {
        "label_free": own,
        "contrastive_label_free": own - to_foil,
        "corpus": to_corpus,
        "contrastive_corpus": to_corpus - to_foil,
    }
    given = {"explicands": explicands, "corpus": Corpus.of("c", corpus.split(3)), "foil": Corpus.of("f", [foil])}
    for name in KINDS:
        found = target_of(name, kind, **given).scores(seen, samples)
        torch.testing.assert_close(found[:, 0], expected[name], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", SIMILARITIES)
def test_corpus_and_foil_are_opposite_and_limits_are_met(known, kind):
    explicands, corpus, foil, seen, samples = known
    c, f = Corpus.of("c", [corpus]), Corpus.of("f", [foil])

    def scores(name, **given):
        return target_of(name, kind, **given).scores(seen, samples)

    swapped = scores("contrastive_corpus", corpus=f, foil=c)
    assert torch.equal(scores("contrastive_corpus", corpus=c, foil=f), -swapped)
    assert not scores("contrastive_corpus", corpus=c, foil=c).any()
    # A corpus that is the explicand itself is the label-free target.
    alone = Corpus.of("e", [explicands[:1]])
    same = target_of("contrastive_corpus", kind, corpus=alone, foil=f).scores(seen, samples)
    # Without a foil, nothing but the corpus is left.
    nothing = Corpus("nothing", 1, torch.zeros(16), torch.zeros(16), unit=False)
    assert torch.equal(scores("contrastive_corpus", corpus=c, foil=nothing), scores("corpus", corpus=c))
    own = target_of("contrastive_label_free", kind, explicands=explicands[:1], foil=f)
    torch.testing.assert_close(same, own.scores(seen, torch.zeros(12, dtype=torch.int64)))


def test_the_cosine_does_not_see_length_and_the_dot_product_does(known):
    _, corpus, foil, seen, samples = known
    given = {"corpus": Corpus.of("c", [corpus]), "foil": Corpus.of("f", [foil])}
    cosine, dot = (target_of("contrastive_corpus", kind, **given) for kind in SIMILARITIES)
    torch.testing.assert_close(cosine.scores(3 * seen, samples), cosine.scores(seen, samples))
    torch.testing.assert_close(dot.scores(3 * seen, samples), 3 * dot.scores(seen, samples))


def test_the_label_free_cosine_is_flat_at_the_explicand(known):
    explicands, *_ = known
    at = explicands.clone().requires_grad_()
    target_of("label_free", explicands=explicands).scores(at, torch.arange(4)).sum().backward()
    assert at.grad.abs().max() < 1e-6
    assert target_of("label_free", explicands=explicands).scores(explicands, torch.arange(4)) == pytest.approx(1.0)


def test_zeros_have_no_similarity_to_anything(known):
    _, _, foil, *_ = known
    zero, samples = torch.zeros(2, 16, requires_grad=True), torch.zeros(2, dtype=torch.int64)
    c, f = Corpus.of("c", [torch.zeros(1, 16)]), Corpus.of("f", [foil])
    for kind in SIMILARITIES:
        for name in KINDS:
            found = target_of(name, kind, torch.zeros(1, 16), c, f).scores(zero, samples)
            (gradient,) = torch.autograd.grad(found.sum(), zero)
            assert found.isfinite().all()
            assert gradient.isfinite().all()


def test_a_target_says_what_it_is_made_of_and_how_sure_its_foil_is(known):
    explicands, corpus, foil, *_ = known
    c, f = Corpus.of("c", [corpus]), Corpus.of("f", [foil])
    target = target_of("contrastive_corpus", corpus=c, foil=f)
    assert (target.corpus.name, target.corpus.size, target.foil.name, target.foil.size) == ("c", 10, "f", 30)
    assert target.foil_error(0.99) == uniform_error(30, 0.99)
    assert target.of(range(2)) is target
    own = target_of("contrastive_label_free", explicands=explicands, foil=f)
    assert own.of(range(1, 3)).weights.shape == (2, 1, 16)
    assert own.of(range(1, 3)).foil is f
    assert own.corpus is None
    assert target_of("corpus", corpus=c, foil=f).foil_error(0.99) is None
    assert target_of("contrastive_corpus", "dot", corpus=c, foil=f).foil_error(0.99) is None
    one = Corpus.of("one", [foil[:1]])
    assert target_of("contrastive_corpus", corpus=c, foil=one).foil_error(0.99) is None
    targets = [target, own, target_of("contrastive_corpus", corpus=f, foil=c), GaussianKernel("k", corpus, foil)]
    assert len({one.digest() for one in [*targets, Together([target]), GaussianKernel("k", corpus, foil, 0.5)]}) == 6


def test_lengths_are_not_compared_with_what_has_none(known):
    explicands, corpus, foil, *_ = known
    texts, images = Corpus.of("texts", [normalize(corpus, dim=1)]), Corpus.of("images", [foil])
    assert texts.unit
    assert not images.unit
    with pytest.raises(SpliceError, match="those of the corpus are all one, .* and those of the foil are not"):
        target_of("contrastive_corpus", "dot", corpus=texts, foil=images)
    with pytest.raises(SpliceError, match="those of the foil are all one, .* and those of the explicands are not"):
        target_of("contrastive_label_free", "dot", explicands=explicands, foil=texts)
    assert target_of("contrastive_corpus", "cosine", corpus=texts, foil=images).names == ("contrastive_corpus",)
    target_of("contrastive_corpus", "dot", corpus=texts, foil=texts)


def test_shares_of_parts_add_up_to_the_score(known):
    _, corpus, foil, _, samples = known
    parts = torch.randn(5, 12, 16)
    whole = parts.sum(dim=0)
    c, f = Corpus.of("c", [corpus]), Corpus.of("f", [foil])
    target = Together([target_of("contrastive_corpus", kind, corpus=c, foil=f, name=kind) for kind in SIMILARITIES])
    shares = sum(target.shares(part, whole.norm(dim=1), samples) for part in parts)
    torch.testing.assert_close(shares, target.scores(whole, samples), atol=1e-5, rtol=1e-5)
    with pytest.raises(SpliceError, match="The target kernel is no direction"):
        GaussianKernel("kernel", corpus).shares(parts[0], whole.norm(dim=1), samples)


def test_kernels_are_those_of_the_formula_and_finite_far_from_everything(known):
    _, corpus, foil, seen, samples = known

    def kernel(members):
        return torch.exp(-torch.cdist(seen, members).square() / (2 * 0.7**2 * 16)).mean(dim=1)

    torch.testing.assert_close(GaussianKernel("k", corpus, None, 0.7).scores(seen, samples)[:, 0], kernel(corpus))
    ratio = kernel(corpus) / (kernel(corpus) + kernel(foil))
    torch.testing.assert_close(GaussianKernel("k", corpus, foil, 0.7).scores(seen, samples)[:, 0], ratio)
    far = torch.full((1, 16), 1e4, requires_grad=True)
    found = GaussianKernel("k", corpus, foil).scores(far, samples[:1])
    (gradient,) = torch.autograd.grad(found.sum(), far)
    assert 0 <= found.item() <= 1
    assert gradient.isfinite().all()


def test_what_a_foil_is_known_to():
    """Hoeffding's sizes, and a standard error that covers what draws do."""
    assert foil_size(0.05, 0.95, nonnegative=True) == 738
    assert foil_size(0.05, 0.95, nonnegative=False) == 2952
    assert uniform_error(1500, 0.99) == pytest.approx((1 + math.sqrt(2 * math.log(100))) / math.sqrt(1500))
    random = np.random.default_rng(0)
    population = torch.from_numpy(random.normal(size=(5000, 16)) + 0.3).float()
    whole = Corpus.of("all", [population])
    draws = [Corpus.of("some", [population[random.choice(5000, 50, replace=False)]]) for _ in range(200)]
    distance = math.sqrt(np.mean([float((one.unit_mean - whole.unit_mean).square().sum()) for one in draws]))
    assert np.mean([one.standard_error for one in draws]) == pytest.approx(distance, rel=0.1)
    assert Corpus.of("one", [population[:1]]).standard_error == math.inf


def test_what_is_missing_or_double_is_refused(known):
    explicands, corpus, *_ = known
    with pytest.raises(SpliceError, match="The target contrastive_corpus needs a foil"):
        target_of("contrastive_corpus", corpus=Corpus.of("c", [corpus]))
    with pytest.raises(SpliceError, match="The target label_free needs the explicands"):
        target_of("label_free")
    with pytest.raises(SpliceError, match="kind is 'labelfree'"):
        target_of("labelfree")
    with pytest.raises(SpliceError, match="The corpus 'c' is empty"):
        Corpus.of("c", [])
    one = target_of("label_free", explicands=explicands)
    with pytest.raises(SpliceError, match="need different names"):
        Together([one, one])
    with pytest.raises(SpliceError, match="need as many directions"):
        Directions(("a", "b"), explicands[:1])


def test_nearness_to_a_corpus_is_minus_the_mean_squared_distance_to_its_members(known):
    explicands, corpus, foil, seen, samples = known
    target = CorpusDistance("near", [corpus, foil, corpus[:3], foil[:1]])
    found = target.scores(seen, samples)[:, 0]
    for score, x, sample in zip(found.tolist(), seen, samples.tolist(), strict=True):
        members = (corpus, foil, corpus[:3], foil[:1])[sample]
        distances = [sum((a - b) ** 2 for a, b in zip(x.tolist(), c.tolist(), strict=True)) for c in members]
        assert score == pytest.approx(-sum(distances) / len(distances), rel=1e-4)
    part = target.of(range(1, 3))
    torch.testing.assert_close(
        part.scores(seen[:2], torch.tensor([0, 1])), target.scores(seen[:2], torch.tensor([1, 2]))
    )
    assert part.digest() != target.digest() != CorpusDistance("near", [corpus, foil, corpus[:3], foil[:2]]).digest()
    x = explicands.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(target.scores(x, torch.zeros(4, dtype=torch.int64)).sum(), x)
    torch.testing.assert_close(gradient, 2 * (corpus.mean(dim=0) - explicands))
    with pytest.raises(SpliceError, match="^The target 'near' needs a corpus of one representation or more"):
        CorpusDistance("near", [corpus, foil[:0]])
    with pytest.raises(SpliceError, match="is no direction"):
        target.shares(seen, seen.norm(dim=1), samples)
