"""Is the largest concept of a disc its colour?"""

import numpy as np

from splice_exp.core.measures import Measure, Unit
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings

NAMED = Measure("disc/named", "colour is the largest concept", Unit.SHARE, higher_is_better=True)
NULL = Measure("disc/named_null", "the same, colours permuted", Unit.SHARE)


class NamesItsColour(Evaluation):
    measures = (NAMED, NULL, NUM_SAMPLES)

    def __init__(self, bootstrap_resamples=1000, seed=0):
        super().__init__(bootstrap_resamples, seed)

    def evaluate(self, study):
        embeddings = study.embeddings
        largest = np.array([top[0][0] if top else "" for top in study.decomposition.codes.top(1)])
        colour = np.array([embeddings.classes[label] for label in embeddings.labels.tolist()])
        samples = {
            "disc/named": (largest == colour).astype(float),
            "disc/named_null": (largest == colour[self._permutation(len(colour))]).astype(float),
        }
        metrics = {**self._summarised(samples), "data/num_samples": len(embeddings)}
        return Findings(metrics, embeddings.sample_ids, samples)
