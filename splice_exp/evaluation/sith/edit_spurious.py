"""Does a CLIP rely less on the background when its heads do not write about backgrounds any more?

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 5.1. Sagawa et al. Distributionally robust neural networks for group shifts. ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit
from splice_exp.data.base import DataSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import KKT, NUM_SAMPLES, Findings, Metric
from splice_exp.evaluation.sith.direct import DirectEffects
from splice_exp.evaluation.sith.edits import (
    DIRECT,
    EDIT,
    STATES,
    before_and_after,
    drawn_factors,
    heads_of,
    worst_group,
    zero_shot,
)
from splice_exp.evaluation.sith.head_edit import EditedStudies, HeadEdit, averaged
from splice_exp.heads.editing import Plan
from splice_exp.heads.selectors import Selector

Heads: TypeAlias = list[tuple[int, int]]  # layer and number of each

MEASURES = (
    *before_and_after("edit/worst", "worst-group accuracy", Unit.SHARE, True, STATES | DIRECT),
    *before_and_after("edit/average", "accuracy", Unit.SHARE, True, STATES | DIRECT),
    *before_and_after("edit/side", "accuracy on control data", Unit.SHARE, True, STATES | DIRECT),
    *EDIT,
    Measure("edit/num_heads_ablated", "heads ablated", Unit.COUNT),
    KKT,
    NUM_SAMPLES,
)


@dataclass(eq=False)
class SithEditSpurious(HeadEdit):
    """Zero-shot accuracy of four groups, class by background, before and after an edit of heads.

    `worst`, `average`: of the groups, or over all samples, each `_before`, `_after`, `_random` (energy-matched
    edits of vectors sampled from all, several times). Of the class token alone, while later layers see what they saw:
    `_direct` (without the same vectors), `_direct_random` (without random ones) and `_ablated` (heads that are most
    about the concepts, as a whole, are set to their mean).
    `side_before` and so on: accuracy on control data, which an edit should spare.

    Args:
        selector: Scores vectors.
        side: Control data with classes, to measure side effects.
        attribute: The background among `data.attributes`.
        texts: One per class; None: the templates of the backbone with the names of the classes.
    """

    measures = MEASURES

    selector: Selector
    side: DataSource
    attribute: str
    texts: Sequence[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.texts is not None:
            require_names("texts", self.texts)
        if self.reading.tower != "image":
            raise SpliceError(
                "evaluation=sith_edit_spurious edits image embeddings and replaces heads by their mean over images: "
                f"set {key_of('reading.tower')}=image."
            )

    def evaluate(self, study: Study) -> Findings:
        """Edit, and judge the groups.

        Raises:
            SpliceError: if the attribute does not exist, a group is empty, or texts do not fit the classes.
        """
        groups = self._groups(study)
        labels = np.asarray(study.embeddings.labels)
        classes = study.embeddings.classes
        texts = study.class_features if self.texts is None else study.encode_text(self.texts)
        if len(texts) != len(classes):
            raise SpliceError(
                f"{key_of('texts', self)} has {len(texts)} texts, but there are the classes {list(classes)}."
            )
        edit = self._edit(study, self.selector)
        heads = heads_of(edit.plan)

        def of_groups(answers: np.ndarray) -> dict[str, np.ndarray]:
            right = (answers == labels).astype(float)
            return {"edit/worst": worst_group(right, groups), "edit/average": right}

        samples = averaged(self._answers(edit.studies, texts, edit.plan, heads), of_groups)
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **self._summarised(self._side_effects(edit, heads)),
            **edit.metrics,
            "edit/num_heads_ablated": len(heads),
            **edit.certificate,
            "data/num_samples": len(labels),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples, edit.tables)

    def _groups(self, study: Study) -> np.ndarray:
        attribute = study.attributes.get(self.attribute)
        if attribute is None or study.embeddings.labels is None:
            raise SpliceError(
                f"{key_of('attribute', self)} is {self.attribute!r}, but {study.data.name} knows "
                f"{sorted(study.attributes)} of its samples: take data=scenes_spurious, or data=waterbirds."
            )
        groups = np.asarray(study.embeddings.labels * len(attribute.values) + attribute.labels)
        count = len(study.embeddings.classes) * len(attribute.values)
        if np.bincount(groups, minlength=count).min() == 0:
            raise SpliceError(f"{study.data.name} has a group without samples: take more of them.")
        return groups

    def _side_effects(self, edit: EditedStudies, heads: Heads) -> dict[str, np.ndarray]:
        """Return whether other samples are classified rightly."""
        studies = {name: [one.with_data(self.side) for one in those] for name, those in edit.studies.items()}
        (study,) = studies["before"]
        texts = study.class_features
        labels = np.asarray(study.embeddings.labels)
        answers = self._answers(studies, texts, edit.plan, heads)
        return averaged(answers, lambda one: {"edit/side": one == labels})

    def _answers(
        self, studies: Mapping[str, Sequence[Study]], texts: Float[Tensor, "c e"], plan: Plan, heads: Heads
    ) -> dict[str, list[np.ndarray]]:
        """Return the class of each sample: by every model, and by class tokens without a part of what heads add."""
        (before,) = studies["before"]
        effects = DirectEffects(before, plan.spectra)
        drawn = [drawn_factors(plan, seed) for seed in self._seeds]
        features = {name: [one.embeddings.features for one in those] for name, those in studies.items()} | {
            "direct": [effects.without_vectors(plan.factors, self.constants)],
            "direct_random": [effects.without_vectors(factors, self.constants) for factors in drawn],
            "ablated": [effects.without_heads(heads)],
        }
        return {name: [zero_shot(one, texts) for one in those] for name, those in features.items()}
