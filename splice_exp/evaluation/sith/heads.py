"""What does each head write about, and do the images that make it write so agree?

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.statistics.intervals import of_group, weighted
from splice_exp.core.truth import GroundTruth
from splice_exp.data.base import EncodableSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import KKT, L0, NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.measures.kinds import OTHER, by_kind
from splice_exp.evaluation.measures.shown_maps import PICTURES, pictures_table
from splice_exp.evaluation.sith.grounding_scores import Grounding, drives, most_driving
from splice_exp.evaluation.sith.head_activations import (
    NUM_POLES,
    heads_of_vectors,
    over_vectors,
    random_like,
    read_heads,
)
from splice_exp.evaluation.sith.vectors import listed_vectors
from splice_exp.heads.explain import FIDELITY, Explanations
from splice_exp.heads.reading import Reading

TOP = 8  # images per signed direction
RANDOM = "random directions"

MEASURES = (
    *beside(
        Measure("sith/grounded", "first concept true of max-activating images", Unit.SHARE, True, optional=True),
        null="first concept true of all images",
    ),
    Measure("sith/named", "directions with a testable concept", Unit.SHARE, optional=True),
    Measure("sith/share_{kind}_null", "{kind} of random directions", Unit.SHARE, optional=True),
    Measure("sith/share_{kind}", "{kind}", Unit.SHARE, optional=True),
    *FIDELITY,
    L0,
    KKT,
    NUM_POLES,
    NUM_SAMPLES,
)


class SithHeads(Evaluation):
    """What the signed directions of singular vectors mean, by kinds of concepts and by the images that drive them most.

    Where kinds are known, `share_KIND`: share of the code that goes to concepts of a kind, weighted by squared singular
    values (null: of random directions). `joint`: cosine of code and signed direction. Where truth is known, `grounded`:
    how often the first concept is true of the images that drive the direction most (null: of all images); directions
    whose first concept is true of no image, or of all, do not count, `named` is the share of the others.

    Args:
        reading: Which heads, and how; images are looked at by the image tower.
        listed: Concepts that are kept of each signed direction.
        shown: Vectors of each head whose images are kept, those of the largest singular values.
        bootstrap_resamples: Not used: 95 % intervals are those of Student, with heads as clusters of vectors.
        seed: Of nulls and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self, reading: Reading, listed: int = 5, shown: int = 3, bootstrap_resamples: int = 1000, seed: int = 0
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_integer("listed", listed, 1)
        require_integer("shown", shown, 0)
        if reading.tower != "image" or reading.side != "writes":
            raise SpliceError(
                f"evaluation=sith_heads shows the images that activate heads most: set {key_of('reading.tower')}=image "
                f"and {key_of('reading.side')}=writes, or take evaluation=sith_vectors."
            )
        self._reading, self._listed, self._shown = reading, listed, shown

    def evaluate(self, study: Study) -> Findings:
        """Explain, and look at images.

        Raises:
            SpliceError: if the backbone has no such heads, or the data are not images.
        """
        data, reading = study.data, self._reading
        if not isinstance(data, EncodableSource):
            raise SpliceError("Heads are activated by images, but data are embeddings: take images, as data=scenes.")
        read = read_heads(study, reading)
        spectra, found, names = read.spectra, read.explanations, read.names
        places = torch.tensor(reading.chosen(spectra))
        energies = spectra.gains.flatten()[places].repeat_interleave(2).square()
        weights = (energies / energies.mean()).numpy()
        best = most_driving(drives(study, reading, spectra), TOP)
        samples = {"sith/joint": found.fidelity()["joint"].numpy()}
        tables = {"vectors": listed_vectors(found, names, energies.sqrt(), self._listed)}
        truth = data.truth()
        if truth is not None:
            shares, chance = (shares_of(one, truth) for one in (found, random_like(study, found, self._seed)))
            kinds = [*truth.kinds, OTHER]
            for column, kind in enumerate(kinds):
                samples[f"sith/share_{kind}"] = weighted(shares[:, column], weights)
                samples[f"sith/share_{kind}_null"] = chance[:, column]
            samples |= _grounded(Grounding.of(found, truth), best)
            tables["heads"] = _of_heads(names, shares, weights, kinds, chance.mean(axis=0))
        tables |= self._pictures(study, data, names, best)
        samples, vectors = over_vectors(samples, names)
        heads = heads_of_vectors(vectors)
        metrics: dict[str, Metric] = {
            **self._summarised(samples, heads),
            "l0/mean": float(found.solution.codes.l0().double().mean()),
            "solver/kkt_max": float(found.solution.kkt_violation.max()),
            "sith/num_poles": len(found),
            "data/num_samples": len(study.data),
        }
        return Findings(metrics, vectors, samples, tables, heads)

    def _pictures(
        self, study: Study, data: EncodableSource, names: Sequence[str], best: np.ndarray
    ) -> dict[str, pd.DataFrame]:
        """Return the images that drive the first vectors of each head, and which signed direction they drive."""
        kept = [row for row, name in enumerate(names) if int(name.rpartition(".")[2][:-1]) < self._shown]
        lines = [(names[row], rank + 1, int(picture)) for row in kept for rank, picture in enumerate(best[row])]
        table = pd.DataFrame(lines, columns=["vector", "rank", "picture"])
        side = int(study.backbone.preprocess(data.inputs(0, 1)).shape[-1])
        driving = sorted(set(table["picture"].tolist()))
        return {"driving": table, PICTURES: pictures_table(data, driving, side, study.backbone.border)}


def shares_of(found: Explanations, truth: GroundTruth) -> np.ndarray:
    """Return what share of each code goes to each kind of concepts, and to all others, (m, kinds + 1).

    Args:
        found: Explanations of m signed directions.
        truth: Knows the kinds of concepts.
    """
    totals = by_kind(found.solution.codes, found.dictionary.concepts, truth)
    return np.asarray(totals / np.maximum(totals.sum(axis=1, keepdims=True), 1e-12))


def _grounded(known: Grounding, best: np.ndarray) -> dict[str, np.ndarray]:
    """Return how often the first concept of a direction is true of the images that drive it, and of all images."""
    there = known.first >= 0
    if not there.any():
        return {}
    first = np.maximum(known.first, 0)
    return {
        "sith/grounded": of_group(known.shares(best)[np.arange(len(first)), first], there),
        "sith/grounded_null": of_group(known.holds.mean(axis=1)[first], there),
        "sith/named": there.astype(float),
    }


def _of_heads(
    names: Sequence[str], shares: np.ndarray, weights: np.ndarray, kinds: Sequence[str], chance: np.ndarray
) -> pd.DataFrame:
    """Return the weighted shares of each head, and those of random directions, as a separate head.

    Weights are squared singular values. Directions are explained alike whatever the layer; they are named by the layers
    that were read with them.
    """
    heads = np.array([name.rpartition(".")[0] for name in names])
    layers = ", ".join(dict.fromkeys(name.partition(".")[0] for name in names))
    lines = [
        (head, kind, float(np.average(shares[heads == head, column], weights=weights[heads == head])))
        for head in dict.fromkeys(heads.tolist())
        for column, kind in enumerate(kinds)
    ]
    lines += [(f"{RANDOM} ({layers})", kind, float(chance[column])) for column, kind in enumerate(kinds)]
    return pd.DataFrame(lines, columns=["head", "kind", "share"])
