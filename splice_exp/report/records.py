"""What a finished run left in its directory, and how a report reads it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache, cached_property, reduce
from operator import or_
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import read_json
from splice_exp.core.measures import Measures, Unit, from_json
from splice_exp.core.runs.run_directory import CONFIG, ENVIRONMENT, MEASURES, METRICS, SAMPLES, error_of
from splice_exp.core.statistics.estimates import (
    NOT_NEGATIVE,
    UNBOUNDED,
    Estimate,
    of_clusters,
    of_draws,
    of_values,
    within,
)
from splice_exp.core.statistics.intervals import mean_interval
from splice_exp.core.yaml_file import read_yaml

AGAIN = "set force=true to compute the run again"
RESAMPLES = 2000
BOOTSTRAP_SEED = 0
CLUSTER = "cluster"  # column of the samples: the head of a vector


class Row(ABC):
    """One row of a table: what distinguishes it, and what was measured.

    Attributes:
        labels: Swept key → value as written.
    """

    labels: Mapping[str, str]

    @property
    def complete(self) -> bool:
        """Whether everything that the row needs was computed."""
        return self.error is None

    @property
    @abstractmethod
    def error(self) -> str | None:
        """Why the row is not complete; None if it is."""

    @property
    @abstractmethod
    def metrics(self) -> Mapping[str, Any]:
        """All metrics, empty for a row that is not complete."""

    @property
    @abstractmethod
    def measures(self) -> Measures:
        """Declarations of the metrics; none for a row that is not complete."""

    @property
    @abstractmethod
    def samples(self) -> Mapping[str, np.ndarray]:
        """Measures of whatever the row is a mean over; `sample_id` says what."""

    @abstractmethod
    def setting(self, key: str) -> str | None:
        """Return what a key of the configuration is for this row, swept or not, as written; None where it has none."""

    def is_about(self, settings: Mapping[str, object]) -> bool:
        """Say whether the row has all of these settings."""
        return all(self.setting(key) == written(value) for key, value in settings.items())

    @abstractmethod
    def has_table(self, name: str) -> bool:
        """Say whether there is such a table: some need data that know more."""

    @abstractmethod
    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the run; of several runs, one under the other."""

    @property
    @abstractmethod
    def environment(self) -> Mapping[str, Any]:
        """Versions, seed, data and dictionary of a complete row."""

    @property
    @abstractmethod
    def brackets(self) -> str:
        """What the intervals of this row are, in words."""

    @property
    @abstractmethod
    def models(self) -> frozenset[str]:
        """Fingerprints of the backbones that the row was measured with."""

    @abstractmethod
    def estimate(self, values: np.ndarray) -> Estimate:
        """Return the mean of values and its standard error, one value for each `sample_id`; draws are rows."""

    def interval(self, values: np.ndarray, bounds: tuple[float, float] = UNBOUNDED) -> tuple[float, float]:
        """Return the 95 % interval of the mean of values, one for each `sample_id`.

        Args:
            values: (n,), or (draws, n) where the same samples were measured under several draws.
            bounds: Between which the mean lies, and its interval stays.
        """
        return self.estimate(values).interval(bounds)

    def bounds(self, unit: Unit) -> tuple[float, float]:
        """Return between which numbers of a unit lie; those of codes depend on the solver.

        Args:
            unit: Of a measure.
        """
        nonnegative = unit is Unit.CODE and self.setting("solver.nonnegative") == "true"
        return NOT_NEGATIVE if nonnegative else unit.bounds

    @property
    def label(self) -> str:
        """The row's name in words; a variant speaks for itself."""
        words = [value if key == "variant" else f"{short_key(key)} {value}" for key, value in self.labels.items()]
        return ", ".join(word.replace("_", " ") for word in words)


