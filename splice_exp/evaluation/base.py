"""What every evaluation answers: it looks at a study, and returns what it has found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from splice_exp.decomposition.study import Study
from splice_exp.evaluation.intervals import mean_interval

Metric = float | int | None


@dataclass(frozen=True, eq=False)
class Findings:
    """What was measured.

    Attributes:
        metrics: Flat, slash-separated names; None where a measure needs what the data do not have.
        sample_ids: Whatever means are taken over: samples, pairs, classes.
        samples: Measures of every single one, by name, each (n,).
        tables: Whatever else is worth keeping, by name.
    """

    metrics: Mapping[str, Metric]
    sample_ids: Sequence[str]
    samples: Mapping[str, np.ndarray]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def summarised(samples: Mapping[str, np.ndarray], resamples: int, seed: int) -> dict[str, Metric]:
    """Return the mean of every measure with its 95 % bootstrap interval, as `name`, `name_ci_low`, `name_ci_high`."""
    metrics: dict[str, Metric] = {}
    for name, values in samples.items():
        metrics[name] = float(values.mean())
        metrics[f"{name}_ci_low"], metrics[f"{name}_ci_high"] = mean_interval(values, resamples, seed)
    return metrics


class Evaluation(ABC):
    """Asks one question of a study."""

    @abstractmethod
    def evaluate(self, study: Study) -> Findings:
        """Measure everything that the data allow.

        Raises:
            SpliceError: if the data do not allow the question.
        """
