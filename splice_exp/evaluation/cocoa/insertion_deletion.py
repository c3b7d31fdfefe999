"""Do the pixels that a map ranks first carry the corpus? Insertion and deletion, as in the paper, for one target.

    area under the curve of a measure (`evaluation.corpus_task`) against the share of pixels that are in, or out

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023, section 5.
    Hurley, Rickard. Comparing measures of sparsity. IEEE Trans. Information Theory 55, 2009 (Gini index).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from splice_exp.attribution.corpus import SIMILARITIES
from splice_exp.attribution.curves import in_squares
from splice_exp.attribution.explain import explain
from splice_exp.attribution.methods import Absolute, Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.targets import DISTANCE, KINDS, Target
from splice_exp.core.errors import SpliceError, require_bool, require_choice, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit
from splice_exp.data.base import DataSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.cocoa.corpus_task import CorpusTask, area_measures, target_name
from splice_exp.evaluation.measures.probes import gradient_measure

MEASURES = (
    *area_measures("cocoa", null="random maps"),
    Measure("cocoa/gini", "Gini index", Unit.INDEX),
    Measure("cocoa/reliability", "reliability", Unit.COSINE, True, optional=True),
    Measure("cocoa/corpus_error", "corpus error", Unit.AMOUNT, False),
    Measure("cocoa/foil_error", "foil error", Unit.AMOUNT, False),
    replace(gradient_measure("cocoa/gradient_max"), optional=True),
    NUM_SAMPLES,
)


class CocoaInsertionDeletion(Evaluation):
    """Areas under insertion and deletion curves of the maps of one target, and of random maps: the null.

    For every class, explicands of that class, or of others, are explained by a corpus of samples of the class from the
    training data, and a foil (`evaluation.references`).

    Args:
        method: Makes the maps.
        removal: What takes the place of removed pixels, for explaining and for judging.
        train: Where corpora and foils come from.
        kind: What is explained: `label_free`, `contrastive_label_free`, `corpus`, `contrastive_corpus` (COCOA) or
            `corpus_distance`, for which cosine is not defined.
        similarity: Of the target: `cosine` or `dot`.
        same_class: Whether explicands are of the class of the corpus, or of another one.
        per_class: Explicands of each class.
        corpus_size: Samples.
        foil_size: Samples.
        held_out: Whether similarity is judged by another corpus and foil than those that explain.
        absolute: Whether maps are of absolute values, added up over the channels of a pixel.
        steps: Of the curves.
        superpixel: Side of the squares that are put in or out, pixels; a map is its mean over each.
        classes: Those of corpora and explicands; None: all. Foils and the head have all classes in any case.
        head: What finds classes (`evaluation.heads`): `probe`, fitted on the training data, or `own`.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of explicands, corpora, foils, masks and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        method: Method,
        removal: Removal,
        train: DataSource,
        kind: str = "contrastive_corpus",
        similarity: str = "cosine",
        same_class: bool = True,
        per_class: int = 2,
        corpus_size: int = 100,
        foil_size: int = 1500,
        held_out: bool = True,
        absolute: bool = False,
        steps: int = 50,
        superpixel: int = 1,
        classes: Sequence[str] | None = None,
        head: str = "probe",
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("kind", kind, (*KINDS, DISTANCE))
        require_choice("similarity", similarity, SIMILARITIES)
        if kind == DISTANCE and similarity != "dot":
            raise SpliceError(
                f"{key_of('kind')}={DISTANCE} compares representations with their lengths: set "
                f"{key_of('similarity')}=dot."
            )
        require_bool("absolute", absolute)
        require_integer("steps", steps, 1)
        require_integer("superpixel", superpixel, 1)
        self._method = Absolute(method) if absolute else method
        self._removal, self._steps, self._superpixel = removal, steps, superpixel
        self._kind, self._target = kind, target_name(kind, similarity)
        self._task = CorpusTask(train, same_class, per_class, corpus_size, foil_size, held_out, seed, classes, head)

    def require(self, data: DataSource) -> None:
        self._task.require(data)

    def evaluate(self, study: Study) -> Findings:
        """Explain, put pixels in and out, and judge.

        Raises:
            SpliceError: if data are no images with two classes or more, or have too few samples.
        """
        prepared = self._task.prepare(study.data, study.backbone, study.cache)
        explicands = prepared.explicands
        questions: Target = prepared.distance() if self._kind == DISTANCE else prepared.questions()
        column = 0 if self._kind == DISTANCE else questions.names.index(self._target)
        found = explain(explicands, study.backbone, self._method, self._removal, questions, self._seed, study.cache)
        maps = in_squares(found.maps[:, column], self._superpixel, of=self).contiguous()
        noise = prepared.noise(maps.shape[1:], self._seed)
        samples = {
            **{
                f"cocoa/{name}{suffix}": areas
                for suffix, judged in (("", maps), ("_null", noise))
                for name, areas in prepared.areas(
                    study.backbone, self._removal, judged, self._steps, study.cache
                ).items()
            },
            "cocoa/gini": np.array([gini(scores) for scores in maps.numpy()]),
        }
        reliability = found.reliability[:, column].numpy()
        if not np.isnan(reliability).any():
            samples["cocoa/reliability"] = reliability
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            "cocoa/corpus_error": float(np.mean([one.explains[0].standard_error for one in prepared.drawn.values()])),
            "cocoa/foil_error": float(np.mean([one.explains[1].standard_error for one in prepared.drawn.values()])),
            "data/num_samples": len(explicands),
        }
        if not np.isnan(prepared.head.gradient):
            metrics["cocoa/gradient_max"] = prepared.head.gradient
        return Findings(metrics, explicands.sample_ids, samples)


def gini(scores: np.ndarray) -> float:
    """Return the Gini index of the absolute values: 0 where all are equal, near 1 where a few have all.

    G = 2 Σ_i i a_(i) / (P Σ a) − (P + 1) / P      a_(i) ascending, i = 1 … P
    """
    ordered = np.sort(np.abs(scores).ravel())
    number, total = len(ordered), ordered.sum()
    if total == 0:
        return 0.0
    return float(2 * (np.arange(1, number + 1) * ordered).sum() / (number * total) - (number + 1) / number)
