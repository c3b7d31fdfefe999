"""Do three ways of naming learned atoms agree, and do the names say what is in the images?

text            nearest text of the vocabulary
correlation     text whose similarity goes with the code, over the images
decomposition   largest concept of the atom's own certified decomposition
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from splice_exp.core.measures import Join, Measure, Unit, beside
from splice_exp.core.truth import GroundTruth
from splice_exp.decomposition.study import Study
from splice_exp.dictionaries.learned.naming import WAYS, Names, agreement, name_atoms
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.measures.recovery import recovery, supports_of

log = logging.getLogger(__name__)

PAIRS = (("text", "correlation"), ("text", "decomposition"), ("correlation", "decomposition"))
WORDS = 3  # of a decomposition, in the table

MEASURES = (
    *(
        one
        for way in WAYS
        for one in beside(
            Measure(f"naming/precision_{way}", f"precision of names by {way}", Unit.SHARE, True, optional=True),
            null=f"precision, names by {way} shuffled",
        )
    ),
    *(
        one
        for first, second in PAIRS
        for one in beside(
            Measure(f"naming/agreement_{first}_{second}", f"agreement of {first} and {second}", Unit.SHARE, True),
            null=f"agreement of {first} and {second}, shuffled",
        )
    ),
    Measure("naming/agreement_all", "agreement of all three", Unit.SHARE, True),
    *(Measure(f"naming/distinct_{way}", f"distinct names by {way}", Unit.SHARE, True) for way in WAYS),
    Measure("naming/cosine", "cosine with the nearest text", Unit.COSINE, True),
    Measure("naming/correlation", "correlation with the name", Unit.COSINE, True),
    Measure("naming/unexplained", "atom unexplained by words", Unit.SHARE, False),
    Measure("naming/words", "words of an atom", Unit.AVERAGE),
    Measure("naming/gap_max", "duality gap of atoms", Unit.BOUND, False, Join.LARGEST, floor=1e-6),
    Measure("naming/num_atoms", "active atoms", Unit.COUNT),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class AtomNames(Evaluation):
    """Names of the atoms that are active in some sample, with shuffled names as the null.

    `precision`: of what the names of a sample's active atoms say, the share that is true of it; only where the truth is
    known. `agreement`: the share of atoms that get the same name; its null shuffles the names of one way. `distinct`:
    names per named atom. `unexplained`: what the decomposition of an atom leaves of it, ‖a − w D‖².

    Args:
        bootstrap_resamples: For the 95 % intervals of precisions, over samples.
        seed: Of the shuffles and the bootstrap.
    """

    measures = MEASURES

    def evaluate(self, study: Study) -> Findings:
        """Name all active atoms, and judge the names."""
        dictionary, texts, codes = study.dictionary, study.texts, study.decomposition.codes
        used = np.bincount(codes.indices.numpy(), minlength=len(dictionary))
        active = torch.from_numpy(np.flatnonzero(used))
        names = name_atoms(dictionary.atoms, texts, study.solver, codes, study.targets)
        order = active[torch.from_numpy(self._permutation(len(active)))]
        metrics: dict[str, Metric] = {"naming/num_atoms": len(active)}
        for first, second in PAIRS:
            one, other = names.chosen[first], names.chosen[second]
            metrics[f"naming/agreement_{first}_{second}"] = _mean(agreement([one[active], other[active]]))
            metrics[f"naming/agreement_{first}_{second}_null"] = _mean(agreement([one[active], other[order]]))
        metrics["naming/agreement_all"] = _mean(agreement([names.chosen[way][active] for way in WAYS]))
        for way in WAYS:
            given = [place for place in names.chosen[way][active].tolist() if place >= 0]
            metrics[f"naming/distinct_{way}"] = len(set(given)) / max(1, len(given))
        left = (dictionary.atoms.double() - names.sums.codes @ texts.atoms.double()).square().sum(dim=1)
        metrics |= {
            "naming/cosine": _mean(names.cosine[active]),
            "naming/correlation": _mean(names.correlation[active]),
            "naming/unexplained": _mean(left[active]),
            "naming/words": _mean(names.sums.codes.l0()[active]),
            "naming/gap_max": float(names.sums.duality_gap.max()),
        }
        samples = {"l0/mean": codes.l0().double().numpy()}
        if study.truth is not None:
            samples |= self._precisions(study, names, active, order)
        metrics |= {**self._summarised(samples), **certificates(study.decomposition)}
        metrics["data/num_samples"] = len(codes)
        return Findings(metrics, study.embeddings.sample_ids, samples, {"atoms": _table(study, names, used, left)})

    def _precisions(
        self, study: Study, names: Names, active: torch.Tensor, order: torch.Tensor
    ) -> dict[str, np.ndarray]:
        supports, found = supports_of(study.decomposition.codes), {}
        assert study.truth is not None
        for way in WAYS:
            own = names.of(way)
            shuffled = list(own)
            for place, taken in zip(active.tolist(), order.tolist(), strict=True):
                shuffled[place] = own[taken]
            found[f"naming/precision_{way}"] = precision(supports, own, study.truth)
            found[f"naming/precision_{way}_null"] = precision(supports, shuffled, study.truth)
        return found


def precision(supports: Sequence[Sequence[int]], names: Sequence[str], truth: GroundTruth) -> np.ndarray:
    """Return the share of what the names of each sample's active atoms say that is true of it, (n,).

    Args:
        supports: Active atoms of each sample.
        names: Of all atoms; an atom without a name says nothing.
        truth: Of the same samples.
    """
    named = [[atom for atom in support if names[atom]] for support in supports]
    return recovery(named, names, truth)["precision"]


def _mean(values: torch.Tensor) -> float:
    return float(values.double().mean()) if len(values) else 0.0


def _table(study: Study, names: Names, used: np.ndarray, left: torch.Tensor) -> pd.DataFrame:
    """Return one line per atom, the most frequent first."""
    sums = [
        " + ".join(f"{value:.2f} {concept}" for concept, value in row)
        for row in names.sums.codes.named(names.concepts).top(WORDS)
    ]
    table = pd.DataFrame(
        {
            "atom": study.dictionary.concepts,
            "samples": used,
            **{f"by {way}": names.of(way) for way in WAYS},
            "as a sum": sums,
            "unexplained": left.numpy(),
            "duality gap": names.sums.duality_gap.numpy(),
        }
    )
    return table.sort_values("samples", ascending=False, kind="stable")
