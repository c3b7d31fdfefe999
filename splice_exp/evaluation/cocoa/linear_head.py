"""Heads: the classifiers that insertion and deletion are judged by, on representations or on their directions.

p(x) = softmax(W x + b)        x: f(image), or f(image) / ‖f(image)‖
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import softmax
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.io import digest
from splice_exp.core.keys import key_of
from splice_exp.core.tensors import tensor_digest
from splice_exp.data.base import DataSource
from splice_exp.evaluation.measures.probes import as_features, fit_probe

HEADS = ("probe", "own")  # fitted here, on normalised representations; the last layer of the network itself
STRENGTH = (100.0,)  # C of a probe
_FITTED: dict[str, Head] = {}  # by what they are fitted on; each of them is small


@dataclass(frozen=True, eq=False)
class Head:
    """A linear classifier of representations.

    Attributes:
        weights: W, (c, d).
        intercept: b, (c,).
        normalised: Whether it looks at directions.
        gradient: Largest absolute entry of the gradient where its fit ended; NaN where that is not known.
    """

    weights: np.ndarray
    intercept: np.ndarray
    normalised: bool
    gradient: float

    def chances(self, representations: Float[Tensor, "*n d"]) -> np.ndarray:
        """Return the probabilities of the classes, (…, c)."""
        seen = normalize(representations, dim=-1) if self.normalised else representations
        scores = as_features(seen) @ self.weights.T + self.intercept
        return np.asarray(softmax(scores, axis=-1))

    def majority(self, members: Float[Tensor, "m d"]) -> int:
        """Return the class that is found most often in a corpus; of equally frequent ones the first."""
        return int(np.bincount(self.chances(members).argmax(axis=1)).argmax())


def fitted_head(train: DataSource, known: Float[Tensor, "n d"], seed: int) -> Head:
    """Fit a head; rows of a sweep that ask for the same one share it.

    Args:
        train: With classes.
        known: Representations of all its samples.
        seed: Of the fit.
    """
    assert train.labels is not None
    asked = digest([tensor_digest(known), train.labels.tolist(), len(train.classes), seed])
    if asked not in _FITTED:
        _FITTED[asked] = _fit(train.labels.numpy(), len(train.classes), known, seed)
    return _FITTED[asked]


def _fit(labels: np.ndarray, num_classes: int, known: Float[Tensor, "n d"], seed: int) -> Head:
    probe = fit_probe(as_features(normalize(known, dim=1)), labels, seed, STRENGTH)
    # Classes without a sample are never found.
    weights, intercept = np.zeros((num_classes, known.shape[1])), np.full(num_classes, -np.inf)
    weights[probe.classes], intercept[probe.classes] = probe.weights, probe.intercept
    return Head(weights, intercept, True, probe.gradient)


def own_head(backbone: Backbone, train: DataSource, of: object = None) -> Head:
    """Return the last layer of a network.

    Args:
        backbone: Whose representations are judged.
        train: Whose classes it should know, in this order.
        of: The component that asks, for errors.

    Raises:
        SpliceError: if the network has no last layer, or one of other classes.
    """
    layer = backbone.last_layer
    if layer is None:
        raise SpliceError(
            f"{key_of('head', of)}=own needs a network with a last layer, which this backbone lacks: set it to probe."
        )
    if layer.classes is not None and layer.classes != train.classes:
        raise SpliceError(
            f"{key_of('head', of)}=own: the last layer of the network knows the classes {shown(layer.classes)}, but "
            f"{train.name} has {shown(train.classes)}: set it to probe."
        )
    weights, intercept = as_features(layer.weights.cpu()), as_features(layer.bias.cpu())
    if len(weights) != len(train.classes):
        raise SpliceError(
            f"{key_of('head', of)}=own: the last layer of the network knows {len(weights)} classes, but "
            f"{train.name} has "
            f"{len(train.classes)}: set it to probe."
        )
    return Head(weights, intercept, False, float("nan"))
