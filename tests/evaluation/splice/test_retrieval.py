"""Wrong answers are counted against a hand-made case; own captions are found, those of others are not."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.splice.retrieval import Retrieval, wrong_ahead
from tests.evaluation.studies import study_of

SMALL = ("data=scenes", "data.num_samples=60")


@pytest.fixture(scope="module")
def study():
    return study_of(*SMALL)


def test_wrong_candidates_that_are_as_near_as_the_best_right_one_count():
    queries = torch.eye(2)
    candidates = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.8, 0.6], [0.0, 1.0]])
    right = csr_matrix([[0, 1, 0, 0], [1, 0, 0, 1]])
    # First query: one is nearer than its right one, and one is as near. Second: the best of its two right ones leads.
    assert wrong_ahead(queries, candidates, right).tolist() == [2, 0]


def test_own_captions_are_found_and_those_of_others_are_not(study):
    found = Retrieval(bootstrap_resamples=20).evaluate(study)
    metrics = found.metrics
    assert metrics["data/num_samples"] == 60
    assert metrics["retrieval/num_texts"] == 300
    for way in ("image_to_text", "text_to_image"):
        recalls = [metrics[f"retrieval/{way}_at_{cut}"] for cut in (1, 5, 10)]
        assert recalls == sorted(recalls)
        assert metrics[f"retrieval/{way}_at_5"] > metrics[f"retrieval/{way}_at_5_null"] + 0.4
        assert metrics[f"retrieval/{way}_at_5_dense"] > 0.6
        assert metrics[f"retrieval/{way}_at_1_mean_only"] <= 1 / 60  # the mean finds the same answer for all
    for name, values in found.samples.items():
        assert values.shape == (60,)
        assert metrics[name] == pytest.approx(values.mean())


def test_random_batches_have_one_caption_a_picture_and_do_not_overlap(study):
    first, again, other = (
        Retrieval("batches", 20, num_batches=2, bootstrap_resamples=5, seed=seed).evaluate(study) for seed in (0, 0, 1)
    )
    assert first.metrics == again.metrics
    assert first.sample_ids != other.sample_ids
    assert len(set(first.sample_ids)) == first.metrics["data/num_samples"] == 40
    assert first.metrics["retrieval/num_texts"] == 40
    smaller = first.metrics["retrieval/text_to_image_at_10_null"]  # ten of twenty are half of them
    assert 0.2 < smaller < 0.8


def test_what_cannot_be_searched_is_refused(study):
    with pytest.raises(SpliceError, match="evaluation=retrieval needs captions, but scenes has none"):
        Retrieval().evaluate(study_of(*SMALL, captions=False))
    with pytest.raises(SpliceError, match="of batch_size=50 images need 100, but there are 60"):
        Retrieval("batches", 50, num_batches=2).evaluate(study)


def test_captions_with_the_same_words_are_all_right():
    study = study_of("data=scenes", "data.num_samples=20")
    study.data.captions = lambda: (("a red star",),) * 20
    found = Retrieval(bootstrap_resamples=5).evaluate(study)
    assert np.all(found.samples["retrieval/image_to_text_at_1"] == 1)
