"""Do the concepts of a class change from one part of the data to another?

    cos(w̄_c in this part, w̄_c in the other part)      w̄_c = mean code of class c

Two random halves of the same part say how near the same distribution comes.

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, tables 8 and 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from splice_exp.core.errors import SpliceError, require_names
from splice_exp.core.names import mentioning
from splice_exp.data.base import DataSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import Evaluation, Findings, Metric, certificates


class DistributionShift(Evaluation):
    """Cosines of the mean codes of each class between parts of a data set, and the mean codes of some words.

    All parts are seen through the image mean and the dictionary of the data of the run. Intervals are over classes.

    Args:
        parts: Name → another part of the data.
        own: Name of the data of the run.
        words: Whose mean codes are listed by class and part: the sum over the concepts in which a word occurs.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the halves and the bootstrap.
    """

    def __init__(
        self,
        parts: Mapping[str, DataSource],
        own: str = "test",
        words: Sequence[str] = (),
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_names("evaluation.words", words)
        if not parts or own in parts:
            raise SpliceError(
                f"evaluation.parts names {sorted(parts)}, but must name one or more parts besides evaluation.own "
                f"({own!r})."
            )
        self._parts, self._own, self._words = dict(parts), own, tuple(words)

    def evaluate(self, study: Study) -> Findings:
        """Compare all parts.

        Raises:
            SpliceError: if a part has other classes, or none.
        """
        studies = {**{name: study.of(data) for name, data in self._parts.items()}, self._own: study}
        classes = study.embeddings.classes
        for name, part in studies.items():
            if part.embeddings.labels is None or part.embeddings.classes != classes or not classes:
                raise SpliceError(f"evaluation.parts.{name} must have the classes of the data, {list(classes)}.")
        means = {name: _means(part, np.arange(len(part.embeddings))) for name, part in studies.items()}
        samples = {
            f"shift/{first}_{second}": cosine_similarity(means[first], means[second]).numpy()
            for first, second in combinations(means, 2)
        }
        for name, part in studies.items():
            order = self._permutation(len(part.embeddings))
            half = len(order) // 2
            samples[f"shift/{name}_halves"] = cosine_similarity(
                _means(part, order[:half]), _means(part, order[half:])
            ).numpy()
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(study.decomposition),
            "l0/mean": float(study.decomposition.codes.l0().double().mean()),
            "data/num_samples": sum(len(part.embeddings) for part in studies.values()),
        }
        lines = []
        for word in self._words:
            concepts = mentioning("evaluation.words", [word], study.dictionary.concepts)
            columns = [study.dictionary.index(concept) for concept in concepts]
            for name, mean in means.items():
                lines += [
                    (word, classes[label], name, float(mean[label, columns].sum())) for label in range(len(classes))
                ]
        table = pd.DataFrame(lines, columns=["concept", "class", "part", "code"])
        return Findings(metrics, classes, samples, {"shift": table})


def _means(study: Study, rows: np.ndarray) -> Float[Tensor, "c k"]:
    """Return the mean codes of each class over some samples."""
    labels = study.embeddings.labels
    assert labels is not None
    chosen = torch.from_numpy(np.sort(rows))
    part = study.decomposition.codes.select(chosen)
    return part.mean_by(labels[chosen], len(study.embeddings.classes)).double()
