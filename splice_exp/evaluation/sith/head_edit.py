"""What all edits of heads share: the plan, the models before, after and at random, and what is measured of each.

reading, selector, rule → plan → before, after, random → values of each sample → metrics
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from splice_exp.core.errors import require_integer
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import Evaluation, Metric
from splice_exp.evaluation.sith.edits import listed, random_edit
from splice_exp.evaluation.sith.head_activations import read_heads
from splice_exp.heads.edit import EditReport
from splice_exp.heads.editing import Plan, edited, plan
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import Rule
from splice_exp.heads.selectors import Selector
from splice_exp.solvers.base import Solver

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class EditedStudies:
    """The same samples, seen by a model before and after an edit of its heads.

    Attributes:
        plan: What the edit does.
        report: What it has done.
        studies: `before`, `after` and `random`: energy-matched random edits.
    """

    plan: Plan
    report: EditReport
    studies: Mapping[str, Sequence[Study]]

    @property
    def metrics(self) -> dict[str, Metric]:
        """How much is edited."""
        return {
            "edit/num_edited": self.report.num_edited,
            "edit/num_vectors": self.report.num_vectors,
            "edit/energy": self.report.energy,
        }

    @property
    def certificate(self) -> dict[str, Metric]:
        """How good the worst code of the plan is."""
        return {"solver/kkt_max": float(self.plan.explanations.solution.kkt_violation.max())}

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The vectors of the highest scores."""
        return {"edited": listed(self.plan)}


def averaged(
    models: Mapping[str, Sequence[T]], measure: Callable[[T], Mapping[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Return the mean of each measure over the models of each name, as `measure_name`.

    Args:
        models: What is measured: by name, one or more.
        measure: Returns measures and their values, (n,).

    Example:
        >>> averaged({"before": [1], "random": [2, 4]}, lambda one: {"twice": np.array([2.0 * one])})
        {'twice_before': array([2.]), 'twice_random': array([6.])}
    """
    samples: dict[str, np.ndarray] = {}
    for name, those in models.items():
        measured = [measure(one) for one in those]
        samples |= {f"{key}_{name}": np.mean([values[key] for values in measured], axis=0) for key in measured[0]}
    return samples


@dataclass(eq=False)
class HeadEdit(Evaluation):
    """Compares a model with the same one after an edit of its heads, and after energy-matched random edits.

    Args:
        reading: Which heads, and how.
        rule: Turns the scores of their vectors into factors.
        constants: Whether what heads write whatever they read is `edited`, too, or `kept`.
        random_edits: Number of energy-matched random edits.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of random edits and the bootstrap.
    """

    reading: Reading
    rule: Rule
    _: KW_ONLY
    constants: str = "edited"
    random_edits: int = 5
    bootstrap_resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        super().__init__(self.bootstrap_resamples, self.seed)
        require_integer("random_edits", self.random_edits, 1)
        self.reading.require_all()

    @property
    def _seeds(self) -> range:
        """Of the random edits."""
        return range(self.seed, self.seed + self.random_edits)

    def _edit(self, study: Study, selector: Selector, explainer: Solver | None = None) -> EditedStudies:
        """Plan an edit, and do it.

        Args:
            study: Of the model as it is.
            selector: Scores vectors.
            explainer: Finds their codes; None: the solver of the study.
        """
        planned = plan(read_heads(study, self.reading, explainer), selector, self.rule)
        after, report = edited(study.backbone, planned.spectra, planned.factors, self.constants)
        drawn = [random_edit(study.backbone, planned, self.constants, seed) for seed in self._seeds]
        studies = {
            "before": [study],
            "after": [study.with_backbone(after)],
            "random": [study.with_backbone(backbone) for backbone in drawn],
        }
        return EditedStudies(planned, report, studies)
