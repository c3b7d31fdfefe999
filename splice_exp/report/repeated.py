"""Rows that differ in their seed or in the trained model only, as one row: a mean, with the spread between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from splice_exp.core.measures import INTERVAL, Join, Measures
from splice_exp.core.statistics.estimates import Estimate, of_clusters, of_draws, of_values
from splice_exp.report.records import CLUSTER, Record, Row, declared_by

SEED, MEMBER = "seed", "backbone.member"
REPLICATES = (SEED, MEMBER)  # swept keys whose values are replicates, not rows of a table


class Repeated(Row):
    """The runs of one point under several seeds, or of several models that were trained alike.

    A measure is joined as it declares. A mean is that over runs; where each run has its own samples, its interval is
    Student's over runs, with models as clusters of seeds, and numbers of samples are totals. Where the data are fixed,
    both samples and draws vary: its standard error is that of a mean over rows and columns (`estimates.of_draws`).

    Args:
        labels: Swept key → value as written, without those of `REPLICATES`.
        records: The runs, at least two, in the order of their seeds.
    """

    def __init__(self, labels: Mapping[str, str], records: Sequence[Record]) -> None:
        self.labels, self.records = labels, tuple(records)

    @property
    def seeds(self) -> tuple[str, ...]:
        """The seeds as written."""
        return tuple(dict.fromkeys(str(record.environment["seed"]) for record in self.records))

    @property
    def members(self) -> tuple[str, ...]:
        """Which model each run is of."""
        return tuple(record.labels.get(MEMBER, "") for record in self.records)

    @property
    def models(self) -> frozenset[str]:
        return frozenset().union(*(record.models for record in self.records))

    @cached_property
    def _data(self) -> frozenset[str]:
        """Fingerprints of the data that the runs are of."""
        return frozenset(str(record.environment["data"]["fingerprint"]) for record in self.records)

    @cached_property
    def same_samples(self) -> bool:
        """Whether the data are fixed: every seed has the same samples, of the same data.

        Where means are taken over classes, the names are the same whatever was drawn.
        """
        if len(self._data) > 1:
            return False
        first, *others = (record.samples["sample_id"] for record in self.records)
        return all(np.array_equal(first, other) for other in others)

    @property
    def brackets(self) -> str:
        runs = "models" if len(set(self.members)) > 1 else "seeds"
        if self.same_samples:
            return f"95 % interval over samples and {runs}"
        parts = "a part of the same samples" if len(self._data) == 1 else "its own samples"  # halves of one file, say
        return f"95 % Student interval over {runs}, each with {parts}"

    @cached_property
    def error(self) -> str | None:
        return next((f"{_replicate(r)}: {r.error}" for r in self.records if r.error is not None), None)

    @cached_property
    def measures(self) -> Measures:
        return declared_by(self.records)

    @cached_property
    def metrics(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in self.records[0].metrics if self.complete else ():
            if name.endswith(INTERVAL):
                continue
            join = self.measures.of(name).join
            values = [record.metrics.get(name) for record in self.records]
            found[name] = None if any(value is None for value in values) else self._joined(join, values)
            if name in self.samples and (name in self.records[0].samples or len(set(values)) > 1):
                ends = self.interval(self.samples[name], self.bounds(self.measures.of(name).unit))
                found[f"{name}_ci_low"], found[f"{name}_ci_high"] = ends
        return found

    def _joined(self, join: Join, values: Sequence[Any]) -> Any:
        if join is Join.TOTAL:
            seeds = [str(record.environment["seed"]) for record in self.records]
            of_seed = dict(zip(seeds, values, strict=True))  # several models of a seed have the same samples
            return values[0] if self.same_samples else sum(of_seed.values())
        if join is Join.LARGEST:
            return max(values)
        return values[0] if len(set(values)) == 1 else sum(values) / len(values)

    @cached_property
    def samples(self) -> dict[str, np.ndarray]:
        """Each measure that all runs have: one value per run, or (runs, samples) where the data are fixed.

        Where runs have their own samples, a mean over something else (concepts, say) has a value per run, too.
        """
        shared = set.intersection(*(set(record.samples) for record in self.records)) - {"sample_id", CLUSTER}
        stacked = {name: [record.samples[name] for record in self.records] for name in sorted(shared)}
        if self.same_samples:
            return {
                "sample_id": self.records[0].samples["sample_id"],
                **{name: np.stack(values) for name, values in stacked.items()},
            }
        means = {name: np.array([one.mean() for one in values]) for name, values in stacked.items()}
        for name in self.records[0].metrics.keys() - means.keys():
            values = [record.metrics.get(name) for record in self.records]
            numbers = all(isinstance(value, int | float) for value in values)
            if numbers and not name.endswith(INTERVAL) and self.measures.of(name).join is Join.MEAN:
                means[name] = np.array(values, dtype=float)
        return {"sample_id": np.array([_replicate(record) for record in self.records]), **means}

    def setting(self, key: str) -> str | None:
        return self.records[0].setting(key) if key not in REPLICATES else None

    def has_table(self, name: str) -> bool:
        return all(record.has_table(name) for record in self.records)

    def table(self, name: str) -> pd.DataFrame:
        return pd.concat([record.table(name) for record in self.records])

    @cached_property
    def environment(self) -> dict[str, Any]:
        first = self.records[0].environment
        models = dict.fromkeys(str(record.environment["backbone"]["fingerprint"]) for record in self.records)
        backbone = {**first["backbone"], "fingerprint": ", ".join(models)}
        return {**first, "seed": ", ".join(self.seeds), "backbone": backbone}

    def estimate(self, values: np.ndarray) -> Estimate:
        if values.ndim == 2:
            return of_draws(values)
        return of_clusters(values, np.array(self.members)) if len(values) == len(self.records) else of_values(values)


def _replicate(record: Record) -> str:
    """Name a run among those of its point."""
    return ", ".join(f"{key.rpartition('.')[2]} {record.labels[key]}" for key in REPLICATES if key in record.labels)


def over_replicates(records: Sequence[Record]) -> list[Row]:
    """Return one row for the records that differ in seed or model only; a point with one run stays as it is."""
    groups: dict[tuple[tuple[str, str], ...], list[Record]] = {}
    for record in records:
        point = tuple((key, value) for key, value in record.labels.items() if key not in REPLICATES)
        groups.setdefault(point, []).append(record)
    if all(len(members) == 1 for members in groups.values()):
        return list(records)
    return [
        Repeated(dict(point), members)
        if len(members) > 1
        else Record(dict(point), members[0].directory, members[0].choices)
        for point, members in groups.items()
    ]
