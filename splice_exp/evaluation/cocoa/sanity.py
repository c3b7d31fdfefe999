"""Do maps change when the model forgets? Those of a random image tower should be unlike those of the trained one.

References:
    Adebayo et al. Sanity checks for saliency maps. NeurIPS 2018.
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023, section 5.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.corpus import SIMILARITIES
from splice_exp.attribution.explain import explain
from splice_exp.attribution.methods import Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.targets import KINDS
from splice_exp.backbones.base import Backbone
from splice_exp.backbones.randomized import STATISTICS, randomized
from splice_exp.core.errors import require_choice, require_integer
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.data.base import DataSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.cocoa.corpus_task import CorpusTask, Prepared, area_measures, target_name
from splice_exp.evaluation.measures.map_likeness import rank_correlations, similarities

MEASURES = (
    *beside(
        Measure("sanity/rank", "rank correlation", Unit.COSINE, False),
        again="rank correlation, trained model again",
        null="rank correlation, another explicand",
    ),
    *beside(
        Measure("sanity/ssim", "SSIM", Unit.COSINE, False),
        again="SSIM, trained model again",
        null="SSIM, another explicand",
    ),
    *area_measures("sanity", random="maps of the random model", null="maps of another explicand"),
    NUM_SAMPLES,
)


class CocoaSanity(Evaluation):
    """Similarity of the maps of a trained and a random model, and how the trained model rates those of the random one.

    `rank`: Spearman's correlation over pixels; `ssim`: structural similarity; areas of insertion and deletion are
    judged by the trained model in either case. All maps that are compared use different random numbers. Ceiling
    (`again`): maps of the trained model. Null: those of another explicand.

    Args:
        method: Makes the maps.
        removal: What takes the place of removed pixels.
        train: Where corpora and foils come from.
        depth: Stages of the image tower that are random, counted from the output; null: all.
        statistics: Whether running statistics of random stages are `reset` or, as in the authors' code, `kept`.
        kind: What is explained.
        similarity: Of the target: `cosine` or `dot`.
        same_class: Whether explicands are of the class of the corpus.
        per_class: Explicands of each class.
        corpus_size: Samples.
        foil_size: Samples.
        held_out: Whether similarity is judged by another corpus and foil than those that explain.
        steps: Of the curves.
        classes: Those of corpora and explicands; None: all. Foils and the head have all classes in any case.
        head: What finds classes: `probe`, fitted on the training data, or `own`, the last layer of the network.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of everything that is sampled.
    """

    measures = MEASURES

    def __init__(
        self,
        method: Method,
        removal: Removal,
        train: DataSource,
        depth: int | None = None,
        statistics: str = "reset",
        kind: str = "contrastive_corpus",
        similarity: str = "cosine",
        same_class: bool = True,
        per_class: int = 2,
        corpus_size: int = 100,
        foil_size: int = 1500,
        held_out: bool = True,
        steps: int = 50,
        classes: Sequence[str] | None = None,
        head: str = "probe",
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("kind", kind, KINDS)
        require_choice("similarity", similarity, SIMILARITIES)
        require_choice("statistics", statistics, STATISTICS)
        require_integer("steps", steps, 1)
        if depth is not None:
            require_integer("depth", depth, 0)
        self._method, self._removal, self._steps = method, removal, steps
        self._depth, self._statistics = depth, statistics
        self._target = target_name(kind, similarity)
        self._task = CorpusTask(train, same_class, per_class, corpus_size, foil_size, held_out, seed, classes, head)

    def require(self, data: DataSource) -> None:
        self._task.require(data)

    def evaluate(self, study: Study) -> Findings:
        """Explain by both models, and compare.

        Raises:
            SpliceError: if the backbone has no image tower, or data are not what the task needs.
        """
        backbone = study.backbone
        forgetful = randomized(backbone, self._depth, self._seed, self._statistics, of=self)
        trained, random = (self._task.prepare(study.data, one, study.cache) for one in (backbone, forgetful))
        maps = self._maps(study, trained, backbone, self._seed)
        # All of them by other random numbers: the same masks make maps alike whatever the models have in common.
        compared = {
            "": self._maps(study, random, forgetful, self._seed + 1),
            "_again": self._maps(study, trained, backbone, self._seed + 1),
        }
        compared["_null"] = compared["_again"][torch.from_numpy(self._permutation(len(maps)))]
        samples: dict[str, np.ndarray] = {}
        for suffix, other in compared.items():
            samples[f"sanity/rank{suffix}"] = rank_correlations(maps, other)
            samples[f"sanity/ssim{suffix}"] = similarities(maps, other)
        for suffix, judged in (("", maps), ("_random", compared[""]), ("_null", compared["_null"])):
            areas = trained.areas(backbone, self._removal, judged, self._steps, study.cache)
            for name in ("insertion_majority", "deletion_majority", "insertion_similarity", "deletion_similarity"):
                samples[f"sanity/{name}{suffix}"] = areas[name]
        metrics: dict[str, Metric] = {**self._summarised(samples), "data/num_samples": len(maps)}
        return Findings(metrics, trained.explicands.sample_ids, samples)

    def _maps(self, study: Study, prepared: Prepared, backbone: Backbone, seed: int) -> Float[Tensor, "n h w"]:
        questions = prepared.questions()
        found = explain(prepared.explicands, backbone, self._method, self._removal, questions, seed, study.cache)
        return found.maps[:, questions.names.index(self._target)].contiguous()
