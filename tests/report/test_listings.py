"""What runs list beside their measures: counted over runs, or averaged over them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from splice_exp.core.io import write_json
from splice_exp.report.listings import Listing
from splice_exp.report.records import Record
from splice_exp.report.repeated import over_replicates

CHOSEN = {"100": [["grass"], ["grass", "lawn"]], "200": [["lawn", "grass"], ["lawn"]]}
CODES = {"train": [0.25, 0.75], "test": [0.5, 0.5]}


@pytest.fixture
def rows(tmp_path):
    """Two rows under two seeds; each run lists concepts, and mean codes by part."""
    records = []
    for size, runs in CHOSEN.items():
        for seed, concepts in enumerate(runs):
            folder = tmp_path / f"{size}-{seed}"
            folder.mkdir()
            write_json(folder / "metrics.json", {})
            write_json(
                folder / "environment.json",
                {"seed": seed, "data": {"fingerprint": str(seed)}, "backbone": {"fingerprint": "b"}},
            )
            pd.DataFrame({"how": "proposed", "concept": concepts}).to_parquet(folder / "removed.parquet")
            codes = [("star", part, of_seed[seed]) for part, of_seed in CODES.items()]
            pd.DataFrame(codes, columns=["concept", "part", "code"]).to_parquet(folder / "shift.parquet")
            records.append(Record({"data.num_samples": size, "seed": str(seed)}, folder))
    return over_replicates(records)


def test_lines_are_counted_over_the_runs_of_each_row(rows):
    found = Listing(title="t", table="removed", lines=["how", "concept"]).lay_out(rows)
    assert found.headings == ["how", "concept", "num samples 100", "num samples 200"]
    assert found.rows == [["proposed", "grass", "2 of 2", "1 of 2"], ["proposed", "lawn", "1 of 2", "2 of 2"]]
    assert len(Listing(title="t", table="removed", lines=["concept"], most=1).lay_out(rows).rows) == 1
    both = Listing(title="t", table="removed", lines=["how", "concept"], most=1).lay_out(rows)
    assert both.rows == [["proposed", "grass", "2 of 2", "1 of 2"]]  # one of each kind, of which there is one


def test_values_are_means_over_runs_with_their_spread(rows):
    listing = Listing(title="t", table="shift", lines=["concept"], across="part", value="code")
    low, high = stats.t.interval(0.95, 1, 0.5, stats.sem([0.25, 0.75]))
    cell = f"0.500 [{low:.3f}, {high:.3f}]"
    found = listing.lay_out(rows)
    assert found.headings == ["row", "concept", "train", "test"]
    assert found.rows == [[f"num samples {size}", "star", cell, "0.500"] for size in (100, 200)]
    assert listing.lay_out(rows[:1]).headings == ["concept", "train", "test"]
    assert np.isfinite(low)


@pytest.mark.parametrize(("nonnegative", "least"), [("true", 0.0), ("false", -10.0)])
def test_the_interval_of_a_code_ends_at_0_unless_codes_are_signed(rows, nonnegative, least):
    for row in rows:
        for run in row.records:
            (run.directory / "config.yaml").write_text(f"solver: {{nonnegative: {nonnegative}}}\n")
    listing = Listing(title="t", table="shift", lines=["concept"], across="part", value="code", unit="code")
    low, high = stats.t.interval(0.95, 1, 0.5, stats.sem([0.25, 0.75]))
    assert low < 0
    assert listing.lay_out(rows).rows[0][2] == f"0.500 [{max(low, least):.3f}, {high:.3f}]"


def test_the_interval_of_a_share_stays_between_0_and_1(rows):
    listing = Listing(title="t", table="shift", lines=["concept"], across="part", value="code", unit="share")
    found = listing.lay_out(rows)
    low, high = (float(end) for end in found.rows[0][2].partition(" [")[2].rstrip("]").split(", "))
    assert 0 <= low < 0.25 < 0.75 < high <= 1  # Student's of 0.25 and 0.75 would end at −2.7 and 3.7


def test_a_line_that_a_row_has_not_is_shown_as_missing(rows):
    found = Listing(title="t", table="removed", lines=["concept"], across="how").lay_out(rows[:1])
    assert found.headings == ["concept", "proposed"]
    rows[0].records[0].table("removed").to_parquet(rows[0].records[0].directory / "removed.parquet")
    pd.DataFrame({"how": ["by hand"], "concept": ["sea"]}).to_parquet(rows[0].records[0].directory / "removed.parquet")
    found = Listing(title="t", table="removed", lines=["concept"], across="how").lay_out(rows[:1])
    assert ["sea", "1 of 2", "–"] in found.rows
