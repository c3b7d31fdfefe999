"""Does a model still classify when its heads write what their explanations say instead of their singular vectors?

    M_h = U diag(σ) Vᵀ        →        M̂_h = U diag(σ) V̂ᵀ        v̂: what the codes of ±v say, in the residual stream

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 4.1.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import KKT, L0, NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.sith.edits import zero_shot
from splice_exp.evaluation.sith.head_activations import NUM_POLES, read_heads
from splice_exp.heads.editing import rewritten
from splice_exp.heads.explain import FIDELITY, Explanations
from splice_exp.heads.reading import Reading
from splice_exp.heads.spectra import Spectra

WAYS = {
    "after": "codes of both directions",
    "published": "published inverse map",
    "perfect": "perfect codes",
    "random": "random concepts",
    "removed": "vectors removed",
}
MEASURES = (
    Measure("replacement/accuracy_before", "accuracy, before", Unit.SHARE),
    *(Measure(f"replacement/accuracy_{way}", f"accuracy, {words}", Unit.SHARE, True) for way, words in WAYS.items()),
    *(
        Measure(f"sith/cosine_{way}", f"cosine of embeddings, {words}", Unit.COSINE, True)
        for way, words in WAYS.items()
    ),
    *FIDELITY,
    L0,
    KKT,
    NUM_POLES,
    NUM_SAMPLES,
)


class SithReplacement(Evaluation):
    """Zero-shot accuracy with heads that write other directions, and how alike embeddings stay.

    `accuracy_before`: as it is; `accuracy_after`: with v̂ = (v̂₊ − v̂₋) / 2, the estimates by the codes of both signed
    directions; `accuracy_published`: with the unit direction of the code of +v alone, as the authors invert it;
    `accuracy_perfect`: with codes that miss nothing; `accuracy_random`: with codes of as many concepts sampled at
    random; `accuracy_removed`: with vectors that write nothing. Without the last two, a small loss would say little:
    heads may not matter. `cosine_…`: of the embeddings and those of the model as it is.

    Args:
        reading: Which heads, and how.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of concepts sampled at random, and the bootstrap.
    """

    measures = MEASURES

    def __init__(self, reading: Reading, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        super().__init__(bootstrap_resamples, seed)
        if reading.side != "writes" or not reading.folded:
            raise SpliceError(
                f"What heads write is replaced: evaluation=sith_replacement needs {key_of('reading.side')}=writes and "
                f"{key_of('reading.folded')}=true."
            )
        self._reading = reading

    def evaluate(self, study: Study) -> Findings:
        """Explain, rewrite, and classify.

        Raises:
            SpliceError: if data have no classes, or the backbone has no such heads.
        """
        reading = self._reading
        labels, classes = study.embeddings.labels, study.embeddings.classes
        if labels is None or len(classes) < 2:
            raise SpliceError(f"evaluation=sith_replacement needs classes, which {study.data.name} lacks.")
        read = read_heads(study, reading)
        spectra, found = read.spectra, read.explanations
        truth, before = np.asarray(labels), study.embeddings.features
        right = zero_shot(before, study.class_features) == truth
        samples = {"replacement/accuracy_before": right.astype(float)}
        for name, directions in self._directions(found).items():
            other = study.with_backbone(rewritten(study.backbone, spectra, self._placed(spectra, directions)))
            features = other.embeddings.features
            right = zero_shot(features, other.class_features) == truth
            samples[f"replacement/accuracy_{name}"] = right.astype(float)
            samples[f"sith/cosine_{name}"] = (features.double() * before.double()).sum(dim=1).numpy()
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **{f"sith/{name}": float(values.mean()) for name, values in found.fidelity().items()},
            "l0/mean": float(found.solution.codes.l0().double().mean()),
            "solver/kkt_max": float(found.solution.kkt_violation.max()),
            "sith/num_poles": len(found),
            "data/num_samples": len(truth),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples)

    def _directions(self, found: Explanations) -> dict[str, Float[Tensor, "n d"]]:
        """Return what is written instead of each vector, in each way."""

        def of_both(composed: Tensor) -> Tensor:
            poles = found.directions(composed).view(len(found) // 2, 2, -1)
            return (poles[:, 0] - poles[:, 1]) / 2

        after = of_both(found.composed)
        return {
            "after": after,
            "published": found.published_directions(found.composed)[::2],
            "perfect": of_both(found.targets),
            "random": of_both(found.by_chance(self._seed)),
            "removed": torch.zeros_like(after),
        }

    def _placed(self, spectra: Spectra, directions: Float[Tensor, "n d"]) -> Float[Tensor, "L H r d"]:
        """Return what heads write: the directions where vectors were explained, the vectors elsewhere."""
        written = spectra.writes.flatten(0, 2).clone()
        written[self._reading.chosen(spectra)] = directions
        return written.view_as(spectra.writes)