class Record(Row):
    """A point of a sweep, and the run that answers for it; a mean over samples.

    Args:
        labels: Swept key → value as written.
        directory: Its run directory.
        choices: Group → its choice, for groups that are not swept; other settings are read from the run.
    """

    def __init__(self, labels: Mapping[str, str], directory: Path, choices: Mapping[str, str] | None = None) -> None:
        self.labels, self.directory, self.choices = labels, directory, choices or {}

    @cached_property
    def error(self) -> str | None:
        return error_of(self.directory)

    @cached_property
    def metrics(self) -> dict[str, Any]:
        return read_json(self.directory / METRICS) if self.complete else {}

    @cached_property
    def measures(self) -> Measures:
        if not self.complete:
            return Measures()
        path = self.directory / MEASURES
        if not path.is_file():
            raise SpliceError(
                f"{self.directory} was written by an earlier version, without {MEASURES}: set force=true."
            )
        return _declarations(json.dumps(read_json(path)))

    @cached_property
    def samples(self) -> dict[str, np.ndarray]:
        frame = _read_parquet(self.directory / SAMPLES)
        return {name: frame[name].to_numpy() for name in frame.columns}

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration of the run, empty where it was not kept."""
        path = self.directory / CONFIG
        try:
            found = read_yaml(path) if path.is_file() else {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise SpliceError(f"{path} cannot be read ({error}): {AGAIN}.") from error
        if not isinstance(found, dict):
            raise SpliceError(f"{path} holds no configuration: {AGAIN}.")
        return found

    def setting(self, key: str) -> str | None:
        if (value := self.labels.get(key, self.choices.get(key))) is not None:
            return value
        found: Any = self.config
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return None if found is None or isinstance(found, dict) else written(found)

    def table(self, name: str) -> pd.DataFrame:
        return _read_parquet(self.directory / f"{name}.parquet")

    def has_table(self, name: str) -> bool:
        return (self.directory / f"{name}.parquet").is_file()

    @cached_property
    def environment(self) -> dict[str, Any]:
        return read_json(self.directory / ENVIRONMENT)

    @property
    def models(self) -> frozenset[str]:
        return frozenset({str(self.environment["backbone"]["fingerprint"])})

    @property
    def _clusters(self) -> np.ndarray | None:
        """To which each sample belongs, where they depend on each other."""
        return self.samples.get(CLUSTER)

    @property
    def brackets(self) -> str:
        if self._clusters is not None:
            return "95 % interval of Student, with heads as clusters of vectors"
        return "95 % percentile bootstrap over samples"

    def estimate(self, values: np.ndarray) -> Estimate:
        if values.ndim == 2:
            return of_draws(values)
        return of_values(values) if self._clusters is None else of_clusters(values, self._clusters)

    def interval(self, values: np.ndarray, bounds: tuple[float, float] = UNBOUNDED) -> tuple[float, float]:
        if values.ndim == 2 or self._clusters is not None:
            return super().interval(values, bounds)
        return within(mean_interval(values, RESAMPLES, BOOTSTRAP_SEED), bounds)


def _read_parquet(path: Path) -> pd.DataFrame:
    """Read a table of a run.

    Raises:
        SpliceError: if the file is missing or damaged.
    """
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # those of pyarrow are among them
        raise SpliceError(f"{path} cannot be read ({error}): {AGAIN}.") from error


def declared_by(rows: Sequence[Row]) -> Measures:
    """Return the declarations of all rows."""
    distinct = {id(measures): measures for measures in (row.measures for row in rows)}  # hundreds of rows have the same
    return reduce(or_, distinct.values(), Measures())


@cache
def _declarations(content: str) -> Measures:
    """Return the declarations of a file; files of the same content have one object."""
    return from_json(json.loads(content))


def written(value: object) -> str:
    """Write a value as it stands in an override.

    Example:
        >>> written(True), written(0.5), written([2, 3])
        ('true', '0.5', '[2,3]')
    """
    if isinstance(value, (list, tuple)):
        return f"[{','.join(written(item) for item in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def tables_of(rows: Sequence[Row], name: str, setting: str | None = None) -> pd.DataFrame:
    """Return a table of all rows, one under the other, with a column for each swept key, by its last part.

    Args:
        rows: Complete ones.
        name: Of the table.
        setting: A key that has a column of its whole name, whether it is swept or not.
    """
    parts = []
    for row in rows:
        added = {short_key(key): value for key, value in row.labels.items()}
        parts.append(row.table(name).assign(**added, **({} if setting is None else {setting: row.setting(setting)})))
    return pd.concat(parts, ignore_index=True)


def short_key(key: str) -> str:
    """Name a swept key in a table by its last part, in words.

    Example:
        >>> short_key("solver.l1_penalty")
        'l1 penalty'
    """
    return key.split(".")[-1].split("/")[-1].replace("_", " ")


def describe(rows: Sequence[Row]) -> list[str]:
    """Say in a few lines what a table was computed from; what differs between rows is in the rows."""
    first, metrics = rows[0].environment, rows[0].metrics
    lines = [f"Data: {first['data']['name']}"]
    if number := metrics.get("data/num_samples"):  # which an evaluation of your own need not count
        lines[0] += f", {number:,} {'sample' if number == 1 else 'samples'}"
    if metrics.get("zero_shot/num_classes"):
        lines[0] += f" of {metrics['zero_shot/num_classes']} classes"
    if metrics.get("zero_shot/num_missing_classes"):
        lines[0] += f" ({metrics['zero_shot/num_missing_classes']} without a text are left out)"
    if metrics.get("zero_shot/num_duplicate_classes"):
        merged = metrics["zero_shot/num_duplicate_classes"]
        has, count = ("class has", "counts") if merged == 1 else ("classes have", "count")
        lines[0] += f"; {merged} {has} the name of another one, and {count} with it"
    counts = [(row.metrics.get("concept/num_classes"), row.metrics.get("zero_shot/num_classes")) for row in rows]
    fewer = sorted({int(asked) for asked, classes in counts if asked and classes and asked < classes})
    if fewer:
        how_many = str(fewer[0]) if len(fewer) == 1 else f"{fewer[0]} to {fewer[-1]}"
        lines.append(f"Class concepts: of the {how_many} classes that an atom is named like")
    left_out = {tuple(row.environment.get("damaged", {}).items()) for row in rows}
    for key, count in sorted({pair for pairs in left_out for pair in pairs}):
        lines.append(f"Damaged images that are left out: {count} of {key}")
    lines.append(f"Embeddings: {first['backbone']['fingerprint']}")
    if "image_mean" in first:
        lines.append(f"Image mean: {first['image_mean']}")
    lines.append(f"Seed {first['seed']}, splice_exp {first['version']}, torch {first['packages']['torch']}")
    return lines
