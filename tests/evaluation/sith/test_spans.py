"""Texts of heads, chosen two ways: by images they span more than by weights, and both more than at random."""

import pytest
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.sith.spans import SithSpans, components, concepts_of
from splice_exp.heads.reading import Reading
from tests.conftest import unit_rows
from tests.evaluation.studies import study_of


def test_texts_of_heads_are_chosen_two_ways():
    study = study_of("data=scenes", "data.num_samples=160", "solver=comp")
    findings = SithSpans(Reading(layers=(-1,)), texts=4, bootstrap_resamples=20).evaluate(study)
    metrics, table = findings.metrics, findings.tables["texts"]
    assert metrics["spans/text_span"] > metrics["spans/vectors"] > metrics["spans/text_span_null"]
    assert metrics["spans/text_span"] < metrics["spans/text_span_ceiling"] <= 1
    assert 0 <= metrics["spans/shared"] < 1
    assert metrics["spans/num_heads"] == len(table) == len(findings.sample_ids)
    for column in ("TextSpan", "singular vectors"):
        assert all(len(set(line.split(", "))) == 4 for line in table[column])
        assert set(", ".join(table[column]).split(", ")) <= set(study.dictionary.concepts)


def test_first_concepts_of_all_directions_come_before_second_ones():
    codes = Codes.from_dense(torch.tensor([[0.1, 0.5, 0.0, 0.0], [0.0, 0.9, 0.2, 0.3], [0.0, 0.0, 0.0, 0.4]]))
    assert concepts_of(codes, [0, 1], 9).tolist() == [1, 0, 3, 2]
    assert concepts_of(codes, [0, 1], 1).tolist() == [1]
    assert concepts_of(codes, [2, 0], 2).tolist() == [3, 1]


def test_components_are_those_of_largest_variance():
    points = 3 + torch.tensor([[2.0, 0, 0], [-2, 0, 0], [0, 1, 0], [0, -1, 0]])
    torch.testing.assert_close(components(points, 2).abs(), torch.eye(3)[:2])
    assert len(components(unit_rows(5, 3, 0), 9)) == 3


def test_what_heads_read_is_no_contribution():
    with pytest.raises(SpliceError, match="side=writes"):
        SithSpans(Reading(side="reads"))
