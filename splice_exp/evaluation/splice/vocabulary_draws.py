"""Would another vocabulary have named the same? Codes over random parts of the dictionary, against those over all.

    shared = |S ∩ S'| / |S ∪ S'|      S: support over the whole dictionary, as far as its concepts were sampled
                                      S': support over the sampled part

References:
    Meinshausen, Bühlmann. Stability selection. JRSS B 72(4), 2010 (frequencies under perturbation).
"""

from __future__ import annotations

import numpy as np
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_at_least, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.matrices.cosines import cosine
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.statistics.intervals import of_group
from splice_exp.core.types import Dictionary
from splice_exp.decomposition.splice import decompose
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.measures.likeness import likeness, likeness_measures
from splice_exp.evaluation.measures.recovery import names_something, recovery, supports_of

MEASURES = (
    *likeness_measures("draws", "other samples"),
    *beside(
        Measure("draws/reconstruction", "cosine of reconstructions", Unit.COSINE, True),
        mean_only="cosine of reconstructions, mean baseline",
    ),
    Measure("draws/f1", "F1", Unit.SHARE, True, optional=True),
    Measure("draws/size", "atoms", Unit.COUNT),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class VocabularyDraws(Evaluation):
    """How much of a support stays when a part of the vocabulary is taken away, averaged over samples of it.

    `kept`: share of the support within the sampled part that is found again (of the rows whose support meets that
    part); `shared`: as above; `cosine`: of the two codes; `reconstruction`: cosine of the two reconstructions.
    Null: the supports of other samples. Mean baseline: cosine of the image mean with the reconstruction over the whole
    dictionary. The embedding itself does not change with the vocabulary.

    Atoms stay centred by the mean of the whole dictionary: only the choice of concepts changes.

    Args:
        share: Of the concepts, in (0, 1).
        draws: How many parts.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the sampling, the permutation and the bootstrap.
    """

    measures = MEASURES

    def __init__(self, share: float = 0.8, draws: int = 5, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_at_least("share", share, 0)
        require_integer("draws", draws, 1)
        if not 0 < share < 1:
            raise SpliceError(f"{key_of('share')} is {share}, but must lie between 0 and 1.")
        self._share, self._draws = share, draws

    def evaluate(self, study: Study) -> Findings:
        """Sample, solve again, and compare."""
        whole, dictionary = study.decomposition, study.dictionary
        random = np.random.default_rng(self._seed)
        others = torch.from_numpy(self._permutation(len(whole.codes)))
        found: dict[str, list[np.ndarray]] = {}
        for _ in range(self._draws):
            size = max(1, round(self._share * len(dictionary)))
            places = torch.from_numpy(np.sort(random.choice(len(dictionary), size=size, replace=False)))
            names = tuple(dictionary.concepts[place] for place in places.tolist())
            part = Dictionary(dictionary.atoms[places], names, dictionary.mean, dictionary.provenance)
            drawn = decompose(study.embeddings, part, study.solver, study.alignment, study.image_mean)
            absent = sorted(set(dictionary.concepts) - set(names))
            left = whole.codes.without(absent)
            column = torch.full((len(dictionary),), -1)
            column[places] = torch.arange(size)
            left = Codes(left.indptr, column[left.indices], left.values, size, names)
            for suffix, codes in (("", drawn.codes), ("_null", drawn.codes.select(others))):
                alike = likeness(left, codes)
                if (there := (left.l0() > 0).numpy()).any():
                    alike["kept"] = of_group(alike["kept"], there)
                for name in ("kept", "shared", "cosine"):
                    found.setdefault(f"draws/{name}{suffix}", []).append(alike[name])
            found.setdefault("draws/reconstruction", []).append(
                cosine(drawn.reconstruct(), whole.reconstruct()).numpy()
            )
            if study.truth is not None and names_something(names, study.truth):
                f1 = recovery(supports_of(drawn.codes), names, study.truth)["f1"]
                found.setdefault("draws/f1", []).append(f1)
        samples = {name: np.mean(values, axis=0) for name, values in found.items()}
        average = study.image_mean.expand_as(study.embeddings.features)
        samples["draws/reconstruction_mean_only"] = cosine(average, whole.reconstruct()).numpy()
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(whole),
            "l0/mean": float(whole.codes.l0().double().mean()),
            "draws/size": size,
            "data/num_samples": len(whole.codes),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples)
