"""TextSpan: as the paper writes it, by loops; and spans that were planted."""

import numpy as np
import pytest
import torch

from splice_exp.heads.text_span import explained_variance, text_span
from tests.conftest import unit_rows

TEXTS = unit_rows(60, 12, 0)


def contributions(texts, count=80, noise=0.0, seed=1):
    """Sums of some texts, the first with the largest codes."""
    random = torch.Generator().manual_seed(seed)
    codes = torch.randn(count, len(texts), generator=random) * torch.arange(len(texts), 0, -1.0)
    return 5 + codes @ texts + noise * torch.randn(count, texts.shape[1], generator=random)


def by_loops(given, texts, count):
    """Choose and deflate as the algorithm is written, by NumPy; return indices and the share explained after each."""
    rest = given.double().numpy() - given.double().numpy().mean(axis=0)
    basis = np.linalg.svd(rest, full_matrices=False)[2][: np.linalg.matrix_rank(rest, tol=1e-3)]
    left, total = texts.double().numpy() @ basis.T @ basis, (rest**2).sum()
    chosen, shares = [], []
    for _ in range(count):
        directions = [row / np.linalg.norm(row) if np.linalg.norm(row) > 1e-3 else 0 * row for row in left]
        chosen.append(int(np.argmax([np.linalg.norm(rest @ direction) ** 2 for direction in directions])))
        direction = directions[chosen[-1]]
        rest = rest - np.outer(rest @ direction, direction)
        left = left - np.outer(left @ direction, direction)
        shares.append(1 - (rest**2).sum() / total)
    return chosen, shares


@pytest.mark.parametrize("rank", [5, 12])
def test_it_chooses_as_the_algorithm_is_written(rank):
    given = contributions(unit_rows(rank, 12, 2), noise=0.0 if rank < 12 else 0.3)
    chosen, shares = by_loops(given, TEXTS, 4)  # of five in the span of five, all texts left are one direction
    found = text_span(given, TEXTS, 4)
    assert found.tolist() == chosen
    assert [explained_variance(given, TEXTS[found[:count]]) for count in range(1, 5)] == pytest.approx(shares, abs=1e-6)


def test_texts_that_were_put_in_are_found():
    given = contributions(TEXTS[:3], noise=0.02)
    found = text_span(given, TEXTS, 3)
    assert explained_variance(given, TEXTS[found]) > 0.99
    assert explained_variance(given, TEXTS[torch.arange(30, 33)]) < 0.7
    separate = torch.eye(12)
    assert text_span(contributions(separate[:4]), separate, 4).tolist() == [0, 1, 2, 3]


def test_no_more_texts_are_chosen_than_they_and_the_contributions_span():
    given = contributions(TEXTS[:3])
    assert len(text_span(given, TEXTS, 10)) == 3
    assert len(text_span(given, TEXTS[:2].repeat(4, 1), 10)) == 2
    assert text_span(given, TEXTS[:0], 3).tolist() == []
    nothing = torch.ones(5, 12)
    assert text_span(nothing, TEXTS, 3).tolist() == []
    assert explained_variance(nothing, TEXTS) == 0
    assert explained_variance(given, TEXTS[:0]) == 0
    assert explained_variance(given, TEXTS) == pytest.approx(1)
