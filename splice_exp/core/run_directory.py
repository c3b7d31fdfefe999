"""What a run leaves in its directory: the names of its files, whether it is complete, and why it is not.

Imported without torch, because a second launch only has to look.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from splice_exp.core.io import read_json, write_json

MEASURES = "measures.json"  # their declarations
METRICS = "metrics.json"  # written last: its presence means complete
SAMPLES = "samples.parquet"
ENVIRONMENT = "environment.json"
CONFIG = "config.yaml"
CODES = "codes.safetensors"
DAMAGED = "damaged.json"  # images that were skipped, and why, by the key of their data set
SAMPLE_FIGURE = "decompositions"  # samples and their concepts, in the folder `figures` of a run
UNFINISHED = "did not finish"

SKEW = 60.0  # seconds that processes of one launch may start, or their clocks may be, apart

_STARTED = time.time()


def rank() -> int:
    """Return the number of this process among those that a launcher has started for one run."""
    return int(os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or 0)


def _error_file(number: int) -> str:
    return "error.json" if number == 0 else f"error_of_process_{number}.json"


def is_complete(directory: Path) -> bool:
    """Say whether the record of a run is there."""
    return (directory / METRICS).is_file()


def write_error(directory: Path, message: str) -> None:
    """Note why this process failed."""
    number = rank()
    shown = message if number == 0 else f"process {number}: {message}"
    write_json(directory / _error_file(number), {"error": shown, "time": time.time()})


def forget_errors(directory: Path) -> None:
    """Remove what earlier attempts failed by; another process of this one may have failed already, and that stays."""
    (directory / _error_file(rank())).unlink(missing_ok=True)
    for path in directory.glob("error_of_process_*.json"):
        if path.stat().st_mtime < _STARTED - SKEW:
            path.unlink(missing_ok=True)


def error_of(directory: Path) -> str | None:
    """Return why a run is not complete; None if it is.

    An error that is newer than the metrics is of a later attempt, and counts. Of several processes the one that failed
    first says why: the others then lose their connection to it.
    """
    metrics = directory / METRICS
    complete_since = metrics.stat().st_mtime if metrics.is_file() else 0.0
    paths = [path for path in sorted(directory.glob("error*.json")) if path.stat().st_mtime >= complete_since]
    if errors := [read_json(path) for path in paths]:
        return str(min(errors, key=lambda error: error.get("time", 0.0))["error"])
    return None if is_complete(directory) else UNFINISHED
