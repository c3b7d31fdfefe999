"""What does an edit of heads do to what SpLiCE says of pictures? The sum of the two systems.

An image tower whose heads do not write about scenes any more should leave codes without scenes, and all else as it was.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 5. Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE).
    NeurIPS 2024.
"""

from __future__ import annotations

import numpy as np

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.measures import Unit
from splice_exp.core.truth import GroundTruth
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.measures.kinds import by_kind
from splice_exp.evaluation.measures.recovery import supports_of
from splice_exp.evaluation.sith.edits import EDIT, before_and_after, listed, plan_of, random_edit
from splice_exp.heads.editing import edited
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import Rule
from splice_exp.heads.selectors import Selector
from splice_exp.solvers.base import Solver

MEASURES = (
    *before_and_after("edit/told_target", "target concepts reported", Unit.SHARE, False),
    *before_and_after("edit/told_others", "other concepts reported", Unit.SHARE, True),
    *before_and_after("codes/target", "code of the target", Unit.NUMBER, False),
    *before_and_after("codes/others", "code of the others", Unit.NUMBER, None),
    *EDIT,
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class SithEditCodes(Evaluation):
    """Codes of pictures before and after an edit, by the kind of concepts that it is about and by all others.

    `told_target`, `told_others`: share of the true concepts of the kind, and of the other kinds, that codes name;
    `codes/target`, `codes/others`: sums of the codes of the kind, and of the others; each `_before`, `_after` and
    `_random` (edits of vectors drawn from all, with as much energy, several times). Each model is decomposed as it
    would be on its own, with its own image mean.

    Args:
        reading: Which heads, and how.
        explainer: Finds the codes of their vectors; codes of pictures come from the solver of the run.
        selector: Scores vectors.
        rule: Turns scores into factors.
        kind: Of the concepts that the edit is about, one of those that the data know.
        constants: Whether what heads write whatever they read is `edited`, too, or `kept`.
        random_edits: Random edits.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of random edits and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        reading: Reading,
        explainer: Solver,
        selector: Selector,
        rule: Rule,
        kind: str,
        constants: str = "edited",
        random_edits: int = 3,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_integer("evaluation.random_edits", random_edits, 1)
        self._reading, self._explainer, self._selector, self._rule = reading, explainer, selector, rule
        self._kind, self._constants, self._random_edits = kind, constants, random_edits

    def evaluate(self, study: Study) -> Findings:
        """Edit, and decompose.

        Raises:
            SpliceError: if nothing is known of what is in the pictures, or there is no such kind.
        """
        truth, backbone = study.truth, study.backbone
        if truth is None:
            raise SpliceError(f"evaluation=sith_edit_codes needs a ground truth, which {study.data.name} has not.")
        require_choice("evaluation.kind", self._kind, truth.kinds)
        planned = plan_of(study, self._reading, self._selector, self._rule, self._explainer)
        other, report = edited(backbone, planned.spectra, planned.factors, self._constants)
        draws = range(self._seed, self._seed + self._random_edits)
        models = {
            "before": [study],
            "after": [study.by(other)],
            "random": [study.by(random_edit(backbone, planned, self._constants, seed)) for seed in draws],
        }
        samples: dict[str, np.ndarray] = {}
        for name, studies in models.items():
            said = [self._said(one.decomposition.codes, truth) for one in studies]
            samples |= {f"{key}_{name}": np.mean([values[key] for values in said], axis=0) for key in said[0]}
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(study.decomposition),
            "edit/num_edited": report.num_edited,
            "edit/num_vectors": report.num_vectors,
            "edit/energy": report.energy,
            "l0/mean": float(study.decomposition.codes.l0().double().mean()),
            "data/num_samples": len(truth),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples, {"edited": listed(planned)})

    def _said(self, codes: Codes, truth: GroundTruth) -> dict[str, np.ndarray]:
        """Return what codes say of the kind, and of the others, of each picture."""
        own = truth.kinds.index(self._kind)
        sums = by_kind(codes, codes.concepts, truth)
        named = [truth.named(concept) for concept in codes.concepts]
        told = np.zeros((len(truth), 2))
        for sample, support in enumerate(supports_of(codes)):
            found = frozenset().union(*(named[concept] for concept in support))
            target = {concept for concept in truth.concepts(sample) if truth.kind_of[concept] == self._kind}
            for column, true in enumerate((target, truth.concepts(sample) - target)):
                told[sample, column] = len(found & true) / max(len(true), 1)
        return {
            "edit/told_target": told[:, 0],
            "edit/told_others": told[:, 1],
            "codes/target": sums[:, own],
            "codes/others": sums.sum(axis=1) - sums[:, own],
        }
