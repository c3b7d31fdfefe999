import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_accuracy

from splice_exp.core.codes import Codes
from splice_exp.core.matrices.cosines import cosine
from splice_exp.core.statistics.intervals import mean_interval, mean_intervals
from splice_exp.evaluation.measures import functional
from splice_exp.evaluation.measures.metrics import ConceptInTop, MeanCosine, SupportSize, ZeroShotAccuracy
from tests.conftest import unit_rows


@given(st.integers(0, 1000), st.integers(1, 5))
def test_accuracy_is_that_of_torchmetrics(seed, k):
    features, classes = unit_rows(40, 8, seed), unit_rows(6, 8, seed + 1)
    labels = torch.from_numpy(np.random.default_rng(seed).integers(6, size=40))
    found = functional.classified_within(features, classes, labels, k).double().mean()
    expected = multiclass_accuracy(features @ classes.T, labels, num_classes=6, top_k=k, average="micro")
    assert float(found) == pytest.approx(float(expected))


def test_of_two_classes_with_the_same_text_the_first_wins():
    classes = torch.eye(3)[[0, 1, 0]]
    hits = functional.classified_within(torch.eye(3)[[0, 0]], classes, torch.tensor([0, 2]), 1)
    assert hits.tolist() == [True, False]
    assert functional.classified_within(torch.eye(3)[[0]], classes, torch.tensor([2]), 2).all()


def test_nothing_is_classified_as_nothing():
    assert not functional.classified_within(torch.zeros(1, 3), torch.eye(3), torch.tensor([0]), 1).any()


def test_cosine_of_zero_is_zero():
    found = cosine(torch.tensor([[3.0, 0], [0, 0], [1, 1]]), torch.tensor([[2.0, 0], [1, 0], [-1, -1]]))
    torch.testing.assert_close(found, torch.tensor([1.0, 0, -1], dtype=torch.float64))


@given(st.integers(0, 1000), st.integers(1, 5))
def test_a_concept_is_within_the_top_if_fewer_are_ahead(seed, k):
    random = np.random.default_rng(seed)
    dense = torch.from_numpy(random.choice([0.0, 0.0, 0.5, 1.0, 2.0, -1.0], size=(12, 6)))
    concepts = torch.from_numpy(random.integers(6, size=12))
    found = functional.concept_within(Codes.from_dense(dense), concepts, k)
    for row in range(12):
        order = sorted(range(6), key=lambda column: (-float(dense[row, column]), column))
        expected = dense[row, concepts[row]] > 0 and int(concepts[row]) in order[:k]
        assert bool(found[row]) == bool(expected)


def test_metrics_accumulate_batches_and_keep_single_values():
    features, classes, labels = unit_rows(9, 4, 0), unit_rows(3, 4, 1), torch.arange(9) % 3
    codes = Codes.from_dense(torch.eye(9)[:, :5])
    for metric, arguments in (
        (ZeroShotAccuracy(top_k=1), (features, classes, labels)),
        (MeanCosine(), (features, features.flip(0))),
        (ConceptInTop(top_k=1), (codes, labels)),
        (SupportSize(), (codes,)),
    ):
        metric.update(*arguments)
        whole, single = metric.compute(), metric.per_sample()
        metric.reset()
        for rows in (torch.arange(4), torch.arange(4, 9)):
            parts = [a.select(rows) if isinstance(a, Codes) else a[rows] if len(a) == 9 else a for a in arguments]
            metric.update(*parts)
        torch.testing.assert_close(metric.compute(), whole)
        torch.testing.assert_close(metric.per_sample(), single)
        assert len(single) == 9


def test_support_size_has_quantiles():
    size = SupportSize()
    size.update(Codes.from_dense(torch.tril(torch.ones(5, 5))))
    assert float(size.compute()) == 3
    assert [size.quantile(level) for level in (0.0, 0.5, 1.0)] == [1, 3, 5]


def test_intervals_cover_as_often_as_they_say():
    covered = 0
    for seed in range(200):
        low, high = mean_interval(np.random.default_rng(seed).normal(size=80), resamples=300, seed=seed)
        covered += low <= 0 <= high
    assert 0.90 <= covered / 200 <= 0.985


def test_intervals_are_seeded_and_constants_have_none():
    values = np.random.default_rng(0).normal(size=50)
    assert mean_interval(values, 100, 3) == mean_interval(values, 100, 3) != mean_interval(values, 100, 4)
    assert mean_interval(np.ones(5), 100, 0) == (1, 1)
    assert mean_interval(np.array([2.0]), 100, 0) == (2, 2)


@pytest.mark.parametrize("at_once", [2**22, 200, 1])  # values: all resamples, five, one
def test_intervals_of_rows_are_those_of_each_row_and_of_scipy(monkeypatch, at_once):
    monkeypatch.setattr("splice_exp.core.statistics.intervals.AT_ONCE", at_once)
    random = np.random.default_rng(0)
    rows = np.stack([random.normal(size=40), np.full(40, 0.5), random.integers(2, size=40)])
    ends = mean_intervals(rows, 501, 3)
    assert ends[1] == (0.5, 0.5)
    for row, found in zip(rows[[0, 2]], [ends[0], ends[2]], strict=True):
        assert found == pytest.approx(mean_interval(row, 501, 3), abs=1e-12)
        of_scipy = scipy.stats.bootstrap(
            (row,), np.mean, n_resamples=501, method="percentile", rng=np.random.default_rng(3)
        )
        assert found == pytest.approx(tuple(of_scipy.confidence_interval), abs=1e-12)
    of_bools = mean_intervals(rows[2:].astype(bool), 501, 3)
    assert of_bools == [pytest.approx(ends[2], abs=1e-12)]
