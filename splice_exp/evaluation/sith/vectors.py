"""How well do sparse codes describe both signed directions that heads write, and do their concepts belong together?

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import require_integer
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.statistics.intervals import of_group, weighted
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import KKT, L0, NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.sith.head_activations import (
    NUM_POLES,
    heads_of_vectors,
    over_vectors,
    random_like,
    read_heads,
)
from splice_exp.heads.coherence import coherence, coherence_of_chance
from splice_exp.heads.explain import FIDELITY, Explanations
from splice_exp.heads.reading import Reading

MEASURES = (
    *FIDELITY,
    Measure("sith/ratio", "residual stream / ceiling", Unit.NUMBER, True),
    Measure("sith/joint_gain", "joint space, weighted by squared singular values", Unit.NUMBER, True),
    Measure("sith/joint_null", "joint space, random directions", Unit.COSINE),
    Measure("sith/joint_random", "joint space, random concepts", Unit.COSINE),
    Measure("sith/stream_null", "residual stream, random directions", Unit.COSINE),
    *beside(
        Measure("sith/coherence", "coherence", Unit.COSINE, True, optional=True), null="coherence of shuffled concepts"
    ),
    Measure("dictionary/size", "atoms", Unit.COUNT),
    L0,
    KKT,
    NUM_POLES,
    NUM_SAMPLES,
)


class SithVectors(Evaluation):
    """Fidelity and coherence of the codes of both signed directions of singular vectors, with nulls and ceilings.

    `joint`: cosine of code and signed direction in the joint space; `stream`: the same after the inverse map, in the
    residual stream (an estimate that knows how much the code misses); `ceiling`: the same for a perfect code; `ratio`:
    of the two; `published`, `published_ceiling`: as the authors go back; `joint_gain`: weighted by squared singular
    values. `coherence`: mean cosine of the concepts of a list.
    Nulls: `joint_null`, `stream_null` of random directions; `joint_random` of concepts sampled at random, as many as in
    the longest list; `coherence_null` of lists of the same concepts, shuffled.

    Args:
        reading: Which heads, and how.
        listed: Concepts of each signed direction that are kept in the table `vectors`.
        bootstrap_resamples: Not used: 95 % intervals are those of Student, with heads as clusters of vectors.
        seed: Of nulls and the bootstrap.
    """

    measures = MEASURES

    def __init__(self, reading: Reading, listed: int = 5, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_integer("listed", listed, 1)
        self._reading, self._listed = reading, listed

    def evaluate(self, study: Study) -> Findings:
        """Explain, and compare with what is explained.

        Raises:
            SpliceError: if the backbone has no such heads.
        """
        reading, dictionary = self._reading, study.dictionary
        read = read_heads(study, reading)
        spectra, found, names = read.spectra, read.explanations, read.names
        null = random_like(study, found, self._seed)
        places = torch.tensor(reading.chosen(spectra)).repeat_interleave(2)
        energies = spectra.gains.flatten()[places].square()
        samples = {f"sith/{name}": values for name, values in self._fidelities(found, null, energies).items()}
        samples.update(self._coherences(found))
        samples, vectors = over_vectors(samples, names)
        heads = heads_of_vectors(vectors)
        codes = found.solution.codes
        metrics: dict[str, Metric] = {
            **self._summarised(samples, heads),
            "l0/mean": float(codes.l0().double().mean()),
            "solver/kkt_max": float(found.solution.kkt_violation.max()),
            "dictionary/size": len(dictionary),
            "sith/num_poles": len(found),
            "data/num_samples": len(study.data),
        }
        listed = listed_vectors(found, names, energies.sqrt(), self._listed)
        return Findings(metrics, vectors, samples, {"vectors": listed}, heads)

    def _fidelities(
        self, found: Explanations, null: Explanations, energies: Float[Tensor, " m"]
    ) -> dict[str, np.ndarray]:
        own, chance = found.fidelity(), null.fidelity()
        values = {name: cosines.numpy() for name, cosines in own.items()}
        values["ratio"] = values["stream"] / values["ceiling"]
        values["joint_gain"] = weighted(values["joint"], energies.numpy())
        values["joint_null"], values["stream_null"] = chance["joint"].numpy(), chance["stream"].numpy()
        by_chance = found.by_chance(self._seed)
        values["joint_random"] = torch.nn.functional.cosine_similarity(by_chance, found.targets, dim=1).numpy()
        return values

    def _coherences(self, found: Explanations) -> dict[str, np.ndarray]:
        codes, atoms = found.solution.codes, found.dictionary.atoms
        values = {
            "sith/coherence": coherence(codes, atoms).numpy(),
            "sith/coherence_null": coherence_of_chance(codes, atoms, self._seed).numpy(),
        }
        there = ~np.isnan(values["sith/coherence"])  # a list of one concept has none
        if not there.any():
            return {}
        return {name: of_group(np.nan_to_num(one), there) for name, one in values.items()}


def listed_vectors(found: Explanations, names: Sequence[str], gains: Float[Tensor, " m"], count: int) -> pd.DataFrame:
    """Return the largest concepts of each signed direction, one per line.

    Args:
        found: Of m signed directions.
        names: Of the signed directions.
        gains: Singular values of their vectors.
        count: Concepts per signed direction.
    """
    return pd.DataFrame(
        [
            (name, float(gain), rank + 1, concept, value)
            for name, gain, concepts in zip(names, gains, found.top(count), strict=True)
            for rank, (concept, value) in enumerate(concepts)
        ],
        columns=["vector", "gain", "rank", "concept", "code"],
    )
