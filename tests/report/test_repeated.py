import numpy as np
import pandas as pd
import pytest
from scipy import stats

from splice_exp.core.io import write_json
from splice_exp.core.statistics.estimates import SHARES, of_values
from splice_exp.report.comparisons import Comparison
from splice_exp.report.page import Report
from splice_exp.report.records import Record
from splice_exp.report.repeated import over_replicates
from splice_exp.report.verdicts import verdicts
from tests.report.declared import declare


def record(folder, labels, mean, seed_mean=0.0, samples=None, data="fixed"):
    """A run with one measure of two samples, counts, and worst cases; each seed has its own samples."""
    folder.mkdir(parents=True)
    values = np.array([mean - 0.1, mean + 0.1]) + seed_mean
    names = samples or [f"{labels.get('seed')}-{name}" for name in "ab"]
    pd.DataFrame({"sample_id": names, "recovery/f1": values}).to_parquet(folder / "samples.parquet")
    metrics = {"recovery/f1": values.mean(), "recovery/f1_ci_low": 0.0, "recovery/f1_ci_high": 1.0}
    counts = {"data/num_samples": 2, "zero_shot/num_classes": 12, "zero_shot/top1": None}
    counts |= {"l0/mean": 8 * mean + seed_mean, "localization/area": 0.25}
    counts |= {"solver/gap_max": mean / 1e6 + seed_mean, "l0/max": 7 + 2 * seed_mean}
    declare(folder)
    write_json(folder / "metrics.json", {**metrics, **counts})
    model = {"fingerprint": f"model {labels.get('backbone.member', 0)}"}
    environment = {"seed": int(labels.get("seed", 0)), "data": {"fingerprint": data}, "backbone": model}
    write_json(folder / "environment.json", environment)
    return Record(labels, folder)


@pytest.fixture
def runs(tmp_path):
    """Two rows under three seeds; the seeds differ more than the rows do, which are 0.1 apart under each."""
    return [
        record(tmp_path / f"{signed}{seed}", {"signed": signed, "seed": str(seed)}, mean, seed / 2)
        for signed, mean in (("false", 0.5), ("true", 0.4))
        for seed in (0, 1, 2)
    ]


def test_rows_of_several_seeds_are_one_row(runs):
    rows = over_replicates(runs)
    assert [dict(row.labels) for row in rows] == [{"signed": "false"}, {"signed": "true"}]
    assert rows[0].metrics["recovery/f1"] == pytest.approx(1.0)
    assert rows[0].metrics["data/num_samples"] == 6
    assert rows[0].metrics["zero_shot/num_classes"] == 12
    assert isinstance(rows[0].metrics["zero_shot/num_classes"], int)
    assert rows[0].metrics["solver/gap_max"] == pytest.approx(1.0 + 0.5 / 1e6)
    assert rows[0].metrics["l0/max"] == 9
    assert rows[0].metrics["zero_shot/top1"] is None
    assert rows[0].environment["seed"] == "0, 1, 2"


def test_the_interval_is_that_of_student_over_replicates(runs):
    (row, _) = over_replicates(runs)
    values = [0.5, 1.0, 1.5]
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert row.interval(np.array(values)) == pytest.approx((low, high))
    assert low < 0 < 1 < high
    assert (row.metrics["recovery/f1_ci_low"], row.metrics["recovery/f1_ci_high"]) == (0, 1)  # no share lies beyond


def test_a_mean_without_samples_has_an_interval_over_replicates_and_a_worst_case_has_none(runs):
    (row, _) = over_replicates(runs)
    values = [4.0, 4.5, 5.0]
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert row.metrics["l0/mean_ci_low"] == pytest.approx(low)
    assert row.metrics["l0/mean_ci_high"] == pytest.approx(high)
    for name in ("localization/area", "solver/gap_max", "l0/max", "data/num_samples", "zero_shot/num_classes"):
        assert f"{name}_ci_low" not in row.metrics


def test_differences_are_paired_by_seed(runs):
    claim = Comparison(
        claim="signed codes are worse", metric="recovery/f1", reference={"signed": False}, expected="lower"
    )
    rows = over_replicates(runs)
    difference = claim.difference(rows[1], rows)
    assert difference.mean == pytest.approx(-0.1)
    assert difference.high - difference.low < 1e-9  # the seeds differ, but the difference is the same under each
    assert [str(said) for said in verdicts([claim], rows)] == ["holds (1 model)"]
    assert claim.difference(rows[0], rows) is None


def test_a_claim_about_a_mean_without_samples_is_decided_over_replicates(runs):
    """Such as the share of atoms with the right name: it has one value per run, and rows are paired by run."""
    rows = over_replicates(runs)
    claim = Comparison(claim="fewer", metric="l0/mean", expected="lower", reference={"signed": False})
    difference = claim.difference(rows[1], rows)
    assert difference.mean == pytest.approx(-0.8)
    assert difference.high - difference.low < 1e-9
    same = Comparison(claim="smaller", metric="localization/area", expected="lower", reference={"signed": False})
    assert same.difference(rows[1], rows).mean == 0  # the same in all runs, which is a value, too
    worst = Comparison(claim="worst", metric="l0/max", expected="lower", reference={"signed": False})
    assert worst.difference(rows[1], rows) is None  # the largest of all runs is no mean


