"""Searches: what they mean, and what is said of those that mean nothing."""

import pytest
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.explorer.expressions import Clause, parse, search

NAMES = ("grass", "dog", "red star", "Chain saw", "a, b", "x > y", "not here")
CODES = Codes.from_dense(
    torch.tensor(
        [
            [0.2, 0.0, 0.0, 0.0, 0.1, 0.0, 0.0],
            [0.3, 0.1, 0.0, 0.0, 0.0, 0.2, 0.0],
            [0.4, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, -0.2, 0.0, 0.0, 0.3],
        ]
    ),
    NAMES,
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("grass", [2, 1, 0]),
        ("grass > .1, not dog", [2, 0]),
        ("grass>=.3", [2, 1]),
        ("grass < .3", [0, 3]),
        ("grass < 3.5e-1, not grass = 0", [0, 1]),
        ("not grass", [3]),
        ("NOT grass > .25", [0, 3]),
        ("  red   star  ", [2]),
        ("chain_saw < 0", [3]),
        ("chain saw", [3]),
        ('"a, b"', [0]),
        ('"x > y" > .1', [1]),
        ('"not here"', [3]),
        ("dog > 5", []),
        ("grass, red star", [2]),
    ],
)
def test_what_a_search_finds(text, rows):
    assert search(CODES, text) == rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The search is empty: write concepts, as grass > .1, not dog."),
        (" , ", "'' cannot be understood"),
        ("grass >", "'grass >' cannot be understood"),
        ("grass > much", "'grass > much' cannot be understood"),
        ("> .1", "'> .1' cannot be understood"),
        ("grass > .1 > .2", "'grass > .1 > .2' cannot be understood"),
        ('"grass', "'\"grass' cannot be understood"),
        ("grass,", "'' cannot be understood"),
        ("gras > .1", "There is no concept 'gras' in the dictionary (nearest: 'grass')."),
        ("<script>alert(1)</script>", "cannot be understood"),
    ],
)
def test_what_is_wrong_is_a_sentence(text, said):
    with pytest.raises(SpliceError) as refused:
        search(CODES, text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_clauses_keep_what_was_written():
    assert parse("a b > -.5e1, not c") == [Clause("a b", ">", -5.0), Clause("c", negated=True)]
