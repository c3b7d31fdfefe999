"""What a run says of the stability of its codes: exchanges that cost next to nothing, near-duplicates, frequencies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd

from splice_exp.core.errors import SpliceError, require_at_least, require_integer
from splice_exp.core.measures import Measure, Unit
from splice_exp.core.types import Embeddings
from splice_exp.decomposition.splice import Decomposition
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.geometry import center
from splice_exp.evaluation.measures.stability import interchangeable, near_duplicates, selection_frequency
from splice_exp.solvers.base import LassoSolver, Solver

MEASURES = (
    Measure("stability/interchangeable_share", "interchangeable", Unit.SHARE, optional=True),
    Measure("stability/dispensable_share", "dispensable", Unit.SHARE, optional=True),
    Measure("stability/num_near_duplicates", "near-duplicates", Unit.COUNT, optional=True),
    Measure("stability/frequency_mean", "selection frequency", Unit.SHARE, optional=True),
)


@dataclass(frozen=True)
class Stability:
    """What was found.

    Attributes:
        metrics: Flat, slash-separated names.
        tables: In a folder `stability`: `exchanges` (sample_id, row, concept, other, code, cost), `near_duplicates`
            (group, concept) and, on request, `selection` (sample_id, row, concept, frequency).
    """

    metrics: Mapping[str, float | int] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


class StabilityReport(ABC):
    """Asks what of a decomposition could as well be otherwise.

    Attributes:
        measures: Declarations of all metrics that it may report.
    """

    measures: ClassVar[tuple[Measure, ...]] = ()

    @abstractmethod
    def require(self, solver: Solver) -> None:
        """Refuse a solver whose codes cannot be asked; called before any work.

        Raises:
            SpliceError: naming it, and what is allowed.
        """

    @abstractmethod
    def report(self, study: Study) -> Stability:
        """Look at the codes of a study.

        Returns:
            Measures and tables; empty where nothing is asked.
        """


class NoStability(StabilityReport):
    """Does not ask."""

    def require(self, solver: Solver) -> None:
        """Take any."""

    def report(self, study: Study) -> Stability:
        """Find nothing."""
        return Stability()


class LassoStability(StabilityReport):
    """Looks for exchanges, near-duplicates and frequencies of selection; see `evaluation.stability`.

    Args:
        epsilon: An exchange is cheap if the objective rises by less; targets have unit norm.
        least_cosine: From which on two atoms are near-duplicates.
        resamples: Resamples of dimensions for the frequencies of selection; 0 leaves them out.
        seed: Of the resampling.
    """

    measures = MEASURES

    def __init__(self, epsilon: float = 1e-3, least_cosine: float = 0.9, resamples: int = 0, seed: int = 0) -> None:
        require_at_least("epsilon", epsilon, 0)
        require_at_least("least_cosine", least_cosine, 0)
        require_integer("resamples", resamples, 0)
        require_integer("seed", seed, 0)
        self._epsilon, self._least_cosine = epsilon, least_cosine
        self._resamples, self._seed = resamples, seed

    def require(self, solver: Solver) -> None:
        """Take solvers of the lasso: a cost is what an exchange does to their objective."""
        if not isinstance(solver, LassoSolver):
            raise SpliceError(
                f"stability=lasso needs a solver of the lasso, but solver is {type(solver).__name__}: "
                "set stability=none or, for example, solver=active_set."
            )

    def report(self, study: Study) -> Stability:
        """Look at every code of every row."""
        return self.look(study.decomposition, study.embeddings, study.solver)

    def look(self, decomposition: Decomposition, embeddings: Embeddings, solver: Solver) -> Stability:
        """Look at the codes of some embeddings that a solver has found.

        Args:
            decomposition: Of these embeddings.
            embeddings: n samples.
            solver: The lasso solver that found the codes.

        Returns:
            Shares of codes that others could replace, or that could be left out, and tables of them.
        """
        assert isinstance(solver, LassoSolver)
        codes, dictionary = decomposition.codes, decomposition.dictionary
        targets, _ = center(embeddings.features, decomposition.image_mean)
        chosen = decomposition.solution.l1_penalty
        l1_penalty = solver.l1_penalty if chosen is None else chosen
        exchanges = interchangeable(codes, targets, dictionary, l1_penalty, self._epsilon)
        groups = near_duplicates(dictionary, self._least_cosine)
        one_for_one = exchanges[exchanges["other"] != ""]
        total = max(1, len(codes.values))
        metrics: dict[str, float | int] = {
            "stability/interchangeable_share": len(one_for_one[["row", "concept"]].drop_duplicates()) / total,
            "stability/dispensable_share": int((exchanges["other"] == "").sum()) / total,
            "stability/num_near_duplicates": sum(map(len, groups)),
        }
        tables = {
            "exchanges": exchanges,
            "near_duplicates": pd.DataFrame(
                [(number, concept) for number, group in enumerate(groups) for concept in group],
                columns=["group", "concept"],
            ),
        }
        if self._resamples:
            frequency = selection_frequency(solver, targets, dictionary.atoms, self._resamples, self._seed)
            names = [dictionary.concepts[index] for index in frequency.indices.tolist()]
            tables["selection"] = pd.DataFrame(
                {"row": frequency.rows.numpy(), "concept": names, "frequency": frequency.values.numpy()}
            )
            found = {*zip(codes.rows.tolist(), codes.indices.tolist(), strict=True)}
            own = [pair in found for pair in zip(frequency.rows.tolist(), frequency.indices.tolist(), strict=True)]
            metrics["stability/frequency_mean"] = float(frequency.values.numpy()[own].sum()) / total
        for name in {"exchanges", "selection"} & tables.keys():
            tables[name].insert(0, "sample_id", [embeddings.sample_ids[row] for row in tables[name]["row"]])
        return Stability(metrics, {f"stability/{name}": table for name, table in tables.items()})
