"""Does a CLIP rely less on the background when its heads do not write about backgrounds any more?

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 5.1. Sagawa et al. Distributionally robust neural networks for group shifts. ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_integer, require_names
from splice_exp.core.measures import Measure, Unit
from splice_exp.data.base import DataSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import KKT, NUM_SAMPLES, Evaluation, Findings, Metric, summarised
from splice_exp.evaluation.sith.edits import (
    ABLATED,
    EDIT,
    STATES,
    ablated,
    before_and_after,
    heads_of,
    listed,
    plan_of,
    random_edit,
    worst_group,
    zero_shot,
)
from splice_exp.heads.editing import Plan, edited
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import Rule
from splice_exp.heads.selectors import Selector

MEASURES = (
    *before_and_after("edit/worst", "worst-group accuracy", Unit.SHARE, True, STATES | ABLATED),
    *before_and_after("edit/average", "accuracy", Unit.SHARE, True, STATES | ABLATED),
    *before_and_after("edit/side", "accuracy on control data", Unit.SHARE, True, STATES | ABLATED),
    *EDIT,
    Measure("edit/num_heads_ablated", "heads ablated", Unit.COUNT),
    KKT,
    NUM_SAMPLES,
)


class SithEditSpurious(Evaluation):
    """Zero-shot accuracy of four groups, class by background, before and after an edit of heads.

    `worst`, `average`: of the groups, or over all samples, each `_before`, `_after`, `_random` (edits of vectors
    drawn from all, with as much energy, several times) and `_ablated` (heads that are most about the concepts, as a
    whole).
    `side_before`, `side_after`, `side_random`, `side_ablated`: accuracy on other data, which an edit should spare.

    Args:
        reading: Which heads, and how.
        selector: Scores their vectors.
        rule: Turns scores into factors.
        side: Other data with classes, for side effects.
        attribute: The background among `data.attributes`.
        texts: One a class; None: the templates of the backbone with the names of the classes.
        constants: Whether what heads write whatever they read is `edited`, too, or `kept`.
        random_edits: Random edits.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of random edits and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        reading: Reading,
        selector: Selector,
        rule: Rule,
        side: DataSource,
        attribute: str,
        texts: Sequence[str] | None = None,
        constants: str = "edited",
        random_edits: int = 5,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_integer("evaluation.random_edits", random_edits, 1)
        if texts is not None:
            require_names("evaluation.texts", texts)
        if reading.tower != "image":
            raise SpliceError(
                "evaluation=sith_edit_spurious edits what pictures become, and ablates heads on pictures: set "
                "evaluation.reading.tower=image."
            )
        self._reading, self._selector, self._rule, self._constants = reading, selector, rule, constants
        self._side, self._attribute, self._texts, self._random_edits = side, attribute, texts, random_edits

    def evaluate(self, study: Study) -> Findings:
        """Edit, and judge the groups.

        Raises:
            SpliceError: if the attribute is not there, a group is empty, or texts do not fit the classes.
        """
        backbone = study.backbone
        groups = self._groups(study)
        labels = np.asarray(study.embeddings.labels)
        classes = study.embeddings.classes
        texts = backbone.encode_classes(classes) if self._texts is None else backbone.encode_text(self._texts)
        if len(texts) != len(classes):
            raise SpliceError(f"evaluation.texts has {len(texts)} texts, but there are the classes {list(classes)}.")
        planned = plan_of(study, self._reading, self._selector, self._rule)
        other, report = edited(backbone, planned.spectra, planned.factors, self._constants)
        seeds = range(self._seed, self._seed + self._random_edits)
        models = {
            "before": [backbone],
            "after": [other],
            "random": [random_edit(backbone, planned, self._constants, seed) for seed in seeds],
        }
        heads = heads_of(planned)
        features = {name: [study.by(one).embeddings.features for one in those] for name, those in models.items()}
        features["ablated"] = [ablated(study, planned, heads) if heads else study.embeddings.features]
        samples: dict[str, np.ndarray] = {}
        for name, those in features.items():
            rights = [(zero_shot(rows, texts) == labels).astype(float) for rows in those]
            samples[f"edit/worst_{name}"] = np.mean([worst_group(right, groups) for right in rights], axis=0)
            samples[f"edit/average_{name}"] = np.mean(rights, axis=0)
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **summarised(self._side_effects(study, models, planned, heads), self._resamples, self._seed),
            "edit/num_edited": report.num_edited,
            "edit/num_vectors": report.num_vectors,
            "edit/num_heads_ablated": len(heads),
            "edit/energy": report.energy,
            "solver/kkt_max": float(planned.explanations.solution.kkt_violation.max()),
            "data/num_samples": len(labels),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples, {"edited": listed(planned)})

    def _groups(self, study: Study) -> np.ndarray:
        attribute = study.attributes.get(self._attribute)
        if attribute is None or study.embeddings.labels is None:
            raise SpliceError(
                f"evaluation.attribute is {self._attribute!r}, but {study.data.name} knows {sorted(study.attributes)} "
                "of its samples: take data=scenes_spurious, or data=waterbirds."
            )
        groups = np.asarray(study.embeddings.labels * len(attribute.values) + attribute.labels)
        count = len(study.embeddings.classes) * len(attribute.values)
        if np.bincount(groups, minlength=count).min() == 0:
            raise SpliceError(f"{study.data.name} has a group without samples: take more of them.")
        return groups

    def _side_effects(
        self, study: Study, models: Mapping[str, Sequence[Backbone]], planned: Plan, heads: list[tuple[int, int]]
    ) -> dict[str, np.ndarray]:
        """Return whether other samples are classified rightly."""
        side = study.of(self._side)
        texts = study.backbone.encode_classes(side.embeddings.classes)
        labels = np.asarray(side.embeddings.labels)
        found = {name: [side.by(one).embeddings.features for one in those] for name, those in models.items()}
        found["ablated"] = [ablated(side, planned, heads) if heads else side.embeddings.features]
        return {
            f"edit/side_{name}": np.mean([zero_shot(rows, texts) == labels for rows in those], axis=0)
            for name, those in found.items()
        }
