"""Measures of one sample each, as pure functions: (n,) values that a mean, an interval or a paired test can use."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from splice_exp.core.codes import Codes

# Cosines closer than this are a tie (texts that are alike give equal ones up to rounding); the earlier class wins.
TIE = 1e-9


def classified_within(
    features: Float[Tensor, "n d"], class_features: Float[Tensor, "c d"], labels: Int64[Tensor, " n"], k: int
) -> Bool[Tensor, " n"]:
    """Say whether the true class is among the k whose text is nearest by cosine; zero features are never right.

    Args:
        features: Image embeddings or reconstructions, of any norm.
        class_features: Unit rows, one text per class.
        labels: True classes.
        k: Classes looked at.
    """
    cosines = features.double() @ class_features.double().T
    own = cosines.gather(1, labels[:, None])
    classes = torch.arange(len(class_features), device=labels.device)
    ahead = (cosines > own + TIE) | (((cosines - own).abs() <= TIE) & (classes < labels[:, None]))
    return (ahead.sum(dim=1) < k) & features.any(dim=1)


def concept_within(codes: Codes, concepts: Int64[Tensor, " n"], k: int) -> Bool[Tensor, " n"]:
    """Say whether a given concept is active in a row and among its k largest codes; of equal ones the first counts.

    Args:
        codes: n rows.
        concepts: One column per row.
        k: Codes looked at.
    """
    own = codes.indices == concepts[codes.rows]
    value = torch.full((len(codes),), -torch.inf, dtype=codes.values.dtype)
    value[codes.rows[own]] = codes.values[own]
    threshold, column = value[codes.rows], concepts[codes.rows]
    ahead = (codes.values > threshold) | ((codes.values == threshold) & (codes.indices < column))
    num_ahead = torch.bincount(codes.rows[ahead], minlength=len(codes))
    return (value > 0) & (num_ahead < k)
