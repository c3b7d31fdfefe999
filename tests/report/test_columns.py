"""A column with a placeholder stands for all metrics of its kind that were measured."""

from types import SimpleNamespace

from splice_exp.report.page import Report


def test_a_column_of_a_kind_is_all_of_that_kind():
    metrics = {"l0/mean": 3.0, "mean_codes/l0_deer": 2.0, "mean_codes/l0_hot dog": 4.0, "mean_codes/cosine_deer": 0.5}
    report = Report("title", "question", ["l0/mean", "mean_codes/l0_{class}"])
    row = SimpleNamespace(complete=True, metrics=metrics)
    assert report._columns([row]) == ["l0/mean", "mean_codes/l0_deer", "mean_codes/l0_hot dog"]
