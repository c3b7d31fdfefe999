"""Are images classified better when heads write more of what the classes are made of, and less of everything else?

    Γ = the concepts of the codes of the class texts        m_j = rule(R(v_j)),  R by the similarity with Γ

No image and no label is used: class names say what is relevant.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 5.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splice_exp.core.errors import SpliceError, require_bool, require_integer
from splice_exp.core.measures import Measure, Unit
from splice_exp.core.names import canonical
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.geometry import center
from splice_exp.evaluation.base import KKT, NUM_SAMPLES, Findings, Metric
from splice_exp.evaluation.sith.edits import EDIT, before_and_after, zero_shot
from splice_exp.evaluation.sith.head_edit import HeadEdit, averaged
from splice_exp.heads.selectors import ByCodes
from splice_exp.solvers.comp import COMP

MEASURES = (
    *before_and_after("edit/accuracy", "accuracy", Unit.SHARE, True),
    *EDIT,
    Measure("edit/amplified", "vectors amplified", Unit.SHARE),
    Measure("edit/num_task_concepts", "task concepts", Unit.COUNT),
    KKT,
    NUM_SAMPLES,
)


@dataclass(eq=False)
class SithEditClassification(HeadEdit):
    """Zero-shot accuracy before and after heads are scaled by relevance to the classes, and after random edits.

    Args:
        class_concepts: Concepts of each class text, at most.
        named: Whether concepts may be names of classes themselves.
    """

    measures = MEASURES

    class_concepts: int = 10
    named: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("class_concepts", self.class_concepts, 1)
        require_bool("named", self.named)

    def evaluate(self, study: Study) -> Findings:
        """Edit, and classify.

        Raises:
            SpliceError: if data have no classes.
        """
        labels, classes = study.embeddings.labels, study.embeddings.classes
        if labels is None or len(classes) < 2:
            raise SpliceError(f"evaluation=sith_edit_classification needs classes, which {study.data.name} lacks.")
        task = self._task(study)
        edit = self._edit(study, ByCodes(task))
        truth = np.asarray(labels)
        samples = averaged(edit.studies, lambda one: {"edit/accuracy": self._answers(one) == truth})
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **edit.metrics,
            "edit/num_task_concepts": len(task),
            "edit/amplified": float((edit.plan.factors > 1).double().mean()),
            **edit.certificate,
            "data/num_samples": len(truth),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples, edit.tables)

    def _answers(self, study: Study) -> np.ndarray:
        """Return the class of each sample; the edited tower may be that of texts."""
        return zero_shot(study.embeddings.features, study.class_features)

    def _task(self, study: Study) -> list[str]:
        """Return the concepts of the codes of the class texts."""
        dictionary, classes = study.dictionary, study.embeddings.classes
        targets, _ = center(study.class_features, dictionary.mean)
        names = {canonical(name) for name in classes}
        allowed = [row for row, name in enumerate(dictionary.concepts) if self.named or canonical(name) not in names]
        solver = COMP(target_l0=self.class_concepts)
        codes = solver.solve(solver.prepare(dictionary.atoms[allowed]), targets).codes
        return [dictionary.concepts[allowed[column]] for column in sorted(set(codes.indices.tolist()))]
