"""The measures of `functional` as torchmetrics: they accumulate over batches, average, and keep the single values."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from splice_exp.core.codes import Codes
from splice_exp.core.matrices.cosines import cosine
from splice_exp.evaluation.measures import functional


class SampleMean(Metric):
    """Mean over samples of a value that each sample has; the values stay, for intervals and paired differences.

    Args:
        kwargs: Of `torchmetrics.Metric`.
    """

    full_state_update = False
    higher_is_better = True
    values: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("values", default=[], dist_reduce_fx="cat")

    def _append(self, values: Tensor) -> None:
        self.values.append(values.to(torch.float64))

    def per_sample(self) -> Float[Tensor, " n"]:
        """Return the values in the order of the updates."""
        return dim_zero_cat(self.values)

    def compute(self) -> Float[Tensor, ""]:
        """Return the mean."""
        return self.per_sample().mean()


class MeasuredValues(SampleMean):
    """Mean of values that were measured already."""

    def update(self, values: Float[Tensor, " n"]) -> None:
        """Add samples."""
        self._append(values)


class CurveArea(SampleMean):
    """Mean area under a curve against the share of steps that are done, by the trapezoidal rule."""

    def update(self, curves: Float[Tensor, "n steps"]) -> None:
        """Add curves of two points or more."""
        self._append(torch.trapezoid(curves.double(), dx=1 / (curves.shape[1] - 1), dim=1))


class ZeroShotAccuracy(SampleMean):
    """Share of samples whose class text is among the `top_k` nearest.

    Args:
        top_k: Classes looked at.
        kwargs: Of `torchmetrics.Metric`.
    """

    def __init__(self, top_k: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.top_k = top_k

    def update(
        self, features: Float[Tensor, "n d"], class_features: Float[Tensor, "c d"], labels: Int64[Tensor, " n"]
    ) -> None:
        """Add samples; arguments as in `functional.classified_within`.

        Args:
            features: Image embeddings or reconstructions, of any norm.
            class_features: Unit rows, one text per class.
            labels: True classes.
        """
        self._append(functional.classified_within(features, class_features, labels, self.top_k))


class MeanCosine(SampleMean):
    """Mean cosine of paired rows."""

    def update(self, first: Float[Tensor, "n d"], second: Float[Tensor, "n d"]) -> None:
        """Add pairs.

        Args:
            first: Rows of any norm.
            second: The row that each is compared with.
        """
        self._append(cosine(first, second))


class ConceptInTop(SampleMean):
    """Share of samples with a given concept among their `top_k` largest codes.

    Args:
        top_k: Codes looked at.
        kwargs: Of `torchmetrics.Metric`.
    """

    def __init__(self, top_k: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.top_k = top_k

    def update(self, codes: Codes, concepts: Int64[Tensor, " n"]) -> None:
        """Add samples; arguments as in `functional.concept_within`.

        Args:
            codes: n rows.
            concepts: One column per row.
        """
        self._append(functional.concept_within(codes, concepts, self.top_k))


class SupportSize(SampleMean):
    """Mean number of active concepts."""

    higher_is_better = False

    def update(self, codes: Codes) -> None:
        """Add samples."""
        self._append(codes.l0())

    def quantile(self, level: float) -> float:
        """Return a quantile over samples."""
        return float(self.per_sample().quantile(level))
