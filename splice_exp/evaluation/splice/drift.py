"""Does the mean code of a concept follow its prevalence from class to class, for example from year to year?

    r = correlation, over classes, of the mean code w̄_c with the share of samples that have the concept

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, figure 12.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from splice_exp.core.errors import SpliceError, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.names import mentioning
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.geometry import center
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates

MEASURES = (
    *beside(
        Measure("drift/correlation", "correlation", Unit.COSINE, True),
        dense="dense correlation",
        null="correlation, shuffled classes",
    ),
    Measure("drift/prevalence_first", "prevalence in the first class", Unit.SHARE),
    Measure("drift/prevalence_last", "prevalence in the last class", Unit.SHARE),
    Measure("drift/code_first", "code in the first class", Unit.CODE),
    Measure("drift/code_last", "code in the last class", Unit.CODE),
    Measure("drift/num_classes", "classes", Unit.COUNT),
    Measure("drift/num_concepts", "concepts", Unit.COUNT),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class ConceptDrift(Evaluation):
    """How the concepts of some words change over ordered classes, by codes and in truth.

    Baseline: the mean cosine of the centred embeddings with the atoms of the same concepts. Null: the mean codes in a
    permuted order of the classes. The mean alone does not change from class to class: its correlation is zero. A run
    is one data set and has one correlation, whose interval is the bootstrap over samples within classes (basic, on
    Fisher's scale, because noise in the resampled means lowers a correlation).

    Args:
        words: Every concept counts in which one of them occurs. Where the data have an attribute called like the
            first, of two values, that says which samples have it; otherwise the ground truth does.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the permutation and the bootstrap.
    """

    measures = MEASURES

    def __init__(self, words: Sequence[str], bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_names("words", words)
        self._words = tuple(words)

    def evaluate(self, study: Study) -> Findings:
        """Follow the concepts.

        Raises:
            SpliceError: if there are no labels, fewer than three classes, or no ground truth.
        """
        embeddings, there = study.embeddings, self._there(study)
        if embeddings.labels is None or len(embeddings.classes) < 3 or there is None:
            raise SpliceError(
                f"evaluation=drift needs {key_of('words', self)}, three or more ordered classes and what is in "
                "each sample, "
                f"which {study.data.name} does not have: set data=scenes_drift, or any other that has them."
            )
        concepts = mentioning("words", self._words, study.dictionary.concepts, of=self)
        targets, _ = center(embeddings.features, study.decomposition.image_mean)
        atoms = study.dictionary.atoms[[study.dictionary.index(name) for name in concepts]]
        present, labels = np.unique(embeddings.labels.numpy(), return_inverse=True)
        classes = [embeddings.classes[label] for label in present]
        values = np.stack(
            [
                there,
                study.decomposition.codes.sum_of(concepts).numpy(),
                (targets @ atoms.T).mean(dim=1).double().numpy(),
            ]
        )
        order = self._permutation(len(classes))
        means = _means_by(values, labels)
        metrics: dict[str, Metric] = {}
        names = ("drift/correlation", "drift/correlation_dense", "drift/correlation_null")
        found = _correlations(means, order)
        drawn = self._resampled(values, labels, order)
        for place, name in enumerate(names):
            low, high = _basic_interval(found[place], drawn[:, place])
            metrics |= {name: float(found[place]), f"{name}_ci_low": float(low), f"{name}_ci_high": float(high)}
        metrics |= {
            **certificates(study.decomposition),
            "drift/prevalence_first": float(means[0, 0]),
            "drift/prevalence_last": float(means[0, -1]),
            "drift/code_first": float(means[1, 0]),
            "drift/code_last": float(means[1, -1]),
            "drift/num_classes": len(classes),
            "drift/num_concepts": len(concepts),
            "l0/mean": float(study.decomposition.codes.l0().double().mean()),
            "data/num_samples": len(embeddings),
        }
        table = pd.DataFrame(
            {
                "concept": self._words[0],
                "class": classes,
                "place": np.arange(len(classes)),
                "true": means[0],
                "code": means[1],
            }
        )
        samples = {name: np.array([value]) for name, value in zip(names, found, strict=True)}
        return Findings(metrics, [study.fingerprint], samples, {"drift": table})

    def _there(self, study: Study) -> np.ndarray | None:
        """Say of which samples the words are true: by an attribute of that name, or by the ground truth."""
        if not self._words:
            return None
        if (attribute := study.attributes.get(self._words[0])) is not None and len(attribute.values) == 2:
            return np.asarray(attribute.labels.double())
        truth = study.truth
        if truth is None:
            return None
        wanted = [truth.named(word) for word in self._words]
        return np.array([float(any(truth.holds(named, row) for named in wanted)) for row in range(len(truth))])

    def _resampled(self, values: np.ndarray, labels: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Return the correlations of samples resampled with replacement within each class, (resamples, 3)."""
        random = np.random.default_rng(self._seed)
        members = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
        drawn = []
        for _ in range(self._resamples):
            rows = np.concatenate([random.choice(of_class, size=len(of_class)) for of_class in members])
            drawn.append(_correlations(_means_by(values[:, rows], labels[rows]), order))
        return np.array(drawn)


def _means_by(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the means of each class, (measures, classes)."""
    return np.stack([np.bincount(labels, of) for of in values]) / np.maximum(np.bincount(labels), 1)


def _correlations(means: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Correlate prevalence with codes, with the dense baseline, and with codes in another order, (3,)."""
    true, codes, dense = means
    return np.array([_pearson(true, other) for other in (codes, dense, codes[order])])


def _basic_interval(found: float, drawn: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval z ± of a correlation: 2 z − the quantiles of the resampled z = artanh r."""
    z, resampled = (np.arctanh(np.clip(values, -1 + 1e-12, 1 - 1e-12)) for values in (found, drawn))
    low, high = np.tanh(2 * z - np.quantile(resampled, (0.975, 0.025)))
    return float(low), float(high)


def _pearson(first: np.ndarray, second: np.ndarray) -> float:
    """Correlate; zero where one side is constant."""
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
