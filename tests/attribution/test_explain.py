"""Maps on disk: the same for any cut into batches and processes, found again, and asked for one by one."""

import pytest
import torch

from splice_exp.attribution.corpus import Corpus
from splice_exp.attribution.explain import TOGETHER, explain
from splice_exp.attribution.gradients import GradientShap, VanillaGradient
from splice_exp.attribution.methods import Absolute, Explicands
from splice_exp.attribution.removal import Mean
from splice_exp.attribution.rise import PublishedRise, Rise
from splice_exp.attribution.smoothed import SmoothGradient
from splice_exp.attribution.targets import Together, target_of
from splice_exp.core.io import seed_of
from splice_exp.distributed.cache import Cache
from splice_exp.distributed.trainer import Machine
from tests.evaluation.studies import study_of

NUMBER = TOGETHER + 3


@pytest.fixture(scope="module")
def asked():
    study = study_of("data=scenes_pairs", f"data.num_samples={NUMBER}")
    backbone = study.backbone
    corpus, foil = (Corpus.of(text, [backbone.encode_text([text])]) for text in ("a red star", "a blue ring"))
    own = study.embeddings.features
    questions = Together(
        [target_of("contrastive_corpus", corpus=corpus, foil=foil), target_of("label_free", explicands=own)]
    )
    return study.data, backbone, questions


@pytest.mark.parametrize(
    "method",
    [
        Rise(num_masks=40, grid=8),
        PublishedRise(num_masks=40, grid=8),
        GradientShap(num_samples=3),
        SmoothGradient(num_samples=2),
        Absolute(VanillaGradient()),
        Absolute(Rise(num_masks=40, grid=8)),
    ],
    ids=["rise", "rise_published", "shap", "smooth", "absolute", "absolute_rise"],
)
def test_every_sample_is_explained_as_if_it_were_alone(asked, method):
    data, backbone, questions = asked
    found = explain(data, backbone, method, Mean(), questions, seed=5)
    assert found.maps.shape == (NUMBER, 2, 84, 84)
    for row in (0, TOGETHER - 1, TOGETHER, NUMBER - 1):
        image = backbone.preprocess(data.inputs(row, row + 1))
        seeds = (seed_of(5, data.sample_ids[row]),)
        alone = method.attribute(Explicands(backbone, Mean(), image, seeds), questions.of(range(row, row + 1)))
        torch.testing.assert_close(found.maps[row], alone.maps[0], atol=1e-6, rtol=1e-3)
    if not isinstance(method, Absolute) or isinstance(method.method, Rise):  # a plain gradient draws nothing
        assert not torch.equal(found.maps, explain(data, backbone, method, Mean(), questions, seed=6).maps)


def test_maps_that_are_there_are_not_made_again(asked, tmp_path, monkeypatch):
    data, backbone, questions = asked
    method, cache = Rise(num_masks=8, grid=8), Cache(tmp_path)
    first = explain(data, backbone, method, Mean(), questions, 0, cache)

    def never(self, explicands):
        raise AssertionError("made again")

    monkeypatch.setattr(Rise, "represent", never)
    again = explain(data, backbone, method, Mean(), questions, 0, cache)
    assert torch.equal(first.maps, again.maps)
    assert torch.equal(first.reliability, again.reliability)
    # Another question, and a smaller chunk, need no other images; other masks and another seed do.
    (target,) = questions.of(range(NUMBER))._targets[:1]
    other = explain(data, backbone, method, Mean(), target, 0, cache)
    torch.testing.assert_close(other.maps[:, 0], first.maps[:, 0], atol=1e-6, rtol=1e-4)
    explain(data, backbone, Rise(num_masks=8, grid=8, chunk=3), Mean(), questions, 0, cache)
    with pytest.raises(AssertionError, match="made again"):
        explain(data, backbone, Rise(num_masks=12, grid=8), Mean(), questions, 0, cache)
    with pytest.raises(AssertionError, match="made again"):
        explain(data, backbone, method, Mean(), questions, 1, cache)


@pytest.mark.enable_socket
def test_two_processes_make_the_same_maps(asked, tmp_path):
    data, backbone, questions = asked
    method = Rise(num_masks=8, grid=8)
    alone = explain(data, backbone, method, Mean(), questions, 0, Cache(tmp_path / "one"))
    machine = Machine(accelerator="cpu", devices=2)
    both = explain(data, backbone, method, Mean(), questions, 0, Cache(tmp_path / "two", machine))
    torch.testing.assert_close(alone.maps, both.maps, atol=1e-6, rtol=1e-4)
