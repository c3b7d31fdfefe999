"""A table explains the signs that it has, and no others."""

from splice_exp.core.io import read_json, write_json
from splice_exp.report.legend import legend
from tests.report.test_reports import CLAIM, records  # noqa: F401  a fixture

GAP = "solver/gap_max"


def signs(sentences):
    return [sentence.split(":")[0] for sentence in sentences]


def test_brackets_are_always_explained(records):  # noqa: F811
    assert signs(legend(records, ["l0/mean"], [])) == ["Brackets"]


def test_differences_are_explained_where_there_are_claims(records):  # noqa: F811
    assert signs(legend(records, ["l0/mean"], [CLAIM])) == ["Brackets", "Δ"]


def test_bounds_are_explained_where_a_row_has_one(records):  # noqa: F811
    assert signs(legend(records[1:], ["l0/mean", GAP], [])) == ["Brackets"]
    path = records[0].directory / "metrics.json"
    write_json(path, {**read_json(path), GAP: 1e-7})
    assert signs(legend(records, ["l0/mean", GAP], [])) == ["Brackets", "≤"]
