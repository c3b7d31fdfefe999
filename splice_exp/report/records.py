"""What a finished run left in its directory, and how a report reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from splice_exp.core.io import read_json

METRICS = "metrics.json"  # written last: its presence means complete
ERROR = "error.json"
SAMPLES = "samples.parquet"
ENVIRONMENT = "environment.json"
CONFIG = "config.yaml"


@dataclass(frozen=True, eq=False)
class Record:
    """One row of a table: a point of a sweep, and the run that answers for it.

    Attributes:
        labels: What distinguishes the row: swept key → value as written.
        directory: Its run directory.
    """

    labels: Mapping[str, str]
    directory: Path

    @property
    def complete(self) -> bool:
        """Whether the run ended well: an error beside earlier metrics is of a later attempt, and counts."""
        return (self.directory / METRICS).is_file() and not (self.directory / ERROR).is_file()

    @property
    def error(self) -> str | None:
        """Why the run failed; None where it is complete."""
        if self.complete:
            return None
        path = self.directory / ERROR
        return read_json(path)["error"] if path.is_file() else "did not finish"

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """All metrics, empty for a run that is not complete."""
        return read_json(self.directory / METRICS) if self.complete else {}

    @cached_property
    def samples(self) -> dict[str, np.ndarray]:
        """Measures of each sample."""
        frame = pd.read_parquet(self.directory / SAMPLES)
        return {name: frame[name].to_numpy() for name in frame.columns}

    @property
    def label(self) -> str:
        """The row's name in words; a variant speaks for itself."""
        words = [value if key == "variant" else f"{short_key(key)} {value}" for key, value in self.labels.items()]
        return ", ".join(word.replace("_", " ") for word in words)

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, seed, data and dictionary of a complete run."""
        return read_json(self.directory / ENVIRONMENT)


def short_key(key: str) -> str:
    """Name a swept key in a table by its last part, in words.

    Example:
        >>> short_key("solver.l1_penalty")
        'l1 penalty'
    """
    return key.split(".")[-1].split("/")[-1].replace("_", " ")


def describe(records: Sequence[Record]) -> list[str]:
    """Say in a few lines what a table was computed from; what differs between rows is in the rows."""
    first, metrics = records[0].environment, records[0].metrics
    lines = [f"Data: {first['data']['name']}, {metrics['data/num_samples']:,} samples"]
    if metrics.get("zero_shot/num_classes"):
        lines[0] += f" of {metrics['zero_shot/num_classes']} classes"
    if metrics.get("zero_shot/num_missing_classes"):
        lines[0] += f" ({metrics['zero_shot/num_missing_classes']} without a text are left out)"
    if metrics.get("zero_shot/num_duplicate_classes"):
        lines[0] += f"; class names that occur twice: {metrics['zero_shot/num_duplicate_classes']}, the first wins"
    lines.append(f"Embeddings: {first['data']['fingerprint']}")
    lines.append(f"Seed {first['seed']}, splice_exp {first['version']}, torch {first['packages']['torch']}")
    return lines
