"""What a terminal shows of a report: the measures that its claims are about, and half the width of each interval."""

from pathlib import Path

from splice_exp.report import on_terminal
from splice_exp.report.comparisons import Contrast
from splice_exp.report.page import Report
from tests.report.test_reports import TOP1, records  # noqa: F401  a fixture


def claim(metric):
    return Contrast(claim=metric, metric=metric, baseline="null", expected="higher")


def test_measures_of_the_claims_are_shown_in_the_order_of_the_table():
    columns = [*"abcdefghij"]
    assert on_terminal.chosen(columns, [claim(metric) for metric in "hgfed"]) == [*"defgh"]
    assert on_terminal.chosen(columns, [claim("i")]) == [*"abci"]
    assert on_terminal.chosen(columns, [claim(metric) for metric in columns]) == [*"abcdef"]
    assert on_terminal.chosen(["a"], []) == ["a"]


def test_a_cell_is_a_value_and_half_of_its_interval(records):  # noqa: F811
    text = Report("Title", "Question?", [TOP1], headline=[TOP1]).brief(records, 100)
    record = records[0]
    low, high = (record.metrics[f"{TOP1}_ci_{end}"] for end in ("low", "high"))
    assert f"{100 * record.metrics[TOP1]:.1f} ± {50 * (high - low):.1f}" in text
    assert len(text.splitlines()) > len(records)


def test_a_headline_of_a_report_is_chosen_by_its_configuration(records):  # noqa: F811
    report = Report("Title", "Question?", [TOP1, "l0/mean"], headline=["l0/mean"])
    heading = records[0].measures.title(TOP1).split()[0]
    assert heading not in report.brief(records, 100)


def test_pages_in_a_folder_are_counted():
    files = [Path("r/tables/a.md"), Path("r/pages/a.html"), Path("r/index.html")]
    heads = [Path(f"r/pages/a/L{layer}.html") for layer in range(3)]
    assert on_terminal.where([*files, *heads]).split("\n") == [
        *("wrote r/pages/a.html", "wrote r/index.html", "wrote r/tables/a.md", "wrote r/pages/a/ (3 pages)")
    ]
