"""Weights & Biases for real, offline: what it wrote is read back and compared with what we wrote."""

import json

import pandas as pd
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.record.tracking import NoTracker, WandbTracker
from tests.offline_wandb import offline_runs, summary_of

METRICS = {"zero_shot/top1": 0.975, "solver/gap_max": None, "l0/mean": 6.5, "zero_shot/num_classes": 41}


def offline(folder, **options):
    return WandbTracker("splice_exp", directory=str(folder), **options)


@pytest.mark.slow
def test_team_tags_and_notes_are_in_the_offline_run(tmp_path):
    with offline(tmp_path, entity="lab", tags=["ablation", "laptop"], notes="for the appendix").run("row", "a", {}):
        pass
    (run,) = (record.run for record in offline_runs(tmp_path)["row"] if record.HasField("run"))
    assert (run.entity, list(run.tags), run.notes) == ("lab", ["ablation", "laptop"], "for the appendix")


def test_what_lies_here_only_has_a_command_that_sends_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert offline("my results").to_send() == "wandb sync 'my results/wandb'/offline-run-*"
    assert offline("results", mode="online").to_send() is None
    assert NoTracker().to_send() is None


@pytest.mark.slow
def test_the_offline_run_is_our_record(tmp_path):
    config = {"solver": {"l1_penalty": 0.25}, "seed": 0}
    with offline(tmp_path).run("row", "ablation", config) as tracked:
        tracked.metrics(METRICS)
        tracked.table("table", pd.DataFrame({"l0": [1.0, 2.0]}))
    found = offline_runs(tmp_path)["row"]
    (run,) = (record.run for record in found if record.HasField("run"))
    assert (run.project, run.display_name, run.run_group) == ("splice_exp", "row", "ablation")
    written = {update.key: json.loads(update.value_json) for update in run.config.update}
    assert written["solver"] == config["solver"]
    summary = summary_of(found)
    assert {name: summary.get(name) for name in METRICS} == METRICS
    assert summary["table/_type"] == "table-file"
    assert [record.exit.exit_code for record in found if record.HasField("exit")] == [0]


@pytest.mark.slow
def test_a_run_that_fails_is_finished_as_failed(tmp_path):
    with (
        pytest.raises(SpliceError, match="no"),
        offline(tmp_path).run("row", "ablation", {}),
    ):
        raise SpliceError("no")
    assert [record.exit.exit_code for record in offline_runs(tmp_path)["row"] if record.HasField("exit")] == [1]


def test_no_tracker_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with NoTracker().run("row", "ablation", {}) as tracked:
        tracked.metrics(METRICS)
    assert not list(tmp_path.iterdir())


def test_a_mode_is_checked():
    with pytest.raises(SpliceError, match=r"^mode is 'cloud'.*offline, online"):
        WandbTracker("splice_exp", mode="cloud")
