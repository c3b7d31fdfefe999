"""Are pictures classified better when heads write more of what the classes are made of, and less of all else?

    Γ = the concepts of the codes of the class texts        m_j = rule(R(v_j)),  R by the likeness with Γ

No picture and no label is used: class names say what is relevant.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 5.3.
"""

from __future__ import annotations

import numpy as np

from splice_exp.core.errors import SpliceError, require_bool, require_integer
from splice_exp.core.measures import Measure, Unit
from splice_exp.core.names import canonical
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.geometry import center
from splice_exp.evaluation.base import KKT, NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.sith.edits import EDIT, before_and_after, listed, plan_of, random_edit, zero_shot
from splice_exp.heads.editing import edited
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import Rule
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


class SithEditClassification(Evaluation):
    """Zero-shot accuracy before and after heads are scaled by relevance to the classes, and after random edits.

    Args:
        reading: Which heads, and how.
        rule: Turns relevance into factors.
        class_concepts: Concepts of each class text, at most.
        named: Whether concepts may be names of classes themselves.
        constants: Whether what heads write whatever they read is `edited`, too, or `kept`.
        random_edits: Random edits of as much energy.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of random edits and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        reading: Reading,
        rule: Rule,
        class_concepts: int = 10,
        named: bool = False,
        constants: str = "edited",
        random_edits: int = 5,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_integer("evaluation.class_concepts", class_concepts, 1)
        require_integer("evaluation.random_edits", random_edits, 1)
        require_bool("evaluation.named", named)
        self._reading, self._rule, self._constants = reading, rule, constants
        self._class_concepts, self._named, self._random_edits = class_concepts, named, random_edits

    def evaluate(self, study: Study) -> Findings:
        """Edit, and classify.

        Raises:
            SpliceError: if data have no classes.
        """
        labels, classes, backbone = study.embeddings.labels, study.embeddings.classes, study.backbone
        if labels is None or len(classes) < 2:
            raise SpliceError(f"evaluation=sith_edit_classification needs classes, which {study.data.name} has not.")
        task = self._task(study)
        planned = plan_of(study, self._reading, ByCodes(task), self._rule)
        other, report = edited(backbone, planned.spectra, planned.factors, self._constants)
        truth = np.asarray(labels)
        seeds = range(self._seed, self._seed + self._random_edits)
        models = {
            "before": [backbone],
            "after": [other],
            "random": [random_edit(backbone, planned, self._constants, seed) for seed in seeds],
        }
        samples = {}
        for name, those in models.items():
            rights = [
                zero_shot(study.by(one).embeddings.features, one.encode_classes(classes)) == truth for one in those
            ]
            samples[f"edit/accuracy_{name}"] = np.mean(rights, axis=0)
        factors = planned.factors
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            "edit/num_edited": report.num_edited,
            "edit/num_vectors": report.num_vectors,
            "edit/num_task_concepts": len(task),
            "edit/energy": report.energy,
            "edit/amplified": float((factors > 1).double().mean()),
            "solver/kkt_max": float(planned.explanations.solution.kkt_violation.max()),
            "data/num_samples": len(truth),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples, {"edited": listed(planned)})

    def _task(self, study: Study) -> list[str]:
        """Return the concepts of the codes of the class texts."""
        dictionary, classes = study.dictionary, study.embeddings.classes
        texts = study.backbone.encode_classes(classes)
        targets, _ = center(texts, dictionary.mean)
        names = {canonical(name) for name in classes}
        allowed = [row for row, name in enumerate(dictionary.concepts) if self._named or canonical(name) not in names]
        solver = COMP(target_l0=self._class_concepts)
        codes = solver.solve(solver.prepare(dictionary.atoms[allowed]), targets).codes
        return [dictionary.concepts[allowed[column]] for column in sorted(set(codes.indices.tolist()))]
