"""The concepts of every sample, and how much of its embedding they make up: for a look, not for a claim."""

from __future__ import annotations

import pandas as pd

from splice_exp.core.errors import require_integer
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import (
    CERTIFICATES,
    COSINES,
    L0,
    NUM_SAMPLES,
    Evaluation,
    Findings,
    Metric,
    certificates,
    fit_of_samples,
)


class Concepts(Evaluation):
    """The largest codes of each sample by name, with sparsity and cosines.

    Args:
        top_k: Concepts of a sample that are listed, at most.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the bootstrap.
    """

    measures = (L0, *COSINES, *CERTIFICATES, NUM_SAMPLES)

    def __init__(self, top_k: int = 10, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_integer("top_k", top_k, 1)
        self._top_k = top_k

    def evaluate(self, study: Study) -> Findings:
        """List the concepts."""
        decomposition, embeddings = study.decomposition, study.embeddings
        samples = fit_of_samples(study)
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(decomposition),
            "data/num_samples": len(embeddings),
        }
        lines = [
            (sample_id, rank + 1, concept, value)
            for sample_id, named in zip(embeddings.sample_ids, decomposition.codes.top(self._top_k), strict=True)
            for rank, (concept, value) in enumerate(named)
        ]
        table = pd.DataFrame(lines, columns=["sample_id", "rank", "concept", "code"])
        return Findings(metrics, embeddings.sample_ids, samples, {"concepts": table})
