"""A column with a placeholder stands for all metrics of its kind that were measured."""

from splice_exp.core.io import write_json
from splice_exp.core.runs.run_directory import ENVIRONMENT, METRICS
from splice_exp.report.page import Report
from splice_exp.report.records import Record


def test_a_column_of_a_kind_is_all_of_that_kind(tmp_path):
    metrics = {"l0/mean": 3.0, "mean_codes/l0_deer": 2.0, "mean_codes/l0_hot dog": 4.0, "mean_codes/cosine_deer": 0.5}
    report = Report("title", "question", ["l0/mean", "mean_codes/l0_{class}"])
    write_json(tmp_path / METRICS, metrics)
    write_json(tmp_path / ENVIRONMENT, {"data": {}})
    assert report._columns([Record({}, tmp_path)]) == ["l0/mean", "mean_codes/l0_deer", "mean_codes/l0_hot dog"]
