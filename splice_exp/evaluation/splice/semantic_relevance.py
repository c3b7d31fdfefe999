"""How near in meaning are the concepts of an image to the words of its captions?

    relevance = 1 − H(E(concepts), E(words))      E = text encoder, distance 1 − cosine

    H, max–min      max(max_a min_b d(a, b), max_b min_a d(a, b))        the Hausdorff distance
    H, mean–mean    (mean_a min_b d(a, b) + mean_b min_a d(a, b)) / 2

Concepts are those with a positive code; words are those of all captions without function words. Raw, and centred by the
mean of all concepts. Nulls: as many concepts sampled by their use, and the captions of other images. Baselines: as many
concepts as have a code, those nearest to the embedding (dense) or to the image mean (mean baseline).
`above`: relevance minus that of the first null, because all words are nearer to each other in one geometry than in
another.

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, figure 5; which
    variant the paper means is not known.
    Dubuisson, Jain. A modified Hausdorff distance for object matching. ICPR 1994 (the mean).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.statistics.intervals import rank_correlation
from splice_exp.decomposition.study import Study
from splice_exp.dictionaries.phrases import content_words
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.measures.nearest import nearest_supports
from splice_exp.evaluation.measures.recovery import (
    RECOVERY,
    Supports,
    draw_supports,
    names_something,
    recovery,
    supports_of,
)

VARIANTS: dict[str, Callable[[np.ma.MaskedArray, np.ma.MaskedArray], np.ndarray]] = {
    "max_min": lambda of_concepts, of_words: np.minimum(of_concepts.min(axis=1), of_words.min(axis=1)),
    "mean_mean": lambda of_concepts, of_words: (of_concepts.mean(axis=1) + of_words.mean(axis=1)) / 2,
}  # of the cosine of each concept, and of each word, of some samples with what is nearest to it on the other side
TOGETHER = 256  # samples whose concepts and words are compared at once


def _relevance(name: str, heading: str) -> tuple[Measure, ...]:
    """Declare a variant of relevance, beside its nulls and its baselines."""
    above = f"{heading}, above random concepts"
    return (
        *beside(
            Measure(f"relevance/{name}", heading, Unit.COSINE, True, optional=True),
            null=f"{heading}, random concepts",
            other=f"{heading}, other captions",
            dense=f"{heading}, dense",
            mean_only=f"{heading}, mean baseline",
            to_f1=f"{heading}, rank correlation with F1",
        ),
        Measure(f"relevance/{name}_above", above, Unit.NUMBER, optional=True),
    )


RELEVANCE = {
    "max_min": _relevance("max_min", "relevance (Hausdorff)"),
    "mean_mean": _relevance("mean_mean", "relevance (mean)"),
    "max_min_centred": _relevance("max_min_centred", "centred relevance (Hausdorff)"),
    "mean_mean_centred": _relevance("mean_mean_centred", "centred relevance (mean)"),
}
RELEVANCE_BESIDE_NULL = (*RELEVANCE["max_min"], *RELEVANCE["mean_mean_centred"])  # of `relevance_beside_null`
MEASURES = (
    *(one for variant in RELEVANCE.values() for one in variant),
    Measure("relevance/num_words", "words", Unit.AVERAGE),
    *RECOVERY,
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class SemanticRelevance(Evaluation):
    """Relevance of the concepts of each image in four variants, with nulls; where the truth is known, F1 beside it.

    An image without concepts, or without words, has a relevance of 0.

    Args:
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the nulls and the bootstrap.
    """

    measures = MEASURES

    def evaluate(self, study: Study) -> Findings:
        """Compare concepts with words.

        Raises:
            SpliceError: if there are no captions, or atoms without names.
        """
        captions = study.captions
        if captions is None:
            raise SpliceError(
                f"evaluation=semantic_relevance needs captions, but {study.data.name} has none: set data=scenes, "
                "data=coco_captions, or any other with captions."
            )
        codes = study.decomposition.codes
        words, vocabulary = words_of(captions)
        supports = supports_of(codes)
        others = [words[place] for place in self._permutation(len(words)).tolist()]
        drawn = draw_supports(supports, codes.num_concepts, self._seed)
        sizes = torch.tensor([len(support) for support in supports], dtype=torch.int64)
        dense = nearest_supports(study.targets, study.dictionary, sizes)
        average = nearest_supports(study.image_mean.expand(len(sizes), -1), study.dictionary, sizes)
        looked_at = (
            ("", supports, words),
            ("_null", drawn, words),
            ("_other", supports, others),
            ("_dense", dense, words),
            ("_mean_only", average, words),
        )
        encode = study.encode_text
        concepts, texts = encode(list(codes.concepts)), encode(vocabulary)
        samples: dict[str, np.ndarray] = {}
        middle = concepts.double().mean(dim=0).to(concepts.dtype)  # also where the dictionary is not centred
        for centring, mean in (("", torch.zeros_like(middle)), ("_centred", middle)):
            cosines = normalize(concepts - mean, dim=1) @ normalize(texts - mean, dim=1).T
            for suffix, named, heard in looked_at:
                for variant, values in relevance(cosines, named, heard).items():
                    samples[f"relevance/{variant}{centring}{suffix}"] = values
            for variant in VARIANTS:
                own = f"relevance/{variant}{centring}"
                samples[f"{own}_above"] = samples[own] - samples[f"{own}_null"]
        metrics: dict[str, Metric] = {
            **certificates(study.decomposition),
            "l0/mean": float(codes.l0().double().mean()),
            "relevance/num_words": float(np.mean([len(of_one) for of_one in words])),
            "data/num_samples": len(codes),
        }
        if study.truth is not None and names_something(codes.concepts, study.truth):
            samples["recovery/f1"] = recovery(supports, codes.concepts, study.truth)["f1"]
            for variant in VARIANTS:
                samples[f"relevance/{variant}_centred_to_f1"] = rank_correlation(
                    samples[f"relevance/{variant}_centred"], samples["recovery/f1"]
                )
        return Findings({**self._summarised(samples), **metrics}, study.embeddings.sample_ids, samples)


def words_of(captions: Sequence[Sequence[str]]) -> tuple[list[list[int]], list[str]]:
    """Return the indices of the words of each sample among all words, and these; function words are left out."""
    said = [content_words(of_one) for of_one in captions]
    place = {word: number for number, word in enumerate(dict.fromkeys(word for of in said for word in of))}
    return [[place[word] for word in of_one] for of_one in said], list(place)


def relevance_beside_null(study: Study, captions: Sequence[Sequence[str]], seed: int) -> dict[str, np.ndarray]:
    """Return max–min, and mean–mean centred, of the concepts of each sample and of as many sampled by their use.

    Args:
        study: Decomposed, over atoms with names.
        captions: Of each sample.
        seed: Of the null.
    """
    codes, encode = study.decomposition.codes, study.encode_text
    words, vocabulary = words_of(captions)
    concepts, texts = encode(list(codes.concepts)), encode(vocabulary)
    middle = concepts.double().mean(dim=0).to(concepts.dtype)
    raw, centred = concepts @ texts.T, normalize(concepts - middle, dim=1) @ normalize(texts - middle, dim=1).T
    supports = supports_of(codes)
    found = {}
    for suffix, named in (("", supports), ("_null", draw_supports(supports, codes.num_concepts, seed))):
        for variant, cosines, centring in (("max_min", raw, ""), ("mean_mean", centred, "_centred")):
            of_variant = relevance(cosines, named, words, [variant])[variant]
            found[f"relevance/{variant}{centring}{suffix}"] = of_variant
    return found


def relevance(
    cosines: Float[Tensor, "k u"],
    concepts: Supports,
    words: Sequence[Sequence[int]],
    variants: Sequence[str] = tuple(VARIANTS),
) -> dict[str, np.ndarray]:
    """Return variants of the relevance of each sample, (n,).

    Args:
        cosines: Of every concept with every word.
        concepts: Of each sample.
        words: Of each sample.
        variants: Of `VARIANTS`.
    """
    table = cosines.numpy()
    found = {variant: np.zeros(len(words)) for variant in variants}
    both = [row for row, (named, said) in enumerate(zip(concepts, words, strict=True)) if len(named) and len(said)]
    for rows in (both[start : start + TOGETHER] for start in range(0, len(both), TOGETHER)):
        named, is_named = _padded([concepts[row] for row in rows])
        said, is_said = _padded([words[row] for row in rows])
        block = table[named[:, :, None], said[:, None, :]]
        block = np.where(is_named[:, :, None] & is_said[:, None, :], block, -np.inf)
        nearest = (np.ma.array(block.max(axis=axis), mask=~there) for axis, there in ((2, is_named), (1, is_said)))
        of_concepts, of_words = nearest  # cosine of the nearest on the other side
        for variant in variants:
            found[variant][rows] = VARIANTS[variant](of_concepts, of_words)
    return found


def _padded(lists: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Write lists of different lengths as a table, and which of its cells are theirs."""
    sizes = np.array([len(one) for one in lists])
    filled = np.arange(sizes.max()) < sizes[:, None]
    table = np.zeros(filled.shape, dtype=np.int64)
    table[filled] = np.concatenate([np.asarray(one, dtype=np.int64) for one in lists])
    return table, filled
