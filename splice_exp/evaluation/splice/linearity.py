"""Is the embedding of two things together a sum of the embeddings of each?

    z_ab ≈ w_a z_a + w_b z_b      least squares for each pair; cos(z_ab, w_a z_a + w_b z_b)

Two images are put side by side, two captions are joined by "and". The control fits z_ab by two other samples: what any
two vectors of the modality would reach.

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, section 3, table 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn.functional import cosine_similarity

from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.measures import Measure, Unit
from splice_exp.data.base import EncodableSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.measures.histograms import count_cosines, densities

TOGETHER = 256  # compositions that are embedded at a time

MEASURES = (
    *(
        Measure(f"linearity/{modality}_{name}", f"{modality} {heading}", unit, optional=modality == "text")
        for modality in ("image", "text")
        for name, heading, unit in (
            ("first", "w_a", Unit.NUMBER),
            ("second", "w_b", Unit.NUMBER),
            ("cosine", "cosine", Unit.COSINE),
            ("cosine_null", "cosine of other samples", Unit.COSINE),
            ("first_centred", "w_a, centred", Unit.NUMBER),
            ("second_centred", "w_b, centred", Unit.NUMBER),
            ("cosine_centred", "cosine, centred", Unit.COSINE),
            ("cosine_centred_null", "cosine of other samples, centred", Unit.COSINE),
        )
    ),
    NUM_SAMPLES,
)


class Linearity(Evaluation):
    """Weights and cosine of the best sum, for images and, where there are captions, for texts; raw and centred.

    Centred, every embedding is taken around the mean of the single samples of its modality.

    Args:
        num_pairs: Random pairs of different samples.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the pairs and the bootstrap.
    """

    measures = MEASURES

    def __init__(self, num_pairs: int = 1000, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        require_integer("num_pairs", num_pairs, 1)
        super().__init__(bootstrap_resamples, seed)
        self._num_pairs = num_pairs

    def evaluate(self, study: Study) -> Findings:
        """Compose pairs, embed them, and fit.

        Raises:
            SpliceError: if the samples are no images, or fewer than four.
        """
        if not isinstance(study.data, EncodableSource) or len(study.data) < 4:
            raise SpliceError(
                "evaluation=linearity puts images side by side, and needs four or more to encode, but "
                f"{study.data.name} has {len(study.data) if isinstance(study.data, EncodableSource) else 'embeddings'}:"
                " take images, as data=scenes."
            )
        first, second, others = draw_pairs(len(study.data), self._num_pairs, self._seed)
        singles = study.extracted.features
        together = self._composed(study, first, second)
        samples = fitted("image", singles, together, first, second, others)
        captions = study.data.captions()
        if captions is not None:
            said = [of_one[0] for of_one in captions]
            texts = study.encode_text(said)
            joined = study.encode_text([f"{said[a]} and {said[b]}" for a, b in zip(first, second, strict=True)])
            samples |= fitted("text", texts, joined, first, second, others)
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            "data/num_samples": self._num_pairs,
        }
        names = study.data.sample_ids
        pairs = [f"{names[a]} {names[b]}" for a, b in zip(first, second, strict=True)]
        return Findings(metrics, pairs, samples, {"cosines": _distributions(samples)})

    def _composed(self, study: Study, first: Sequence[int], second: Sequence[int]) -> Float[Tensor, "p d"]:
        assert isinstance(study.data, EncodableSource)
        parts = []
        for start in range(0, len(first), TOGETHER):
            pairs = zip(first[start : start + TOGETHER], second[start : start + TOGETHER], strict=True)
            inputs = [side_by_side(self._image(study.data, a), self._image(study.data, b)) for a, b in pairs]
            batch = study.backbone.preprocess(inputs)
            parts.append(study.backbone.encode_batch(batch).cpu())
        return torch.cat(parts)

    @staticmethod
    def _image(data: EncodableSource, place: int) -> Image.Image:
        (image,) = data.inputs(place, place + 1)
        if not isinstance(image, Image.Image):
            raise SpliceError(f"evaluation=linearity puts images side by side, but {data.name} has none.")
        return image


def draw_pairs(num_samples: int, num_pairs: int, seed: int) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    """Draw pairs of different samples, and for each pair two others, different from all of it.

    Args:
        num_samples: At least 4.
        num_pairs: p; a sample may be in several of them.
        seed: Of the sampling.

    Returns:
        The first and the second sample of each pair, and the two others.
    """
    random = np.random.default_rng(seed)
    drawn = [random.choice(num_samples, 4, replace=False).tolist() for _ in range(num_pairs)]
    return [four[0] for four in drawn], [four[1] for four in drawn], [(four[2], four[3]) for four in drawn]


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    """Put two images into a square, each into half of it: no crop of the middle cuts one of them off.

    Args:
        left: Any size.
        right: Any size.

    Returns:
        A square whose side is the longer side of the left image.
    """
    side = max(left.size)
    half = side // 2
    canvas = Image.new("RGB", (side, side))
    canvas.paste(left.resize((half, side), Image.Resampling.BICUBIC), (0, 0))
    canvas.paste(right.resize((side - half, side), Image.Resampling.BICUBIC), (half, 0))
    return canvas


def fit_pairs(
    together: Float[Tensor, "p d"], first: Float[Tensor, "p d"], second: Float[Tensor, "p d"]
) -> tuple[Float[Tensor, "p 2"], Float[Tensor, " p"]]:
    """Return the weights (w_a, w_b) of the least-squares sum of each pair, and its cosine with what is fitted.

    Args:
        together: Embeddings of what shows, or says, both parts.
        first: Embeddings of the one part.
        second: Embeddings of the other.
    """
    parts = torch.stack([first, second], dim=2).double()  # (p, d, 2)
    weights = torch.linalg.lstsq(parts, together.double()[:, :, None], driver="gelsd").solution
    return weights[:, :, 0], cosine_similarity((parts @ weights)[:, :, 0], together.double(), dim=1)


def fitted(
    modality: str,
    singles: Float[Tensor, "n d"],
    together: Float[Tensor, "p d"],
    first: Sequence[int],
    second: Sequence[int],
    others: Sequence[tuple[int, int]],
) -> dict[str, np.ndarray]:
    """Fit all pairs, raw and centred, by their own parts and by those of the control.

    Args:
        modality: `image` or `text`; part of the names.
        singles: Embeddings of the samples.
        together: Embeddings of the pairs.
        first: Index of the first sample of each pair.
        second: Index of the second one.
        others: Indices of two other samples for each pair: the control.

    Returns:
        Weights and cosines by name, (p,) each.
    """
    samples: dict[str, np.ndarray] = {}
    mean = singles.double().mean(dim=0)
    for suffix, around in (("", torch.zeros_like(mean)), ("_centred", mean)):
        parts, whole = singles.double() - around, together.double() - around
        weights, cosine = fit_pairs(whole, parts[list(first)], parts[list(second)])
        control = fit_pairs(whole, parts[[a for a, _ in others]], parts[[b for _, b in others]])[1]
        name = f"linearity/{modality}"
        samples |= {
            f"{name}_first{suffix}": weights[:, 0].numpy(),
            f"{name}_second{suffix}": weights[:, 1].numpy(),
            f"{name}_cosine{suffix}": cosine.numpy(),
            f"{name}_cosine{suffix}_null": control.numpy(),
        }
    return samples


def _distributions(samples: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return the centred cosines of the fits and of their controls, in bins."""
    return pd.concat(
        densities(count_cosines(torch.from_numpy(samples[name])), kind=kind, modality=modality)
        for modality in ("image", "text")
        for kind, name in (
            ("own", f"linearity/{modality}_cosine_centred"),
            ("others", f"linearity/{modality}_cosine_centred_null"),
        )
        if name in samples
    )
