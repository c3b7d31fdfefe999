"""Weights & Biases for real, offline: what it wrote is read back and compared with what we wrote."""

import json
import struct

import pandas as pd
import pytest
from wandb.proto import wandb_internal_pb2

from splice_exp.core.errors import SpliceError
from splice_exp.report.tracking import NoTracker, WandbTracker

METRICS = {"zero_shot/top1": 0.975, "solver/gap_max": None, "l0/mean": 6.5, "zero_shot/num_classes": 41}


BLOCK = 32 * 1024
FULL, FIRST, LAST = 1, 2, 4  # kinds of chunks; 3 is one in the middle


def records(folder):
    """Read all records of the only offline run under a folder.

    The file is a log in the format of LevelDB: blocks of 32 KiB (the first after a header of 7 bytes) with chunks of
    checksum (4 bytes), length (2), kind (1) and data; a record is a full chunk, or a first, some middle and a last.
    """
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    content, place, data, found = path.read_bytes(), 7, b"", []
    while place + 7 <= len(content):
        if BLOCK - place % BLOCK < 7:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        if kind in (FULL, FIRST):
            data = b""
        data += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (FULL, LAST):
            found.append(wandb_internal_pb2.Record.FromString(data))
    return found


def summary_of(found):
    """Return the last word on every summary key."""
    summary = {}
    for record in found:
        for update in record.summary.update:
            summary["/".join(update.nested_key) or update.key] = json.loads(update.value_json)
    return summary


@pytest.mark.slow
def test_the_offline_run_is_our_record(tmp_path):
    config = {"solver": {"l1_penalty": 0.25}, "seed": 0}
    with WandbTracker("splice_exp", "offline", str(tmp_path)).run("row", "ablation", config) as tracked:
        tracked.metrics(METRICS)
        tracked.table("table", pd.DataFrame({"l0": [1.0, 2.0]}))
    found = records(tmp_path)
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
        WandbTracker("splice_exp", "offline", str(tmp_path)).run("row", "ablation", {}),
    ):
        raise SpliceError("no")
    assert [record.exit.exit_code for record in records(tmp_path) if record.HasField("exit")] == [1]


def test_no_tracker_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with NoTracker().run("row", "ablation", {}) as tracked:
        tracked.metrics(METRICS)
    assert not list(tmp_path.iterdir())


def test_a_mode_is_checked():
    with pytest.raises(SpliceError, match=r"logger\.mode is 'cloud'.*offline, online"):
        WandbTracker("splice_exp", "cloud", "results")
