"""The rows that a dictionary is learned from: those of a training set, and none of those that are decomposed."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of
from splice_exp.core.types import Embeddings
from splice_exp.data.base import DataSource
from splice_exp.dictionaries.base import Ingredients
from splice_exp.embeddings.extract import extract
from splice_exp.embeddings.geometry import directions

MOST_SHARED = 0.01  # of the decomposed rows: public data sets have a few images in both of their parts


def training_targets(train: DataSource, ingredients: Ingredients, of: object = None) -> Float[Tensor, "n d"]:
    """Embed a training set, and centre it by its own mean as the samples are by theirs.

    Args:
        train: The training set.
        ingredients: Backbone, alignment and cache; the samples that are decomposed, to refuse them.
        of: The component that has `train`, for errors.

    Returns:
        Unit rows, (n, d).

    Raises:
        SpliceError: if more than one in a hundred of the decomposed rows is among those of the training set.
    """
    embeddings = extract(train, ingredients.backbone, ingredients.cache)
    shared = share_of(ingredients.embeddings, embeddings)
    if shared > MOST_SHARED:
        raise SpliceError(
            f"{key_of('train', of)} is {train.name}, which has {shared:.0%} of the samples that are decomposed, but "
            "atoms must be learned from others: take the training part, as "
            f"{key_of('train.split', of)}=train, or the other half of a file."
        )
    alignment = ingredients.alignment
    if not alignment.image:
        return directions(embeddings.features, torch.zeros(embeddings.dim))
    return directions(embeddings.features, alignment.mean_of(embeddings, ingredients.backbone.encoder))


def share_of(embeddings: Embeddings, others: Embeddings) -> float:
    """Return the share of rows that are also among others, to the last bit; 0 where there are none."""
    if not len(embeddings):
        return 0.0
    return float(np.isin(_as_bytes(embeddings), _as_bytes(others)).mean())


def _as_bytes(embeddings: Embeddings) -> np.ndarray:
    """Return each row as one value that can be compared, (n,)."""
    rows = np.ascontiguousarray(embeddings.features.numpy())
    return rows.view(np.dtype(("S", rows.shape[1] * rows.itemsize)))[:, 0]
