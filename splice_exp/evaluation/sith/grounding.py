"""Do heads write along a singular vector when an image shows what the vector is said to mean?

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 4.2.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.statistics.intervals import of_group
from splice_exp.data.base import EncodableSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import KKT, L0, NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.sith.grounding_scores import Grounding, drives, most_driving
from splice_exp.evaluation.sith.head_activations import NUM_POLES, heads_of_vectors, over_vectors, read_heads
from splice_exp.evaluation.sith.heads import TOP
from splice_exp.heads.explain import FIDELITY, Explanations
from splice_exp.heads.reading import Reading

MEASURES = (
    *beside(
        Measure("sith/likeness", "rank correlation with the explanation", Unit.COSINE, True),
        null="rank correlation, another direction",
    ),
    *beside(
        Measure("grounding/area_first", "AUC of the first concept", Unit.SHARE, True, optional=True),
        null="AUC of the first concept, another direction",
    ),
    *beside(
        Measure("grounding/area_codes", "AUC of the code", Unit.SHARE, True, optional=True),
        null="AUC of the code, another direction",
    ),
    *beside(
        Measure("grounding/top", "first concept true of max-activating images", Unit.SHARE, True, optional=True),
        null="first concept true of all images",
    ),
    Measure("grounding/named", "directions with a testable concept", Unit.SHARE, optional=True),
    *FIDELITY,
    L0,
    KKT,
    NUM_POLES,
    NUM_SAMPLES,
)


class SithGrounding(Evaluation):
    """How well the images that drive a signed direction agree with its explanation; for each signed direction.

    `likeness`: Spearman's correlation, over images, of the drive of a signed direction and the cosine of image and
    explanation (the reconstruction from its code). Where truth is known, `area_first`: the area under the ROC curve by
    which the drive predicts where the first concept is true; `area_codes`: the mean over all concepts of the code,
    by their values; `top`: how often the first concept of a signed direction is true of the images that drive it most
    (null: of all images). Nulls of the others: by the drive of another signed direction, sampled at random (a
    derangement). Signed directions without a concept that can be true or not do not count; `named`: the share of the
    others.

    Args:
        reading: Which heads, and how; images are looked at by the image tower.
        bootstrap_resamples: Not used: 95 % intervals are those of Student, with heads as clusters of vectors.
        seed: Of nulls and the bootstrap.
    """

    measures = MEASURES

    def __init__(self, reading: Reading, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        super().__init__(bootstrap_resamples, seed)
        if reading.tower != "image" or reading.side != "writes":
            raise SpliceError(
                "evaluation=sith_grounding measures which images activate heads: set "
                f"{key_of('reading.tower')}=image and {key_of('reading.side')}=writes."
            )
        self._reading = reading

    def evaluate(self, study: Study) -> Findings:
        """Explain, look at images, and compare.

        Raises:
            SpliceError: if the backbone has no such heads, or the data are not images.
        """
        reading, data = self._reading, study.data
        read = read_heads(study, reading)
        spectra, found, names = read.spectra, read.explanations, read.names
        drive = drives(study, reading, spectra)
        other = derangement(len(found), self._seed)
        likeness = self._likeness(study, found)
        samples = {
            "sith/likeness": correlations(drive, likeness),
            "sith/likeness_null": correlations(drive[:, other], likeness),
        }
        truth = data.truth() if isinstance(data, EncodableSource) else None
        if truth is not None:
            samples |= self._judged(Grounding.of(found, truth), drive, other)
        samples, vectors = over_vectors(samples, names)
        heads = heads_of_vectors(vectors)
        metrics: dict[str, Metric] = {
            **self._summarised(samples, heads),
            "sith/joint": float(found.fidelity()["joint"].mean()),
            "l0/mean": float(found.solution.codes.l0().double().mean()),
            "solver/kkt_max": float(found.solution.kkt_violation.max()),
            "sith/num_poles": len(found),
            "data/num_samples": len(data),
        }
        return Findings(metrics, vectors, samples, clusters=heads)

    def _likeness(self, study: Study, found: Explanations) -> Float[np.ndarray, "n m"]:
        """Return the cosines of all images, centred, and the reconstructions from codes."""
        images = study.extracted.features.double() - study.image_mean.double()
        return (images @ found.composed.T).numpy() / np.maximum(found.composed.norm(dim=1).numpy(), 1e-12)

    def _judged(self, known: Grounding, drive: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
        there, some = known.first >= 0, known.codes.sum(axis=1) > 0
        if not there.any():
            return {}
        rows, first = np.arange(len(known.first)), np.maximum(known.first, 0)
        own, chance = known.areas(drive), known.areas(drive[:, other])
        top, base = known.shares(most_driving(drive, TOP)), known.holds.mean(axis=1)
        return {
            "grounding/area_first": of_group(own[rows, first], there),
            "grounding/area_first_null": of_group(chance[rows, first], there),
            "grounding/area_codes": of_group((own * known.codes).sum(axis=1), some),
            "grounding/area_codes_null": of_group((chance * known.codes).sum(axis=1), some),
            "grounding/top": of_group(top[rows, first], there),
            "grounding/top_null": of_group(base[first], there),
            "grounding/named": there.astype(float),
        }


def derangement(count: int, seed: int) -> np.ndarray:
    """Draw an order in which nothing stays where it was: each goes to the next one of a random circle.

    Args:
        count: At least 2; a single one has nowhere to go.
        seed: Of the sampling.
    """
    circle = np.random.default_rng(seed).permutation(count)
    found = np.empty(count, dtype=int)
    found[circle] = np.roll(circle, 1)
    return found


def correlations(first: Float[np.ndarray, "n m"], second: Float[np.ndarray, "n m"]) -> Float[np.ndarray, " m"]:
    """Return Spearman's correlation of each column of the one with that of the other; 0 where one is constant.

    Args:
        first: n values of each of m.
        second: The column that each is compared with.
    """
    a, b = (rankdata(values, axis=0) for values in (first, second))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    lengths = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.asarray((a * b).sum(axis=0) / np.where(lengths > 0, lengths, 1.0))
