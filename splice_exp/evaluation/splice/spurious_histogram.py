"""Do the codes of some concepts differ between two classes? A histogram, and how well they tell the classes apart.

    w_i = sum of the codes of the concepts        AUC = P(w of the first class > w of the second) + ½ P(equal)

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, figures 4 and 11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from scipy.stats import mannwhitneyu

from splice_exp.core.errors import SpliceError, require_at_least, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Join, Measure, Unit, beside
from splice_exp.core.names import mentioning
from splice_exp.core.statistics.intervals import of_group, ranks_above
from splice_exp.data.base import DataSource
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.geometry import center
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates

MEASURES = (
    Measure("spurious/code_first", "code in the first class", Unit.CODE),
    Measure("spurious/code_second", "code in the second class", Unit.CODE),
    Measure("spurious/active_first", "active in the first class", Unit.SHARE),
    Measure("spurious/active_second", "active in the second class", Unit.SHARE),
    Measure("spurious/true_first", "true of the first class", Unit.SHARE, optional=True),
    Measure("spurious/true_second", "true of the second class", Unit.SHARE, optional=True),
    *beside(Measure("spurious/auc", "AUC", Unit.SHARE), dense="dense AUC", null="AUC, permuted classes"),
    Measure("spurious/p_value", "p value", Unit.MAGNITUDE, join=Join.LARGEST),
    Measure("spurious/num_concepts", "concepts", Unit.COUNT),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class SpuriousHistogram(Evaluation):
    """Mean codes, AUC and Mann–Whitney test of the concepts of some words between two classes.

    Baseline: the centred embedding itself, by its mean cosine with the atoms. Null: permuted classes.

    Args:
        words: Every concept counts in which one of them occurs.
        classes: Two classes of the data; None: the first two.
        bin_width: Of the histogram, in units of codes.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the permutation and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        words: Sequence[str],
        classes: Sequence[str] | None = None,
        bin_width: float = 0.01,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_names("words", words)
        require_at_least("bin_width", bin_width, 1e-6)
        if classes is not None:
            require_names("classes", classes)
            if len(classes) != 2 or classes[0] == classes[1]:
                raise SpliceError(f"{key_of('classes')} is {list(classes)}, but must name two different classes.")
        self._words, self._classes, self._bin_width = tuple(words), classes, bin_width

    def require(self, data: DataSource) -> None:
        for name in self._classes or ():
            data.class_named(name, of=self)

    def evaluate(self, study: Study) -> Findings:
        """Compare the two classes.

        Raises:
            SpliceError: for an unknown class or word, or a class without samples.
        """
        embeddings, decomposition = study.embeddings, study.decomposition
        asked = [study.data.class_named(name, of=self) for name in self._classes or embeddings.classes[:2]]
        classes = [name for name in asked if name in embeddings.classes]  # others have no text in the backbone
        labels = embeddings.labels
        wanted = [embeddings.classes.index(name) for name in classes]
        if labels is None or len(wanted) < 2 or any(not (labels == label).any() for label in wanted):
            raise SpliceError(
                f"evaluation=spurious_histogram needs samples of two classes, but {study.data.name} does not have them."
            )
        rows = torch.isin(labels, torch.tensor(wanted)).nonzero().flatten()
        concepts = mentioning("words", self._words, study.dictionary.concepts, of=self)
        columns = torch.tensor([study.dictionary.index(name) for name in concepts])
        first = (labels[rows] == wanted[0]).numpy()
        codes = decomposition.codes.select(rows)
        values = codes.sum_of(concepts).numpy()
        targets, _ = center(embeddings.features[rows], decomposition.image_mean)
        dense = (targets @ study.dictionary.atoms[columns].T).mean(dim=1).double().numpy()
        samples = {
            "spurious/code_first": of_group(values, first),
            "spurious/code_second": of_group(values, ~first),
            "spurious/active_first": of_group((values > 0).astype(float), first),
            "spurious/active_second": of_group((values > 0).astype(float), ~first),
            "spurious/auc": ranks_above(values, first),
            "spurious/auc_dense": ranks_above(dense, first),
            "spurious/auc_null": ranks_above(values, first[self._permutation(len(first))]),
        }
        if study.truth is not None:
            named = [study.truth.named(concept) for concept in concepts]
            there = np.array(
                [any(study.truth.holds(words, row) for words in named) for row in rows.tolist()], dtype=float
            )
            samples["spurious/true_first"] = of_group(there, first)
            samples["spurious/true_second"] = of_group(there, ~first)
        test = mannwhitneyu(values[first], values[~first], alternative="two-sided", method="asymptotic")
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(decomposition),
            "spurious/p_value": float(test.pvalue) if np.ptp(values) > 0 else 1.0,
            "spurious/num_concepts": len(concepts),
            "l0/mean": float(codes.l0().double().mean()),
            "data/num_samples": len(rows),
        }
        ids = [embeddings.sample_ids[row] for row in rows.tolist()]
        return Findings(metrics, ids, samples, {"codes": self._histogram(values, first, classes)})

    def _histogram(self, values: np.ndarray, first: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
        # Edges are multiples of the width, so that bins of several runs are the same.
        first_bin, last_bin = (math.floor(end / self._bin_width) for end in (min(values.min(), 0), values.max()))
        edges = np.arange(first_bin, last_bin + 2) * self._bin_width
        parts = []
        for name, members in zip(classes, (first, ~first), strict=True):
            share = np.histogram(values[members], edges)[0] / members.sum()
            parts.append(pd.DataFrame({"kind": name, "from": edges[:-1], "to": edges[1:], "share": share}))
        return pd.concat(parts, ignore_index=True)
