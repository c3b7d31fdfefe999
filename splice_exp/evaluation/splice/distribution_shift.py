"""Do the concepts of a class change from one part of the data to another?

    cos(w̄_c in this part, w̄_c in the other part)      w̄_c = mean code of class c

Two samples from the same part say how near the same distribution comes. All means are over equally many samples of a
class, half of what the smallest part has, sampled without replacement: fewer samples make any two means less alike.

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

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_integer, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit
from splice_exp.core.names import mentioning
from splice_exp.data.base import DataSource
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.geometry import center
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates

MEASURES = (
    Measure("shift/{part}_halves_dense", "dense {part} halves", Unit.COSINE),
    Measure("shift/{part}_halves_null", "{part} halves, other classes", Unit.COSINE),
    Measure("shift/{part}_halves", "{part} halves", Unit.COSINE),
    Measure("shift/{first}_{second}_dense", "dense {first}–{second}", Unit.COSINE),
    Measure("shift/{first}_{second}_null", "{first}–{second}, other classes", Unit.COSINE),
    Measure("shift/{first}_{second}", "{first}–{second}", Unit.COSINE),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class DistributionShift(Evaluation):
    """Cosines of the mean codes of each class between parts of a data set, and the mean codes of some words.

    All parts are seen through the image mean and the dictionary of the data of the run. Baseline: the same cosines of
    mean centred embeddings. Of the image mean alone all parts are the same. Null: another class of the other part.
    Intervals are over classes.

    Args:
        parts: Name → another part of the data.
        own: Name of the data of the run.
        words: Whose mean codes are listed by class and part: the sum over the concepts in which a word occurs.
        draws: Of samples, over which cosines are averaged.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the halves and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        parts: Mapping[str, DataSource],
        own: str = "test",
        words: Sequence[str] = (),
        draws: int = 20,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_names("words", words)
        if not parts or own in parts:
            raise SpliceError(
                f"{key_of('parts')} names {sorted(parts)}, but must name one or more parts besides {key_of('own')} "
                f"({own!r})."
            )
        require_integer("draws", draws, 1)
        self._parts, self._own, self._words, self._draws = dict(parts), own, tuple(words), draws

    def evaluate(self, study: Study) -> Findings:
        """Compare all parts.

        Raises:
            SpliceError: if a part has other classes, or none.
        """
        studies = {**{name: study.with_data(data) for name, data in self._parts.items()}, self._own: study}
        classes = study.embeddings.classes
        for name, part in studies.items():
            if part.embeddings.labels is None or part.embeddings.classes != classes or not classes:
                raise SpliceError(f"{key_of('parts', self)}.{name} must have the classes of the data, {list(classes)}.")
            if torch.bincount(part.embeddings.labels, minlength=len(classes)).min() < 2:
                raise SpliceError(
                    f"{key_of('parts', self)}.{name} has a class with fewer than two samples, but half of them are "
                    "sampled at a time: take more samples."
                )
        drawn = [self._alike(studies, draw) for draw in range(self._draws)]
        samples = {name: np.mean([one[name] for one in drawn], axis=0) for name in drawn[0]}
        means = {name: _means(part.decomposition.codes, _labels(part), len(classes)) for name, part in studies.items()}
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(study.decomposition),
            "l0/mean": float(study.decomposition.codes.l0().double().mean()),
            "data/num_samples": sum(len(part.embeddings) for part in studies.values()),
        }
        lines = []
        for word in self._words:
            concepts = mentioning("words", [word], study.dictionary.concepts, of=self)
            columns = [study.dictionary.index(concept) for concept in concepts]
            for name, mean in means.items():
                lines += [
                    (word, classes[label], name, float(mean[label, columns].sum())) for label in range(len(classes))
                ]
        table = pd.DataFrame(lines, columns=["concept", "class", "part", "code"])
        return Findings(metrics, classes, samples, {"shift": table})

    def _alike(self, studies: Mapping[str, Study], draw: int) -> dict[str, np.ndarray]:
        """Return the cosines of each class between all parts, and within each, of one draw of samples, (c,) each."""
        random = np.random.default_rng([self._seed, draw])
        counts = torch.stack([torch.bincount(_labels(part)) for part in studies.values()])
        size = (counts.min(dim=0).values // 2).tolist()
        num_classes = len(size)
        twice: dict[str, list[dict[str, Tensor]]] = {}
        for name, part in studies.items():
            halves: list[list[np.ndarray]] = [[], []]
            for label, of_class in enumerate(size):
                members = random.permutation(torch.nonzero(_labels(part) == label).flatten().numpy())
                halves[0].append(members[:of_class])
                halves[1].append(members[of_class : 2 * of_class])
            twice[name] = []
            for half in halves:
                rows = torch.from_numpy(np.sort(np.concatenate(half)))
                targets, _ = center(part.embeddings.features[rows], part.decomposition.image_mean)
                labels = _labels(part)[rows]
                dense = torch.stack([targets[labels == label].double().mean(dim=0) for label in range(num_classes)])
                codes = part.decomposition.codes.select(rows)
                twice[name].append({"": _means(codes, labels, num_classes), "_dense": dense})
        pairs = {f"{first}_{second}": (twice[first][0], twice[second][0]) for first, second in combinations(twice, 2)}
        pairs |= {f"{name}_halves": (first, second) for name, (first, second) in twice.items()}
        found = {}
        for name, (one, other) in pairs.items():
            for suffix in ("", "_dense"):
                found[f"shift/{name}{suffix}"] = cosine_similarity(one[suffix], other[suffix]).numpy()
            found[f"shift/{name}_null"] = cosine_similarity(one[""], other[""].roll(1, dims=0)).numpy()
        return found


def _labels(study: Study) -> Tensor:
    assert study.embeddings.labels is not None
    return study.embeddings.labels


def _means(codes: Codes, labels: Tensor, num_classes: int) -> Float[Tensor, "c k"]:
    """Return the mean codes of each class."""
    return codes.mean_by(labels, num_classes).double()
