"""What every evaluation answers: it looks at a study, and returns what it has found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from splice_exp.core.errors import require_integer
from splice_exp.core.measures import Join, Measure, Measures, Unit
from splice_exp.core.statistics.estimates import of_clusters, within
from splice_exp.core.statistics.intervals import mean_intervals, worst_interval
from splice_exp.data.base import DataSource
from splice_exp.decomposition.splice import Decomposition
from splice_exp.decomposition.study import Study

Metric = float | int | None

NUM_SAMPLES = Measure("data/num_samples", "n", Unit.COUNT, join=Join.TOTAL)
L0 = Measure("l0/mean", "L0", Unit.AVERAGE)
COSINES = (
    Measure("cosine/plain", "cosine", Unit.COSINE, True),
    Measure("cosine/centred", "centred cosine", Unit.COSINE, True),
    Measure("cosine/mean_only", "cosine of the mean baseline", Unit.COSINE),
)
# Solvers stop at these tolerances: what lies below is rounding, and another on another processor.
KKT = Measure("solver/kkt_max", "KKT violation", Unit.BOUND, False, Join.LARGEST, floor=1e-5)
CERTIFICATES = (Measure("solver/gap_max", "duality gap", Unit.BOUND, False, Join.LARGEST, floor=1e-6), KKT)


@dataclass(frozen=True, eq=False)
class Findings:
    """What was measured.

    Attributes:
        metrics: Flat, slash-separated names; None where a measure needs what the data do not have.
        sample_ids: Whatever means are taken over: samples, pairs, classes.
        samples: Measures of every single one, by name, each (n,).
        tables: Whatever else is worth keeping, by name.
        clusters: To which each belongs, where they depend on each other: the head of a vector.
    """

    metrics: Mapping[str, Metric]
    sample_ids: Sequence[str]
    samples: Mapping[str, np.ndarray]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    clusters: Sequence[str] | None = None


def fit_of_samples(study: Study) -> dict[str, np.ndarray]:
    """Return how sparse each code is and how near its reconstruction: L0 and `COSINES`, each (n,)."""
    decomposition = study.decomposition
    found = decomposition.cosines(study.embeddings.features, study.image_mean)
    return {
        "l0/mean": decomposition.codes.l0().double().numpy(),
        **{f"cosine/{name}": values.numpy() for name, values in found.items()},
    }


def certificates(decomposition: Decomposition) -> dict[str, Metric]:
    """Return how good the worst row of a solution is: gap and KKT violation in float64, on the full dictionary."""
    solution = decomposition.solution
    return {"solver/gap_max": float(solution.duality_gap.max()), "solver/kkt_max": float(solution.kkt_violation.max())}


class Evaluation(ABC):
    """Asks one question of a study.

    Args:
        bootstrap_resamples: For the 95 % intervals.
        seed: Of everything that is sampled.

    Attributes:
        measures: Declarations of all metrics that it may return; it returns no other.
    """

    measures: ClassVar[tuple[Measure, ...]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check what `evaluate` returns against `measures`."""
        super().__init_subclass__(**kwargs)
        if "evaluate" not in vars(cls):
            return
        evaluate = cls.evaluate

        @wraps(evaluate)
        def checked(self: Evaluation, study: Study) -> Findings:
            found = evaluate(self, study)
            Measures(self.measures).require([*found.metrics, *found.samples])
            return found

        cls.evaluate = checked  # type: ignore[method-assign]

    def __init__(self, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        require_integer("bootstrap_resamples", bootstrap_resamples, 1)
        require_integer("seed", seed, 0)
        self._resamples, self._seed = bootstrap_resamples, seed

    def _summarised(
        self, samples: Mapping[str, np.ndarray], clusters: Sequence[str] | None = None
    ) -> dict[str, Metric]:
        """Return the mean of every measure with its 95 % interval, as `name`, `name_ci_low`, `name_ci_high`.

        Args:
            samples: Each (n,).
            clusters: To which each belongs, if values depend on each other within one.
        """
        declared = Measures(self.measures)
        ends = self._ends(samples) if clusters is None else {}
        metrics: dict[str, Metric] = {}
        for name, values in samples.items():
            bounds = declared.of(name).unit.bounds
            if clusters is None:
                low, high = within(ends[name], bounds)
            else:
                low, high = of_clusters(values, np.array(clusters)).interval(bounds)
            metrics[name], metrics[f"{name}_ci_low"], metrics[f"{name}_ci_high"] = float(values.mean()), low, high
        return metrics

    def _ends(self, samples: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
        """Return the ends of the intervals of all measures; those of as many values are drawn together."""
        alike: dict[tuple[int, np.dtype], list[str]] = {}
        for name, values in samples.items():
            alike.setdefault((len(values), values.dtype), []).append(name)
        return {
            name: ends
            for names in alike.values()
            for name, ends in zip(
                names,
                mean_intervals(np.stack([samples[name] for name in names]), self._resamples, self._seed),
                strict=True,
            )
        }

    def _of_worst(self, name: str, values: np.ndarray, groups: np.ndarray) -> dict[str, Metric]:
        """Return the interval of the mean of the worst group: which it is, depends on the samples, too.

        Args:
            name: Of the measure.
            values: Of all samples, (n,).
            groups: To which each belongs, (n,).
        """
        low, high = worst_interval(values, groups, self._resamples, self._seed)
        return {f"{name}_ci_low": low, f"{name}_ci_high": high}

    def _permutation(self, n: int) -> np.ndarray:
        """Return the order of the samples against which a null is judged."""
        return np.random.default_rng(self._seed).permutation(n)

    def require(self, data: DataSource) -> None:
        """Refuse data that lack what is asked for by name, before anything is computed.

        Raises:
            SpliceError: naming the key and what is lacking.
        """
        return

    @abstractmethod
    def evaluate(self, study: Study) -> Findings:
        """Measure everything that the data allow.

        Returns:
            Measures of the whole and of every sample, and tables; a measure that needs what the data do not have is
            None.

        Raises:
            SpliceError: if the data do not allow the question.
        """
