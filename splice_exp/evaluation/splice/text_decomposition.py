"""Does a caption decompose into the concepts of its image?

    w_text from σ(t − μ_text), w_image from σ(z − μ_image), over the same dictionary

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024 (both modalities share
    the dictionary; the official code cannot decompose texts).
"""

from __future__ import annotations

import numpy as np
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.matrices.cosines import cosine
from splice_exp.core.measures import Join, Measure, Unit
from splice_exp.core.types import Embeddings
from splice_exp.decomposition.paired_texts import require_pairs
from splice_exp.decomposition.splice import decompose
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.geometry import image_mean
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.measures.likeness import likeness, likeness_measures
from splice_exp.evaluation.measures.recovery import names_something, recovery, supports_of

MEASURES = (
    *likeness_measures("text", "other captions"),
    Measure("text/cosine_mean_only", "cosine of codes, mean baseline", Unit.COSINE),
    Measure("text/cosine_dense", "dense cosine", Unit.COSINE),
    Measure("text/cosine_dense_null", "dense cosine, other captions", Unit.COSINE),
    Measure("text/nearer", "own caption nearer", Unit.SHARE, True),
    Measure("text/nearer_dense", "own caption nearer, dense", Unit.SHARE),
    Measure("text/reconstruction", "centred cosine of captions", Unit.COSINE, True),
    Measure("text/f1_of_text", "F1 of captions", Unit.SHARE, True, optional=True),
    Measure("text/f1_of_image", "F1 of images", Unit.SHARE, True, optional=True),
    Measure("text/gap_max", "duality gap of captions", Unit.BOUND, False, Join.LARGEST, floor=1e-6),
    Measure("text/l0", "L0 of captions", Unit.AVERAGE),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class TextDecomposition(Evaluation):
    """How alike the codes of images and of their first captions are; the null takes the captions of other images.

    `cosine`: of the two codes; `shared`: concepts in both over concepts in either; `top_shared`: whether the largest
    code of the caption is active in the image; `nearer`: whether the image's own caption has a larger cosine than the
    other one, ties a half; F1 of both against the ground truth, where there is one. Dense: the cosine of the two
    centred embeddings. Mean baseline: the cosine with the mean codes of all captions.

    Args:
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the permutation and the bootstrap.
    """

    measures = MEASURES

    def evaluate(self, study: Study) -> Findings:
        """Decompose captions, and compare.

        Raises:
            SpliceError: if there are no captions.
        """
        paired = require_pairs(study.paired, "text_decomposition", study.data)
        embeddings = study.embeddings
        features = paired.embed(paired.first)
        said = Embeddings(features, None, embeddings.sample_ids, (), "text", embeddings.backbone_id)
        mean = image_mean(said)
        texts = decompose(said, study.dictionary, study.solver, study.alignment, mean)
        images = study.decomposition
        others = torch.from_numpy(self._permutation(len(said)))
        samples: dict[str, np.ndarray] = {}
        for suffix, codes in (("", texts.codes), ("_null", texts.codes.select(others))):
            samples |= {f"text/{name}{suffix}": values for name, values in likeness(images.codes, codes).items()}
        own = embeddings.features - study.image_mean
        samples["text/cosine_mean_only"] = _cosine_with_mean(images.codes, texts.codes)
        samples["text/cosine_dense"] = cosine(own, features - mean).numpy()
        samples["text/cosine_dense_null"] = cosine(own, (features - mean)[others]).numpy()
        for suffix in ("", "_dense"):
            ahead = samples[f"text/cosine{suffix}"] - samples[f"text/cosine{suffix}_null"]
            samples[f"text/nearer{suffix}"] = (np.sign(ahead) + 1) / 2
        samples["text/reconstruction"] = cosine(texts.recompose_unnormalized() - mean, features - mean).numpy()
        if study.truth is not None and names_something(texts.codes.concepts, study.truth):
            for name, codes in (("text", texts.codes), ("image", images.codes)):
                judged = recovery(supports_of(codes), codes.concepts, study.truth)
                samples[f"text/f1_of_{name}"] = judged["f1"]
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(images),
            "text/gap_max": float(texts.solution.duality_gap.max()),
            "text/l0": float(texts.codes.l0().double().mean()),
            "l0/mean": float(images.codes.l0().double().mean()),
            "data/num_samples": len(said),
        }
        return Findings(metrics, embeddings.sample_ids, samples)


def _cosine_with_mean(images: Codes, texts: Codes) -> np.ndarray:
    """Return the cosine of each code of an image with the mean code of the captions, (n,)."""
    mean = torch.zeros(texts.num_concepts, dtype=torch.float64)
    mean.index_add_(0, texts.indices, texts.values.double())
    inner, squares = (torch.zeros(len(images), dtype=torch.float64) for _ in range(2))
    values = images.values.double()
    inner.index_add_(0, images.rows, values * mean[images.indices])
    squares.index_add_(0, images.rows, values.square())
    return (inner / (squares.sqrt() * mean.norm()).clamp(min=1e-300)).numpy()
