"""Judge a decomposition: what it keeps of the embedding, how sparse it is, whether it names what is there."""

from __future__ import annotations

import logging
from dataclasses import replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.core.errors import require_bool, require_integer, shown
from splice_exp.core.measures import Join, Measure, Unit, beside
from splice_exp.core.names import canonical
from splice_exp.core.statistics.intervals import of_group
from splice_exp.core.truth import GroundTruth
from splice_exp.core.types import Dictionary, Embeddings
from splice_exp.decomposition.splice import Decomposition
from splice_exp.decomposition.study import Study
from splice_exp.dictionaries.controls import has_names
from splice_exp.evaluation.base import (
    CERTIFICATES,
    COSINES,
    L0,
    NUM_SAMPLES,
    Evaluation,
    Findings,
    Metric,
    certificates,
)
from splice_exp.evaluation.measures.metrics import (
    ConceptInTop,
    MeanCosine,
    MeasuredValues,
    SampleMean,
    SupportSize,
    ZeroShotAccuracy,
)
from splice_exp.evaluation.measures.recovery import RECOVERY, names_something, recovery_measures
from splice_exp.evaluation.splice.semantic_relevance import RELEVANCE_BESIDE_NULL, relevance_beside_null

log = logging.getLogger(__name__)

MAX_COSINES = 2**23  # images × classes compared at a time: 64 MiB in float64

ZERO_SHOT = (
    *beside(
        Measure("zero_shot/top1", "top-1", Unit.SHARE, True, optional=True),
        dense="dense top-1",
        null="permuted-label top-1",
    ),
    *beside(Measure("zero_shot/top5", "top-5", Unit.SHARE, True, optional=True), dense="dense top-5"),
    Measure("zero_shot/num_samples", "classified n", Unit.COUNT, join=Join.TOTAL, optional=True),
    Measure("zero_shot/num_classes", "classes", Unit.COUNT, optional=True),
    Measure("zero_shot/num_missing_classes", "classes without a text", Unit.COUNT, optional=True),
    Measure("zero_shot/num_duplicate_classes", "duplicate class names", Unit.COUNT, optional=True),
)
MEASURES = (
    *ZERO_SHOT,
    L0,
    Measure("l0/quantile_{level}", "L0, quantile {level}", Unit.COUNT),
    Measure("l0/max", "largest L0", Unit.COUNT, join=Join.LARGEST),
    *COSINES,
    Measure("concept/num_classes", "classes with an atom of their name", Unit.COUNT, optional=True),
    Measure("concept/class_in_top{k}_null", "permuted-label concept among top {k}", Unit.SHARE, optional=True),
    Measure(
        "concept/class_in_top{k}_any_sign",
        "class concept among top {k} of either sign",
        Unit.SHARE,
        True,
        optional=True,
    ),
    Measure("concept/class_in_top{k}", "class concept among top {k}", Unit.SHARE, True, optional=True),
    *RECOVERY,
    *RELEVANCE_BESIDE_NULL,
    Measure("dictionary/size", "atoms", Unit.COUNT),
    Measure("solver/l1_penalty_mean", "mean L1 penalty", Unit.AMOUNT),
    Measure("solver/iterations_mean", "iterations", Unit.AVERAGE),
    *CERTIFICATES,
    NUM_SAMPLES,
)


