"""Do the concepts that explain a singular vector have one meaning, as a language model judges them?

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.statistics.intervals import of_group, rank_correlation
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import KKT, L0, NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.sith.head_activations import NUM_POLES, heads_of_vectors, over_vectors, read_heads
from splice_exp.heads.coherence import coherence, dealt
from splice_exp.heads.explain import FIDELITY
from splice_exp.heads.judge import Judge, read_prompt
from splice_exp.heads.reading import Reading
from splice_exp.heads.verdicts import Verdict, agreement

MEASURES = (
    *beside(Measure("judge/score", "score", Unit.AVERAGE, True), null="score of shuffled lists"),
    Measure("judge/same", "same score again", Unit.SHARE),
    Measure("judge/within_one", "score within one", Unit.SHARE),
    Measure("judge/kappa", "weighted kappa", Unit.COSINE),
    Measure("judge/readable", "readable replies", Unit.SHARE),
    Measure("judge/to_coherence", "rank correlation with coherence", Unit.COSINE),
    Measure("judge/num_repeats", "repeats", Unit.COUNT),
    *FIDELITY,
    L0,
    KKT,
    NUM_POLES,
    NUM_SAMPLES,
)


class SithJudged(Evaluation):
    """Scores of 1 to 5 for the list of each signed direction, beside those of shuffled lists of the same length.

    `score`: the mean over repeats; `score_null`: with the concepts of all lists shuffled; `same`, `within_one`,
    `kappa`: how far repeats agree; `readable`: share of the replies that could be read, of both. `to_coherence`:
    Spearman's correlation of the score with the mean cosine of the concepts, over lists and their nulls together.

    Args:
        reading: Which heads, and how.
        judge: Whom to ask.
        listed: Concepts of each signed direction that the judge sees, at most.
        bootstrap_resamples: Not used: 95 % intervals are those of Student, with heads as clusters of vectors.
        seed: Of nulls and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self, reading: Reading, judge: Judge, listed: int = 5, bootstrap_resamples: int = 1000, seed: int = 0
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_integer("listed", listed, 1)
        self._reading, self._judge, self._listed = reading, judge, listed

    def evaluate(self, study: Study) -> Findings:
        """Explain, and ask.

        Raises:
            SpliceError: if the backbone has no such heads, or the judge does not answer.
        """
        reading = self._reading
        read = read_heads(study, reading)
        found, names = read.explanations, read.names
        codes = found.solution.codes
        chance = replace(codes, indices=dealt(codes, self._seed))
        concepts, atoms = found.dictionary.concepts, found.dictionary.atoms
        asked = [one.named(concepts).top(self._listed) for one in (codes, chance)]
        verdicts = [self._judge.verdicts([read_prompt("coherence", of_one) for of_one in lists]) for lists in asked]
        own, null = (np.array([_mean(of_one) for of_one in said]) for said in verdicts)
        there = ~np.isnan(own) & ~np.isnan(null)
        if not there.any():
            raise SpliceError(
                f"No reply of {self._judge.name} could be read: take another {key_of('judge.model', self)}."
            )
        samples = {
            "judge/score": of_group(np.nan_to_num(own), there),
            "judge/score_null": of_group(np.nan_to_num(null), there),
        }
        cosines = np.concatenate([coherence(one, atoms).numpy() for one in (codes, chance)])
        scores = np.concatenate([own, null])
        both = ~np.isnan(cosines) & ~np.isnan(scores)
        repeated = [[one.score for one in of_one if one is not None] for said in verdicts for of_one in said]
        replies = [one for said in verdicts for of_one in said for one in of_one]
        samples, vectors = over_vectors(samples, names)
        heads = heads_of_vectors(vectors)
        metrics: dict[str, Metric] = {
            **self._summarised(samples, heads),
            **{f"judge/{name}": value for name, value in agreement(repeated).items()},
            "judge/readable": sum(one is not None for one in replies) / len(replies),
            "judge/to_coherence": float(rank_correlation(scores[both], cosines[both]).mean()),
            "judge/num_repeats": self._judge.repeats,
            "sith/joint": float(found.fidelity()["joint"].mean()),
            "l0/mean": float(codes.l0().double().mean()),
            "solver/kkt_max": float(found.solution.kkt_violation.max()),
            "sith/num_poles": len(found),
            "data/num_samples": len(study.data),
        }
        themes = self._themes(names, asked[0], verdicts[0])
        return Findings(metrics, vectors, samples, {"themes": themes}, heads)

    def _themes(
        self,
        names: Sequence[str],
        lists: Sequence[Sequence[tuple[str, float]]],
        verdicts: Sequence[tuple[Verdict | None, ...]],
    ) -> pd.DataFrame:
        """Return what was asked and said, one line a repeat."""
        return pd.DataFrame(
            [
                (name, ", ".join(word for word, _ in concepts), repeat, one.theme, one.score)
                for name, concepts, said in zip(names, lists, verdicts, strict=True)
                for repeat, one in enumerate(said)
                if one is not None
            ],
            columns=["vector", "concepts", "repeat", "theme", "score"],
        )


def _mean(verdicts: Sequence[Verdict | None]) -> float:
    """Return the mean score of the replies that could be read; NaN if there is none."""
    scores = [one.score for one in verdicts if one is not None]
    return float(np.mean(scores)) if scores else float("nan")
