"""Tables, comparisons and figures of three small records, one of them failed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import write_json
from splice_exp.report.comparisons import Comparison, Level
from splice_exp.report.drawings.figures import Bars, Curves
from splice_exp.report.page import Report
from splice_exp.report.records import Record, describe
from splice_exp.report.tables import difference_heading, lay_out, markdown_table, write_csv
from splice_exp.report.verdicts import verdicts
from tests.report.declared import MEASURES, declare

TOP1 = "zero_shot/top1"


def record(tmp_path, labels, hits=None):
    directory = tmp_path / "-".join(labels.values())
    row = Record(labels, directory)
    if hits is None:
        write_json(directory / "error.json", {"error": "solver.tol is -1"})
        return row
    hits = np.asarray(hits, dtype=float)
    metrics = {
        TOP1: hits.mean(),
        f"{TOP1}_ci_low": hits.mean() - 0.05,
        f"{TOP1}_ci_high": hits.mean() + 0.05,
        "l0/mean": float(len(labels.get("x", ""))),
    }
    declare(directory)
    write_json(directory / "metrics.json", {**metrics, "data/num_samples": len(hits), "solver/gap_max": None})
    write_json(
        directory / "environment.json",
        {
            "backbone": {"fingerprint": "f"},
            "data": {"name": "tiny", "kind": "synthetic", "fingerprint": "g"},
            "seed": 0,
            "version": "1",
            "packages": {"torch": "2"},
        },
    )
    pd.DataFrame({"sample_id": range(len(hits)), TOP1: hits}).to_parquet(directory / "samples.parquet")
    return row


@pytest.fixture
def records(tmp_path):
    better, worse = [1.0] * 90 + [0] * 10, [1.0] * 50 + [0] * 50
    return [
        record(tmp_path, {"x": "a", "sign": "true"}, better),
        record(tmp_path, {"x": "bb", "sign": "true"}, better),
        record(tmp_path, {"x": "a", "sign": "false"}, worse),
        record(tmp_path, {"x": "bb", "sign": "false"}, better),
    ]


def said_of(claim, rows):
    (said,) = verdicts([claim], rows)
    return str(said)


CLAIM = Comparison(claim="signed is worse", metric=TOP1, reference={"sign": True}, expected="lower")


@pytest.mark.parametrize("content", [b"", b"PAR1", None])
def test_a_table_of_a_run_that_cannot_be_read_is_named_with_the_cure(tmp_path, content):
    row = record(tmp_path, {"x": "a"}, [1.0, 0.0])
    path = row.directory / "samples.parquet"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(SpliceError, match=r"samples.parquet cannot be read \(.*\): set force=true to compute"):
        _ = row.samples


@pytest.mark.parametrize("content", [b"a: [", b"- a", b"\xff\xfe"])
def test_a_configuration_of_a_run_that_cannot_be_read_is_named_with_the_cure(tmp_path, content):
    row = record(tmp_path, {"x": "a"}, [1.0, 0.0])
    (row.directory / "config.yaml").write_bytes(content)
    with pytest.raises(SpliceError, match="(?s)config.yaml .*: set force=true to compute the run again"):
        row.setting("seed")


def test_differences_are_paired_with_the_row_that_differs_in_nothing_else(records):
    assert CLAIM.difference(records[0], records) is None  # the reference itself
    difference = CLAIM.difference(records[2], records)
    assert difference.mean == pytest.approx(-0.4)
    assert difference.low == pytest.approx(-0.5, abs=0.03)
    assert difference.high == pytest.approx(-0.3, abs=0.03)
    assert CLAIM.difference(records[3], records).mean == 0


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [
        ("lower", "holds in 1 of 2 comparisons, does not hold in 0, undecided in 1"),
        ("higher", "holds in 0 of 2 comparisons, does not hold in 1, undecided in 1"),
    ],
)
def test_a_verdict_counts(records, expected, verdict):
    claim = Comparison(claim="c", metric=TOP1, reference={"sign": True}, expected=expected)
    assert said_of(claim, records) == f"{verdict} (1 model)"


@pytest.mark.parametrize(
    ("expected", "margin", "verdict"),
    [
        ("lower", -0.2, "holds in 1 of 2 comparisons, does not hold in 1, undecided in 0"),
        ("higher", 0.6, "holds in all 2 comparisons"),
        ("higher", 0.4, "holds in 1 of 2 comparisons, does not hold in 0, undecided in 1"),
        ("near", 0.2, "holds in 1 of 2 comparisons, does not hold in 1, undecided in 0"),
        ("near", 0.4, "holds in 1 of 2 comparisons, does not hold in 0, undecided in 1"),
    ],
)
def test_a_margin_says_how_much_counts(records, expected, margin, verdict):
    claim = Comparison(claim="c", metric=TOP1, reference={"sign": True}, expected=expected, margin=margin)
    assert said_of(claim, records) == f"{verdict} (1 model)"


def test_a_claim_about_some_rows_judges_those_alone(records):
    claim = Comparison(claim="c", metric=TOP1, reference={"sign": True}, expected="lower", rows=dict(records[2].labels))
    assert said_of(claim, records) == "holds (1 model)"
    assert claim.difference(records[3], records) is None


def test_a_level_compares_with_a_number(records):
    mean = records[0].samples[TOP1].mean()
    claim = Level(claim="c", metric=TOP1, expected="near", margin=0.2, value=0.5)
    assert claim.difference(records[0], records).mean == pytest.approx(mean - 0.5)
    assert difference_heading(claim, MEASURES) == "Δ top-1 (%) (to 50.0)"
    with pytest.raises(SpliceError, match="^margin is 0.0, but must be positive"):
        Level(claim="c", metric=TOP1, expected="near", value=0.5)


def test_a_verdict_without_pairs_says_so(records):
    unmeasured = Comparison(claim="c", metric="concept/nothing", reference={"sign": True}, expected="lower")
    assert "cannot be judged" in said_of(unmeasured, records)
    assert said_of(CLAIM, records[:3]) == "holds (1 model)"
    assert said_of(CLAIM, [records[1], records[3]]) == "is undecided (1 model)"


def test_samples_must_be_the_same_to_be_paired(records, tmp_path):
    fewer = record(tmp_path / "other", {"x": "a", "sign": "false"}, [1.0] * 7)
    with pytest.raises(SpliceError, match="different samples"):
        CLAIM.difference(fewer, [*records[:2], fewer])


def test_a_table_shows_intervals_differences_failures_and_absent_values(records, tmp_path):
    failed = record(tmp_path, {"x": "ccc", "sign": "true"})
    records[2].metrics["solver/gap_max"] = 1e-7
    table = markdown_table(lay_out([*records, failed], [TOP1, "cosine/plain", "solver/gap_max"], [CLAIM]))
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert lines[0] == ["x", "sign", "top-1 (%)", "duality gap", "Δ top-1 (%) (to sign true)"]
    assert lines[2] == ["a", "true", "90.0 [85.0, 95.0]", "–", "–"]
    assert lines[4][:3] == ["a", "false", "50.0 [45.0, 55.0]"]
    assert lines[4][4].startswith("-40.0 [-")
    assert lines[6] == ["ccc", "true", "failed", "–", "–"]
    assert failed.error == "solver.tol is -1"


def test_an_interval_is_shown_where_it_has_two_ends_that_differ(records):
    low, high = f"{TOP1}_ci_low", f"{TOP1}_ci_high"
    records[0].metrics[low] = records[0].metrics[high] = 0.9
    del records[1].metrics[low]
    records[2].metrics[high] = None
    rows = lay_out(records, [TOP1], []).rows
    assert [row[2] for row in rows] == ["90.0", "90.0", "50.0", "90.0 [85.0, 95.0]"]


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (1, "of 3 classes; 1 class has the name of another one, and counts with it"),
        (2, "of 3 classes; 2 classes have the name of another one, and count with it"),
        (0, "of 3 classes"),
    ],
)
def test_classes_of_the_same_name_are_reported(records, again, said):
    records[0].metrics.update({"zero_shot/num_classes": 3, "zero_shot/num_duplicate_classes": again})
    assert describe(records)[0] == f"Data: tiny, 100 samples {said}"


def test_differences_are_signed_and_claims_about_the_same_ones_share_a_column(records):
    about = [replace(CLAIM, rows={"x": x}) for x in ("a", "bb")]
    cells = lay_out(records, [TOP1], about)
    assert len(cells.headings) == 4
    assert [row[3].split(" ")[0] for row in cells.rows] == ["–", "–", "-40.0", "+0.0"]
    up = Comparison(claim="c", metric=TOP1, reference={"sign": False}, expected="higher")
    other = lay_out(records, [TOP1], [CLAIM, up])
    assert len(other.headings) == 5
    assert [row[4].split(" ")[0] for row in other.rows] == ["+40.0", "+0.0", "–", "–"]


def test_a_row_that_failed_has_a_cell_for_every_heading(records, tmp_path):
    failed = record(tmp_path, {"x": "ccc", "sign": "true"})
    cells = lay_out([*records, failed], [TOP1, "l0/mean", "absent"], [CLAIM])
    assert len(cells.headings) == 5  # a metric that nobody has is left out
    assert {len(row) for row in cells.rows} == {5}


def test_a_row_that_never_ended_is_not_complete(tmp_path):
    row = Record({"x": "a"}, tmp_path / "nowhere")
    assert not row.complete
    assert row.error == "did not finish"


def test_an_error_beside_earlier_metrics_is_a_failure(records):
    write_json(records[0].directory / "error.json", {"error": "no CUDA"})
    assert not records[0].complete
    assert records[0].error == "no CUDA"


def test_csv_holds_everything_unrounded(records, tmp_path):
    write_csv(tmp_path / "t.csv", records)
    frame = pd.read_csv(tmp_path / "t.csv")
    assert frame[TOP1].tolist() == [0.9, 0.9, 0.5, 0.9]
    assert frame["x"].tolist() == ["a", "bb", "a", "bb"]


@pytest.mark.parametrize(
    "figure",
    [Curves("l0/mean", "sign", [TOP1, "absent"]), Bars([TOP1, "l0/mean"], baselines={TOP1: "l0/mean"})],
)
def test_figures_are_reproducible_files(records, tmp_path, figure):
    contents = []
    for folder in ("one", "two"):
        report = Report("Title", "Question?", [TOP1], [CLAIM], figure)
        files = report.write(records, tmp_path / folder, "stem", "python -m splice_exp")
        contents.append({file.name: file.read_bytes() for file in files})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"stem.md", "stem.csv", "stem.json", "stem.png", "stem.svg", "stem.html", "index.html"}
    text = contents[0]["stem.md"].decode()
    for part in (
        "# Title: tiny",
        "    python -m splice_exp\n",
        "Claim: signed is worse. Verdict: holds in 1",
        "stem.png",
    ):
        assert part in text


def drawn_lines(figure, records):
    axis = figure.draw(records, "t").axes[0]
    return [line for line in axis.get_lines() if line.get_linestyle() == "--" and len(line.get_ydata())], axis


def test_a_baseline_shared_by_all_rows_is_one_line(records):
    lines, _ = drawn_lines(Curves("l0/mean", None, [TOP1], {TOP1: "zero_shot/top1_dense"}), shared(records, [0.8] * 4))
    assert [list(line.get_ydata()) for line in lines] == [[80, 80]]


def test_a_baseline_that_differs_between_rows_is_drawn_for_each(records):
    rows = shared(records, [0.8, 0.7, 0.6, 0.5])
    lines, _ = drawn_lines(Curves("l0/mean", None, [TOP1], {TOP1: "zero_shot/top1_dense"}), rows)
    assert sorted(lines[0].get_ydata()) == pytest.approx([50, 60, 70, 80])
    _, axis = drawn_lines(Bars([TOP1], {TOP1: "zero_shot/top1_dense"}), rows)
    across = [segment for collection in axis.collections for segment in collection.get_segments()]
    assert {80.0, 70.0, 60.0, 50.0} <= {round(float(segment[0][0]), 6) for segment in across}
    assert axis.get_legend_handles_labels()[1] == ["dense top-1 (%)"]


def shared(records, values):
    """Complete rows with these values of dense accuracy."""
    for record, value in zip(records, values, strict=True):
        (record.directory / "error.json").unlink(missing_ok=True)
        write_json(record.directory / "metrics.json", {**record.metrics, "zero_shot/top1_dense": value})
    return [Record(record.labels, record.directory) for record in records]


def test_a_figure_without_values_is_not_drawn(records):
    assert Bars(["absent"]).draw(records, "t") is None
