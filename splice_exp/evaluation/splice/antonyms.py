"""Are opposites opposite to the text encoder? Cosines of antonyms, and of a word with its negation.

    cos(e(a), e(b))       raw, and centred by the mean of all concepts: cos(e(a) − ē, e(b) − ē)

If they were, a negative code would say the opposite of a concept; the paper finds that they are not.

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, table 10.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from splice_exp.core.errors import SpliceError, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings, Metric

MEASURES = (
    Measure("antonyms/antonyms", "antonyms", Unit.COSINE),
    Measure("antonyms/negations", "negations", Unit.COSINE),
    Measure("antonyms/random_pairs", "random pairs", Unit.COSINE),
    Measure("antonyms/antonyms_centred", "antonyms, centred", Unit.COSINE),
    Measure("antonyms/negations_centred", "negations, centred", Unit.COSINE),
    Measure("antonyms/random_pairs_centred", "random pairs, centred", Unit.COSINE),
    NUM_SAMPLES,
)


class Antonyms(Evaluation):
    """Mean cosines of pairs of opposites, of words with their negations, and of random pairs of concepts.

    Intervals are over pairs.

    Args:
        pairs: Pairs of opposite words.
        negation: Text of a negation, with `{}` for the word.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the random pairs and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        pairs: Sequence[Sequence[str]],
        negation: str = "not {}",
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        for pair in pairs:
            require_names("pairs", pair)
        if not pairs or any(len(pair) != 2 for pair in pairs):
            raise SpliceError(f"{key_of('pairs')} is {list(pairs)}, but must be one or more pairs of words.")
        if negation.count("{}") != 1:
            raise SpliceError(f"{key_of('negation')} is {negation!r}, but must have {{}} once, for the word.")
        self._pairs, self._negation = [(pair[0], pair[1]) for pair in pairs], negation

    def evaluate(self, study: Study) -> Findings:
        """Encode and compare."""
        first, second = ([pair[side] for pair in self._pairs] for side in (0, 1))
        encode = study.encode_text
        negated = encode([self._negation.replace("{}", word) for word in first])
        random = np.random.default_rng(self._seed)
        drawn = random.choice(len(study.dictionary), size=(len(first), 2))
        others = [encode([study.dictionary.concepts[place] for place in drawn[:, side].tolist()]) for side in (0, 1)]
        concepts = encode(list(study.dictionary.concepts))
        mean = concepts.double().mean(dim=0).to(concepts.dtype)  # also where the dictionary is not centred
        left, right = encode(first), encode(second)
        samples: dict[str, np.ndarray] = {}
        for name, one, other in (
            ("antonyms", left, right),
            ("negations", left, negated),
            ("random_pairs", others[0], others[1]),
        ):
            samples[f"antonyms/{name}"] = _cosines(one, other, torch.zeros_like(mean))
            samples[f"antonyms/{name}_centred"] = _cosines(one, other, mean)
        metrics: dict[str, Metric] = {**self._summarised(samples), "data/num_samples": len(self._pairs)}
        return Findings(metrics, [f"{a} {b}" for a, b in self._pairs], samples)


def _cosines(first: Tensor, second: Tensor, mean: Tensor) -> np.ndarray:
    around = mean.double()
    return np.asarray(cosine_similarity(first.double() - around, second.double() - around, dim=1))