class SpliceEvaluation(Evaluation):
    """Zero-shot accuracy, cosines, sparsity, class concepts and recovery, each beside its baseline and its null.

    Baselines: dense CLIP for accuracy, the mean alone for cosines. Nulls: the same codes and reconstructions judged
    against the labels of other samples (a seeded permutation); for recovery, concepts sampled by how often they are
    used.

    Args:
        top_k: Largest codes among which concepts are looked for.
        relevance: Whether to compare concepts with the words of captions, where there are any and atoms have names.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of permutation, null and bootstrap.
    """

    measures = MEASURES

    def __init__(self, top_k: int = 5, relevance: bool = False, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        require_integer("top_k", top_k, 1)
        require_bool("relevance", relevance)
        super().__init__(bootstrap_resamples, seed)
        self._top_k, self._relevance = top_k, relevance

    def evaluate(self, study: Study) -> Findings:
        """Measure everything that the data allow."""
        found = self.judge(
            study.decomposition, study.embeddings, study.image_mean, study.known.class_features, study.truth
        )
        metrics: dict[str, Metric] = {**found.metrics, "zero_shot/num_missing_classes": len(study.known.missing)}
        if metrics["zero_shot/top1"] is not None:
            metrics["zero_shot/num_duplicate_classes"] = study.known.num_merged
        samples = dict(found.samples)
        if self._relevance and study.captions is not None and has_names(study.dictionary):
            relevance = relevance_beside_null(study, study.captions, self._seed)
            metrics, samples = {**metrics, **self._summarised(relevance)}, {**samples, **relevance}
        return replace(found, metrics=metrics, samples=samples)

    def judge(
        self,
        decomposition: Decomposition,
        embeddings: Embeddings,
        image_mean: Float[Tensor, " d"],
        class_features: Float[Tensor, "c d"] | None,
        truth: GroundTruth | None = None,
    ) -> Findings:
        """Measure one decomposition.

        Args:
            decomposition: Of these embeddings.
            embeddings: n samples.
            image_mean: μ, also where images were not centred by it.
            class_features: One text per class of `embeddings`, or None without classes.
            truth: What is in each sample, where that is known.

        Returns:
            What could be measured; the other measures are None.
        """
        measures = {**self._sparsity(decomposition), **self._cosines(decomposition, embeddings, image_mean)}
        if class_features is not None and embeddings.labels is not None:
            measures |= self._zero_shot(decomposition, embeddings, embeddings.labels, class_features)
            concepts = concepts_of_classes(embeddings.classes, decomposition.dictionary)
            measures |= self._class_concepts(decomposition, embeddings, concepts[embeddings.labels])
        if truth is not None and names_something(decomposition.dictionary.concepts, truth):
            measures |= self._recovery(decomposition, truth)
        metrics: dict[str, Metric] = dict.fromkeys(self._names())
        # Not by `compute`, which would wait for other processes: this one has all samples.
        samples = {name: measure.per_sample().numpy() for name, measure in measures.items()}
        metrics |= self._summarised(samples)
        l0 = measures["l0/mean"]
        assert isinstance(l0, SupportSize)
        metrics |= {f"l0/quantile_{level:.2f}": l0.quantile(level) for level in (0.05, 0.5, 0.95)}
        metrics["l0/max"] = l0.quantile(1.0)
        metrics["data/num_samples"] = len(embeddings)
        metrics["dictionary/size"] = len(decomposition.dictionary)
        if "zero_shot/top1" in measures:
            metrics["zero_shot/num_samples"] = len(embeddings)
            metrics["zero_shot/num_classes"] = len(embeddings.classes)
            metrics["concept/num_classes"] = int((concepts >= 0).sum())
        solution = decomposition.solution
        metrics |= certificates(decomposition)
        if solution.l1_penalty is not None:
            metrics["solver/l1_penalty_mean"] = float(solution.l1_penalty.mean())
        metrics["solver/iterations_mean"] = float(solution.num_iterations.double().mean())
        return Findings(metrics, embeddings.sample_ids, samples)

    def _names(self) -> list[str]:
        """Name the measures that need classes: null where there are none, rather than missing."""
        concepts = f"concept/class_in_top{self._top_k}"
        counts = ("num_samples", "num_classes", "num_duplicate_classes")
        accuracies = ("top1", "top5", "top1_dense", "top5_dense", "top1_null")
        of_concepts = ("concept/num_classes", concepts, f"{concepts}_null", f"{concepts}_any_sign")
        return [*(f"zero_shot/{name}" for name in (*accuracies, *counts)), *of_concepts]

    def _sparsity(self, decomposition: Decomposition) -> dict[str, SampleMean]:
        size = SupportSize()
        size.update(decomposition.codes)
        return {"l0/mean": size}

    def _cosines(
        self, decomposition: Decomposition, embeddings: Embeddings, image_mean: Float[Tensor, " d"]
    ) -> dict[str, SampleMean]:
        plain, centred, mean_only = MeanCosine(), MeanCosine(), MeanCosine()
        recomposed = decomposition.recompose_unnormalized()
        plain.update(recomposed, embeddings.features)
        # Around μ in either case, so that rows with and without centring are measured alike.
        centred.update(recomposed - image_mean, embeddings.features - image_mean)
        mean_only.update(image_mean.expand_as(embeddings.features), embeddings.features)
        return {"cosine/plain": plain, "cosine/centred": centred, "cosine/mean_only": mean_only}

    def _zero_shot(
        self,
        decomposition: Decomposition,
        embeddings: Embeddings,
        labels: Int64[Tensor, " n"],
        class_features: Float[Tensor, "c d"],
    ) -> dict[str, SampleMean]:
        reconstructions = decomposition.reconstruct()
        measures: dict[str, SampleMean] = {}
        for name, features, truth, top_k in (
            ("zero_shot/top1", reconstructions, labels, 1),
            ("zero_shot/top5", reconstructions, labels, 5),
            ("zero_shot/top1_dense", embeddings.features, labels, 1),
            ("zero_shot/top5_dense", embeddings.features, labels, 5),
            ("zero_shot/top1_null", reconstructions, labels[torch.from_numpy(self._permutation(len(labels)))], 1),
        ):
            accuracy = ZeroShotAccuracy(top_k)
            for rows in torch.split(torch.arange(len(truth)), max(1, MAX_COSINES // len(class_features))):
                accuracy.update(features[rows], class_features, truth[rows])
            measures[name] = accuracy
        return measures

    def _class_concepts(
        self, decomposition: Decomposition, embeddings: Embeddings, concepts: Int64[Tensor, " n"]
    ) -> dict[str, SampleMean]:
        """Ask whether codes name the class of their sample, of the classes that an atom is named like.

        By value, a negative code says what is absent, and is never among the largest; of either sign, codes are
        taken by their size: a negative one names its concept, too, and takes a place from the others.

        Args:
            decomposition: Of all samples.
            embeddings: Theirs.
            concepts: The atom of the class of each sample, −1 where there is none.
        """
        named = concepts >= 0
        if not named.all():
            labels = embeddings.labels[~named].tolist() if embeddings.labels is not None else []
            unnamed = sorted({embeddings.classes[label] for label in labels})
            log.info("no atom is named like %s: whether codes name these classes is not asked", shown(unnamed))
        if not named.any():
            return {}
        rows = named.nonzero().flatten()
        codes, right = decomposition.codes.select(rows), concepts[rows]
        measures: dict[str, SampleMean] = {}
        others = right[torch.from_numpy(self._permutation(len(rows)))]
        sizes = replace(codes, values=codes.values.abs())
        for suffix, read, expected in (("", codes, right), ("_any_sign", sizes, right), ("_null", codes, others)):
            found = ConceptInTop(self._top_k)
            found.update(read, expected)
            values = torch.zeros(len(concepts), dtype=torch.float64)
            values[rows] = found.per_sample()
            mean = MeasuredValues()
            mean.update(torch.from_numpy(of_group(values.numpy(), named.numpy())))
            measures[f"concept/class_in_top{self._top_k}{suffix}"] = mean
        return measures

    def _recovery(self, decomposition: Decomposition, truth: GroundTruth) -> dict[str, SampleMean]:
        measures: dict[str, SampleMean] = {}
        for name, values in recovery_measures(decomposition.codes, truth, self._top_k, self._seed).items():
            measures[f"recovery/{name}"] = MeasuredValues()
            measures[f"recovery/{name}"].update(torch.from_numpy(values))
        return measures


def concepts_of_classes(classes: tuple[str, ...], dictionary: Dictionary) -> Int64[Tensor, " c"]:
    """Return the atom that is named like each class, −1 where there is none.

    Args:
        classes: Their names.
        dictionary: Its names are compared without regard to case, underscores and spaces.
    """
    columns: dict[str, int] = {}
    for column, concept in enumerate(dictionary.concepts):
        columns.setdefault(canonical(concept), column)
    return torch.tensor([columns.get(canonical(name), -1) for name in classes], dtype=torch.int64)
