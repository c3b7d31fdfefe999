"""What does an edit of heads do to what SpLiCE says of images? The sum of the two systems.

An image tower whose heads do not write about scenes any more should leave codes without scenes, and all else as it was.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 5. Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE).
    NeurIPS 2024.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.core.measures import Unit
from splice_exp.core.truth import GroundTruth
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Findings, Metric, certificates
from splice_exp.evaluation.measures.kinds import by_kind
from splice_exp.evaluation.measures.recovery import supports_of
from splice_exp.evaluation.sith.edits import EDIT, before_and_after
from splice_exp.evaluation.sith.head_edit import HeadEdit, averaged
from splice_exp.heads.selectors import Selector
from splice_exp.solvers.base import Solver

MEASURES = (
    *before_and_after("edit/told_target", "target concepts reported", Unit.SHARE, False),
    *before_and_after("edit/told_others", "other concepts reported", Unit.SHARE, True),
    *before_and_after("codes/target", "code of the target", Unit.CODE, False),
    *before_and_after("codes/others", "code of the others", Unit.CODE, None),
    *EDIT,
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


@dataclass(eq=False)
class SithEditCodes(HeadEdit):
    """Codes of images before and after an edit, by the kind of concepts that it is about and by all others.

    `told_target`, `told_others`: share of the true concepts of the kind, and of the other kinds, that codes name;
    `codes/target`, `codes/others`: sums of the codes of the kind, and of the others; each `_before`, `_after` and
    `_random` (energy-matched edits of vectors sampled from all, several times). Each model is decomposed as it
    would be on its own, with its own image mean.

    Args:
        explainer: Finds the codes of vectors; codes of images come from the solver of the run.
        selector: Scores vectors.
        kind: Of the concepts that the edit is about, one of those that the data know.
    """

    measures = MEASURES

    explainer: Solver
    selector: Selector
    kind: str
    random_edits: int = field(default=3, kw_only=True)

    def evaluate(self, study: Study) -> Findings:
        """Edit, and decompose.

        Raises:
            SpliceError: if nothing is known of what is in the images, or there is no such kind.
        """
        truth = study.truth
        if truth is None:
            raise SpliceError(f"evaluation=sith_edit_codes needs a ground truth, which {study.data.name} lacks.")
        require_choice("kind", self.kind, truth.kinds, of=self)
        edit = self._edit(study, self.selector, self.explainer)
        samples = averaged(edit.studies, lambda one: self._said(one.decomposition.codes, truth))
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(study.decomposition),
            **edit.metrics,
            "l0/mean": float(study.decomposition.codes.l0().double().mean()),
            "data/num_samples": len(truth),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples, edit.tables)

    def _said(self, codes: Codes, truth: GroundTruth) -> dict[str, np.ndarray]:
        """Return what codes say of the kind, and of the others, of each image."""
        own = truth.kinds.index(self.kind)
        sums = by_kind(codes, codes.concepts, truth)
        named = [truth.named(concept) for concept in codes.concepts]
        told = np.zeros((len(truth), 2))
        for sample, support in enumerate(supports_of(codes)):
            found = frozenset().union(*(named[concept] for concept in support))
            target = {concept for concept in truth.nameable(sample) if truth.kind_of[concept] == self.kind}
            for column, true in enumerate((target, truth.nameable(sample) - target)):
                told[sample, column] = len(found & true) / max(len(true), 1)
        return {
            "edit/told_target": told[:, 0],
            "edit/told_others": told[:, 1],
            "codes/target": sums[:, own],
            "codes/others": sums.sum(axis=1) - sums[:, own],
        }
