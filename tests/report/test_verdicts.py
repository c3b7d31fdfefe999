from pathlib import Path

import numpy as np
import pytest

from splice_exp.core.statistics.estimates import of_values
from splice_exp.report.comparisons import FAILS, HOLDS, UNDECIDED, Difference, Level
from splice_exp.report.records import Record
from splice_exp.report.verdicts import Verdict, verdicts


class Measured(Record):
    """A row with one measure of many samples, without files."""

    complete, models = True, frozenset({"model"})

    def __init__(self, values):
        super().__init__({}, Path())
        self.samples = {"sample_id": np.arange(len(values)), "top1": values}

    def is_about(self, settings):
        return True


def row(mean, spread=1.0, size=400):
    values = np.random.default_rng(0).normal(size=size)
    return Measured(mean + spread * (values - values.mean()) / values.std(ddof=1))


def above(value, expected="higher", margin=0.0):
    return Level(claim="", metric="top1", expected=expected, value=value, margin=margin)


def test_one_comparison_is_not_adjusted():
    (said,) = verdicts([above(0.0)], [row(0.12)])  # 2.4 standard errors
    assert said == Verdict((HOLDS,), (HOLDS,), 1, 1)
    assert str(said) == "holds (1 model)"


def test_many_comparisons_need_more():
    """Ten levels of 1.7 %: each would be enough alone, and the smallest of ten is not."""
    said = verdicts([above(0.0)] * 10, [row(0.12)])
    assert {one.plain for one in said} == {(HOLDS,)}
    assert {one.adjusted for one in said} == {(UNDECIDED,)}
    assert str(said[0]) == "is undecided (1 model; holds before Holm's adjustment for 10 comparisons)"
    strong = verdicts([above(0.0)] * 10, [row(0.2)])
    assert {one.adjusted for one in strong} == {(HOLDS,)}


def test_nulls_are_rarely_decided_in_a_family():
    """Twenty claims about nothing: in most tables one of them would be decided without the adjustment."""
    random = np.random.default_rng(1)
    plain = adjusted = 0
    for _ in range(150):
        said = verdicts([above(0.0)], [Measured(random.normal(size=60)) for _ in range(20)])[0]
        plain += any(one != UNDECIDED for one in said.plain)
        adjusted += any(one != UNDECIDED for one in said.adjusted)
    assert plain > 75
    assert adjusted <= 15


@pytest.mark.parametrize(
    ("mean", "expected", "margin", "decision"),
    [
        (0.2, "higher", 0.0, HOLDS),
        (-0.2, "higher", 0.0, FAILS),
        (-0.2, "higher", 0.5, HOLDS),
        (0.0, "near", 0.2, HOLDS),
        (0.4, "near", 0.2, FAILS),
        (0.15, "near", 0.2, UNDECIDED),
        (0.02, "lower", 0.0, UNDECIDED),
    ],
)
def test_intervals_and_levels_agree(mean, expected, margin, decision):
    claim = above(0.0, expected, margin)
    values = row(mean).samples["top1"]
    found = Difference.of(row(mean), values)
    assert claim.judge(found) == decision
    assert (claim.level(found) <= 0.05) == (decision != UNDECIDED)
    assert found.estimate == of_values(values)


def test_what_no_row_has_cannot_be_judged():
    claim = Level(claim="", metric="unheard/of", expected="higher", value=0.0)
    assert str(verdicts([claim], [row(1.0)])[0]).startswith("cannot be judged")
