"""Does a CLIP rely less on the background when its heads do not write about backgrounds any more?

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 5.1. Sagawa et al. Distributionally robust neural networks for group shifts. ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_integer, require_names
from splice_exp.data.base import DataSource
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.extract import extract
from splice_exp.evaluation.base import Evaluation, Findings, Metric, summarised
from splice_exp.evaluation.edits import ablated, heads_of, listed, plan_of, random_edit, worst_group, zero_shot
from splice_exp.heads.editing import edited
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import Rule
from splice_exp.heads.selectors import Selector


class SithEditSpurious(Evaluation):
    """Zero-shot accuracy of four groups, class by background, before and after an edit of heads.

    `worst`, `average`: of the groups, or over all samples, each `_before`, `_after`, `_random` (edits of other vectors
    with as much energy, drawn several times) and `_ablated` (heads that are most about the concepts, as a whole).
    `side_before`, `side_after`, `side_random`: accuracy on other data, which the edit should leave alone.

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
        draws = [
            random_edit(backbone, planned, self._constants, self._seed + draw) for draw in range(self._random_edits)
        ]
        heads = heads_of(planned)

        def right_of(features: Tensor) -> np.ndarray:
            return (zero_shot(features, texts) == labels).astype(float)

        answers = {
            "before": [right_of(study.embeddings.features)],
            "after": [right_of(study.by(other).embeddings.features)],
            "random": [right_of(study.by(one).embeddings.features) for one in draws],
            "ablated": [right_of(ablated(study, planned, heads) if heads else study.embeddings.features)],
        }
        samples: dict[str, np.ndarray] = {}
        for name, rights in answers.items():
            samples[f"edit/worst_{name}"] = np.mean([worst_group(right, groups) for right in rights], axis=0)
            samples[f"edit/average_{name}"] = np.mean(rights, axis=0)
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **summarised(self._side_effects(study, backbone, other, draws), self._resamples, self._seed),
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
        self, study: Study, before: Backbone, after: Backbone, draws: Sequence[Backbone]
    ) -> dict[str, np.ndarray]:
        """Return whether other samples are classified rightly."""
        side = study.of(self._side)
        texts, labels = before.encode_classes(side.embeddings.classes), np.asarray(side.embeddings.labels)
        found = {}
        for name, models in (("before", [before]), ("after", [after]), ("random", draws)):
            rights = [zero_shot(extract(self._side, one, study.cache).features, texts) == labels for one in models]
            found[f"edit/side_{name}"] = np.mean(rights, axis=0)
        return found