def test_rows_without_a_swept_seed_stay_as_they_are(tmp_path):
    single = [record(tmp_path / "one", {"signed": "true"}, 0.4)]
    assert over_replicates(single) == single


def test_a_row_is_complete_when_all_its_seeds_are(runs):
    write_json(runs[1].directory / "error.json", {"error": "no memory"})
    rows = over_replicates([Record(run.labels, run.directory) for run in runs])
    assert not rows[0].complete
    assert rows[0].error == "seed 1: no memory"
    assert rows[0].metrics == {}
    assert rows[1].complete


def test_seeds_of_fixed_data_are_draws_of_the_same_samples(tmp_path):
    """The same samples under two seeds, as a file of embeddings gives them: equal draws make nothing more certain."""
    runs = [
        record(tmp_path / f"{signed}{seed}", {"signed": signed, "seed": seed}, mean, samples=["x", "y"])
        for signed, mean in (("false", 0.5), ("true", 0.499))
        for seed in "01"
    ]
    rows = over_replicates(runs)
    assert rows[0].metrics["data/num_samples"] == 2
    assert rows[0].samples["sample_id"].tolist() == ["x", "y"]
    one_run = of_values(runs[0].samples["recovery/f1"]).interval(SHARES)
    assert (rows[0].metrics["recovery/f1_ci_low"], rows[0].metrics["recovery/f1_ci_high"]) == pytest.approx(one_run)
    assert rows[0].brackets == "95 % interval over samples and seeds"
    halves = over_replicates([record(tmp_path / f"half{s}", {"seed": s}, 0.4) for s in "01"])[0]
    assert halves.brackets == "95 % Student interval over seeds, each with a part of the same samples"
    drawn = over_replicates([record(tmp_path / f"drawn{s}", {"seed": s}, 0.4, data=s) for s in "01"])[0]
    assert drawn.brackets == "95 % Student interval over seeds, each with its own samples"


def test_a_measure_that_some_seeds_lack_is_left_out(tmp_path, runs):
    runs[0].samples.pop("recovery/f1")
    runs[0].metrics.pop("recovery/f1")
    row = over_replicates(runs)[0]
    assert "recovery/f1" not in row.samples
    assert "recovery/f1_ci_low" not in row.metrics


def test_a_point_with_one_seed_is_a_run_like_any_other(tmp_path):
    single = [record(tmp_path / "one", {"signed": "true", "seed": "0"}, 0.4)]
    assert over_replicates(single) == single


def test_claims_without_their_measure_are_left_out_only_where_data_may_lack_it(tmp_path):
    runs = [record(tmp_path / signed, {"signed": signed}, 0.4) for signed in ("true", "false")]
    reference = {"signed": False}
    claims = [
        Comparison(claim=name, metric=name, reference=reference, expected="lower")
        for name in ("concept/class_in_top5", "recovery/f1", "cosine/plain", "cosine/misspelt")
    ]
    said = Report("title", "question", [], claims).verdicts(runs)
    left = ("recovery/f1", "cosine/plain", "cosine/misspelt")
    assert tuple(claim for claim, _ in said) == left


def test_the_same_names_of_other_data_are_other_samples(tmp_path):
    """Means over classes: the classes are called alike in every draw."""
    runs = [
        record(tmp_path / str(seed), {"seed": str(seed)}, 0.5, seed / 2, samples=["star", "heart"], data=f"draw {seed}")
        for seed in (0, 1, 2)
    ]
    (row,) = over_replicates(runs)
    assert "Student" in row.brackets
    assert row.metrics["data/num_samples"] == 6


def test_draws_of_a_dictionary_are_not_averaged_away(tmp_path):
    """The best of a few random dictionaries is no finding: their spread is in the interval."""
    runs = [
        record(tmp_path / str(seed), {"seed": str(seed)}, 0.5, shift, samples=["x", "y"])
        for seed, shift in enumerate((-0.3, -0.1, 0.0, 0.1, 0.3))
    ]
    (row,) = over_replicates(runs)
    assert row.samples["recovery/f1"].shape == (5, 2)
    assert row.estimate(row.samples["recovery/f1"]).error > row.estimate(runs[2].samples["recovery/f1"]).error


def test_models_are_replicates_and_seeds_of_one_depend_on_each_other(tmp_path):
    runs = [
        record(tmp_path / f"{member}{seed}", {"backbone.member": member, "seed": seed}, 0.5, shift + int(seed) / 100)
        for member, shift in (("0", -0.2), ("1", 0.0), ("2", 0.2))
        for seed in "0123"
    ]
    (row,) = over_replicates(runs)
    assert dict(row.labels) == {}
    assert row.models == {"model 0", "model 1", "model 2"}
    assert "over models" in row.brackets
    assert row.environment["backbone"]["fingerprint"] == "model 0, model 1, model 2"
    assert row.metrics["data/num_samples"] == 8  # two of each seed, which all models see
    assert row.samples["sample_id"][0] == "seed 0, member 0"
    means = np.array([-0.2, 0.0, 0.2]) + 0.515
    found = row.estimate(row.samples["recovery/f1"])
    assert (found.error, found.freedom) == pytest.approx((stats.sem(means), 2))
