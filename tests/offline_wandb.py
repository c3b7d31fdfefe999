"""Read what Weights & Biases wrote offline."""

import json
import struct
import time
from pathlib import Path

import wandb
from wandb.proto import wandb_internal_pb2

BLOCK = 32 * 1024
FULL, FIRST, LAST = 1, 2, 4  # kinds of chunks; 3 is one in the middle


def read_records(path: Path) -> list:
    """Read all records of an offline run.

    The file is a log in the format of LevelDB: blocks of 32 KiB (the first after a header of 7 bytes) with chunks of
    checksum (4 bytes), length (2), kind (1) and data; a record is a full chunk, or a first, some middle and a last.
    """
    content, place, data, records = path.read_bytes(), 7, b"", []
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
            records.append(wandb_internal_pb2.Record.FromString(data))
    return records


def summary_of(records: list) -> dict:
    """Return the last word on every summary key."""
    summary = {}
    for record in records:
        for update in record.summary.update:
            summary["/".join(update.nested_key) or update.key] = json.loads(update.value_json)
    return summary


def offline_runs(folder: Path) -> dict:
    """Return the records of every offline run under a folder, by the name of the run.

    The service of W&B writes its files behind the back of `finish`: end it, and wait for the last record.
    """
    wandb.teardown()
    deadline = time.monotonic() + 30
    runs = {}
    for path in folder.glob("wandb/offline-run-*/run-*.wandb"):
        records = read_records(path)
        while not any(record.HasField("exit") for record in records):
            assert time.monotonic() < deadline, f"{path} has no end"
            time.sleep(0.05)
            records = read_records(path)
        (run,) = (record.run for record in records if record.HasField("run"))
        runs[run.display_name] = records
    return runs
