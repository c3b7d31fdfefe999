"""What a whole data set is made of, and single classes of it: their mean codes, sparsity and cosines.

    w̄ = mean of w over the samples

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024; README of the code.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor

from splice_exp.core.errors import SpliceError, nearest, require_integer, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Join, Measure, Unit
from splice_exp.data.base import DataSource
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

ALL = "all samples"


class MeanCodes(Evaluation):
    """Mean codes of all samples and of chosen classes.

    Args:
        classes: Whose mean codes, L0 and cosine are measured beside those of all samples.
        top_k: Largest mean codes that are listed.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the bootstrap.
    """

    measures = (
        L0,
        *COSINES,
        Measure("mean_codes/l0_{class}", "L0 of {class}", Unit.AVERAGE),
        Measure("mean_codes/cosine_{class}", "cosine of {class}", Unit.COSINE, True),
        Measure("mean_codes/num_samples_{class}", "n of {class}", Unit.COUNT, join=Join.TOTAL),
        *CERTIFICATES,
        NUM_SAMPLES,
    )

    def __init__(
        self, classes: Sequence[str] = (), top_k: int = 12, bootstrap_resamples: int = 1000, seed: int = 0
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_names("classes", classes)
        require_integer("top_k", top_k, 1)
        self._classes, self._top_k = tuple(classes), top_k

    def require(self, data: DataSource) -> None:
        for name in self._classes:
            data.class_named(name, of=self)

    def evaluate(self, study: Study) -> Findings:
        """Average the codes.

        Raises:
            SpliceError: naming a class that the data do not have.
        """
        named = [study.data.class_named(name, of=self) for name in self._classes]
        members = {name: self._members(study, name) for name in named}  # before anything is solved
        decomposition, embeddings = study.decomposition, study.embeddings
        samples = fit_of_samples(study)
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(decomposition),
            "data/num_samples": len(embeddings),
        }
        for name, chosen in members.items():
            of_class = {
                f"mean_codes/l0_{name}": samples["l0/mean"][chosen],
                f"mean_codes/cosine_{name}": samples["cosine/plain"][chosen],
            }
            metrics |= {**self._summarised(of_class), f"mean_codes/num_samples_{name}": int(chosen.sum())}
        everyone = torch.ones(len(embeddings), dtype=torch.bool)
        table = pd.DataFrame(
            [
                (name, rank + 1, concept, code)
                for name, chosen in {ALL: everyone, **members}.items()
                for rank, (concept, code) in enumerate(self._largest(study, chosen))
            ],
            columns=["of", "rank", "concept", "code"],
        )
        return Findings(metrics, embeddings.sample_ids, samples, {"mean_codes": table})

    def _members(self, study: Study, name: str) -> Bool[Tensor, " n"]:
        """Return which samples are of a class."""
        embeddings = study.embeddings
        if embeddings.labels is None or name not in embeddings.classes:
            raise SpliceError(
                f"{key_of('classes', self)} has {name!r}, of which {study.data.name} has no samples with a text in the "
                f"backbone ({nearest(name, embeddings.classes)})."
            )
        return embeddings.labels == embeddings.classes.index(name)

    def _largest(self, study: Study, chosen: Bool[Tensor, " n"]) -> list[tuple[str, float]]:
        """Name the largest mean codes of some samples, the largest first."""
        codes = study.decomposition.codes
        means = codes.mean_by(chosen.long(), 2)[1]
        order = means.argsort(descending=True, stable=True)[: self._top_k].tolist()
        return [(codes.concepts[concept], float(means[concept])) for concept in order if means[concept] > 0]
