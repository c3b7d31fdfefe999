"""When heads no longer write about colours, do codes stop responding to a change of colour, and only to that?

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 5. Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE).
    NeurIPS 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.core.measures import Unit
from splice_exp.core.statistics.intervals import of_group
from splice_exp.data.base import DataSource
from splice_exp.data.counterfactuals.pairs import Change, CounterfactualPairs
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Findings, Metric, certificates
from splice_exp.evaluation.measures.meanings import named_meanings
from splice_exp.evaluation.measures.responses import Expected, expected, respond
from splice_exp.evaluation.sith.edits import EDIT, before_and_after
from splice_exp.evaluation.sith.head_edit import HeadEdit, averaged
from splice_exp.heads.selectors import Selector
from splice_exp.solvers.base import Solver

MEASURES = (
    *before_and_after("edit_counterfactuals/target", "right direction, edited kind", Unit.SHARE, False),
    *before_and_after("edit_counterfactuals/others", "right direction, other kinds", Unit.SHARE, True),
    *before_and_after("edit_counterfactuals/selective_target", "selectivity, edited kind", Unit.SHARE, False),
    *before_and_after("edit_counterfactuals/selective_others", "selectivity, other kinds", Unit.SHARE, True),
    *EDIT,
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


@dataclass(eq=False)
class SithEditCounterfactuals(HeadEdit):
    """Responses of codes to one change in an image, before and after an edit, to changes of its kind and to others.

    `target`, `others`: how often the codes of what comes rise and of what goes fall, a half without a response, where
    the kind that the edit is about is changed, and where another one is; `selective_`: the share of the change of codes
    that is of what was changed. Each `_before`, `_after` and `_random` (energy-matched edits of vectors drawn
    from all, several times). Each model is decomposed as it would be on its own, with its own image mean.

    Args:
        explainer: Finds the codes of vectors; codes of images come from the solver of the run.
        selector: Scores vectors.
        kind: Of the changes that the edit is about, one of those of the data.
    """

    measures = MEASURES

    explainer: Solver
    selector: Selector
    kind: str
    random_edits: int = field(default=3, kw_only=True)

    def require(self, data: DataSource) -> None:
        if not isinstance(data, CounterfactualPairs):
            raise SpliceError(
                "evaluation=sith_edit_counterfactuals needs pairs of images that differ in one thing, but "
                f"{data.name} has none: set data=scenes_counterfactuals."
            )
        kinds = tuple(dict.fromkeys(one.kind for one in data.changes()))
        require_choice("kind", self.kind, kinds, of=self)
        if len(kinds) < 2:
            raise SpliceError(f"evaluation=sith_edit_counterfactuals needs changes of another kind than {self.kind}.")

    def evaluate(self, study: Study) -> Findings:
        """Edit, and compare the responses.

        Raises:
            SpliceError: if the data are no pairs, or have no changes of the kind, or of no other one.
        """
        self.require(study.data)
        assert isinstance(study.data, CounterfactualPairs)
        pairs, truth = study.data.changes_among(study.places), study.truth
        if truth is None:
            raise SpliceError(f"evaluation=sith_edit_counterfactuals needs a ground truth, not {study.data.name}.")
        before, after = ([getattr(one, side) for one in pairs] for side in ("before", "after"))
        asked = expected(named_meanings(study.dictionary.concepts, truth), truth, before, after)
        edit = self._edit(study, self.selector, self.explainer)
        samples = averaged(
            edit.studies, lambda one: self._responses(one.decomposition.codes, before, after, asked, pairs)
        )
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(study.decomposition),
            **edit.metrics,
            "l0/mean": float(study.decomposition.codes.l0().double().mean()),
            "data/num_samples": len(pairs),
        }
        names = study.embeddings.sample_ids
        ids = [f"{names[one]} {names[other]}" for one, other in zip(before, after, strict=True)]
        return Findings(metrics, ids, samples, edit.tables)

    def _responses(
        self, codes: Codes, before: Sequence[int], after: Sequence[int], asked: Expected, pairs: Sequence[Change]
    ) -> dict[str, np.ndarray]:
        first, second = (codes.select(torch.tensor(side)) for side in (before, after))
        found = respond(first, second, asked)
        target = np.array([one.kind == self.kind for one in pairs])
        return {
            f"edit_counterfactuals/{prefix}{part}": of_group(found[name], members)
            for prefix, name in (("", "direction"), ("selective_", "selectivity"))
            for part, members in (("target", target), ("others", ~target))
        }
