"""How far images and texts lie apart, before each modality is centred by its own mean and after.

    cos(σ(z_i − μ), σ(z_j − μ'))     over all pairs image–image, text–text, image–text, and the true pairs apart

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, appendix A.4.
    Liang, Zhang, Kwon, Yeung, Zou. Mind the gap: understanding the modality gap. NeurIPS 2022.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError
from splice_exp.core.measures import Measure, Unit
from splice_exp.decomposition.paired_texts import paired_texts, require_pairs
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.geometry import center
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.measures.histograms import BINS, count_cosines, densities

TOGETHER = 2**22  # cosines at a time

MEASURES = (
    Measure("modality_gap/distance", "distance of the means", Unit.AMOUNT),
    *(
        Measure(f"modality_gap/{name}{suffix}{null}", f"{heading}{centring}", Unit.COSINE)
        for suffix, centring in (("", ""), ("_centred", ", centred"))
        for name, null, heading in (
            ("image_image", "", "image–image"),
            ("text_text", "", "text–text"),
            ("image_text", "", "image–text"),
            ("true_pairs", "", "true pairs"),
            ("true_pairs", "_null", "shuffled pairs"),
        )
    ),
    NUM_SAMPLES,
)


class ModalityGap(Evaluation):
    """Cosines within and between the modalities; the null are true pairs of a seeded permutation.

    Each sample counts with its mean over all others, so intervals are over samples.

    Args:
        bootstrap_resamples: For the 95 % intervals.
        seed: Of permutation and bootstrap.
    """

    measures = MEASURES

    def evaluate(self, study: Study) -> Findings:
        """Compare all images with all texts.

        Raises:
            SpliceError: if the data have no captions, or fewer than two samples.
        """
        paired = require_pairs(paired_texts(study.data, study.backbone), "modality_gap", study.data)
        if len(study.extracted) < 2:
            raise SpliceError(f"evaluation=modality_gap needs two samples or more, but {study.data.name} has one.")
        images = study.extracted.features
        texts = paired.embed(paired.first)
        raw, centred = (images, texts), (around_own_mean(images), around_own_mean(texts))
        samples: dict[str, np.ndarray] = {}
        histograms = []
        for centring, suffix, (first, second) in (("raw", "", raw), ("centred", "_centred", centred)):
            for kind, left, right in (
                ("image_image", first, first),
                ("text_text", second, second),
                ("image_text", first, second),
            ):
                means, counts = cosines_with_others(left, right)
                samples[f"modality_gap/{kind}{suffix}"] = means
                histograms.append(densities(counts, kind=kind, centring=centring))
            true = (first * second).sum(dim=1).double()
            samples[f"modality_gap/true_pairs{suffix}"] = true.numpy()
            histograms.append(densities(count_cosines(true), kind="true_pairs", centring=centring))
            order = torch.from_numpy(self._permutation(len(second)))
            samples[f"modality_gap/true_pairs{suffix}_null"] = (first * second[order]).sum(dim=1).double().numpy()
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            "modality_gap/distance": float((images.double().mean(dim=0) - texts.double().mean(dim=0)).norm()),
            "data/num_samples": len(images),
        }
        return Findings(metrics, study.extracted.sample_ids, samples, {"cosines": pd.concat(histograms)})


def around_own_mean(features: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Return σ(z − mean(z))."""
    return center(features, features.double().mean(dim=0).to(features.dtype))[0]


def cosines_with_others(
    left: Float[Tensor, "n d"], right: Float[Tensor, "n d"]
) -> tuple[np.ndarray, Float[Tensor, " b"]]:
    """Return the mean cosine of each left row with right rows of other samples, and the histogram of all of them.

    Args:
        left: Unit rows.
        right: Unit rows of the same samples, or the very same rows.
    """
    means, counts = [], torch.zeros(BINS, dtype=torch.float64)
    for rows in torch.split(torch.arange(len(left)), max(1, TOGETHER // len(right))):
        cosines = (left[rows] @ right.T).double()
        cosines[torch.arange(len(rows)), rows] = torch.nan  # a sample is not compared with itself
        others = cosines[~cosines.isnan()]
        means.append(cosines.nansum(dim=1) / (len(right) - 1))
        counts += count_cosines(others)
    return torch.cat(means).numpy(), counts
