"""From embeddings to targets and back: centring, normalising, recomposing.

    atoms    e = σ(text(concept))   →  σ(e − mean(e))           σ = L2 normalisation
    targets  z = σ(image)           →  x = σ(z − μ)
    back     paper    m = σ(w D) + μ              ẑ = σ(m)
             scaled   m = ‖z − μ‖ · w D + μ       ẑ = σ(m)

The paper's way back gives every reconstruction the same distance to μ, so even a perfect code does not return z;
the scaled way keeps the distance of the sample, and does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError, require_bool, require_choice
from splice_exp.core.keys import key_of
from splice_exp.core.tensors import read_tensors
from splice_exp.core.types import Embeddings

RECOMPOSITIONS = ("paper", "scaled")


def center(
    features: Float[Tensor, "n d"], mean: Float[Tensor, " d"]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
    """Return x = σ(z − μ) and the scale ‖z − μ‖ that the normalisation takes away."""
    difference = features.double() - mean.double()
    scale = difference.norm(dim=1)
    return normalize(difference, dim=1).to(features.dtype), scale.to(features.dtype)


def uncenter(
    composed: Float[Tensor, "n d"], mean: Float[Tensor, " d"], scale: Float[Tensor, " n"], recompose: str
) -> Float[Tensor, "n d"]:
    """Return m, the reconstruction before its last normalisation; m − μ is its centred part.

    Args:
        composed: w D.
        mean: μ.
        scale: ‖z − μ‖ of each sample, used by `scaled`.
        recompose: Which way back.
    """
    composed = normalize(composed, dim=1) if recompose == "paper" else composed * scale[:, None]
    return composed + mean


def image_mean(embeddings: Embeddings) -> Float[Tensor, " d"]:
    """Estimate μ: the mean of the normalised embeddings, not normalised again."""
    return embeddings.features.double().mean(dim=0).to(embeddings.features.dtype)


def read_mean(path: str, dim: int, of: object = None) -> Float[Tensor, " d"]:
    """Read a stored image mean: a safetensors file with one vector.

    Raises:
        SpliceError: if the file cannot be read, holds something else, or has another width.
    """
    tensors = read_tensors(Path(path))
    if len(tensors) != 1:
        raise SpliceError(
            f"{key_of('image_mean', of)}: {path} holds {len(tensors)} tensors, but must hold one, the mean."
        )
    (mean,) = tensors.values()
    if mean.shape != (dim,):
        raise SpliceError(
            f"{key_of('image_mean', of)}: {path} has shape {tuple(mean.shape)}, but the embeddings are {dim} wide: "
            f"take the mean of the same backbone, or {key_of('image_mean', of)}=estimate."
        )
    if not mean.isfinite().all():
        raise SpliceError(f"{key_of('image_mean', of)}: {path} holds NaN or infinite values.")
    return mean.to(torch.float32)


@dataclass(frozen=True)
class Alignment:
    """How the two modalities are brought together before they are compared.

    Args:
        image: Centre the image embeddings.
        dictionary: Centre the text embeddings of the concepts, over the selected concepts only.
        image_mean: μ: a safetensors file, `estimate` (from the data at hand) or `zero`.
        recompose: `paper` or `scaled`.
    """

    image: bool = True
    dictionary: bool = True
    image_mean: str = "estimate"
    recompose: str = "paper"

    def __post_init__(self) -> None:
        require_bool("image", self.image)
        require_bool("dictionary", self.dictionary)
        if not isinstance(self.image_mean, str):
            raise SpliceError(f"{key_of('image_mean')} is {self.image_mean!r}, but must be a file, estimate or zero.")
        require_choice("recompose", self.recompose, RECOMPOSITIONS)

    def mean_of(self, embeddings: Embeddings) -> Float[Tensor, " d"]:
        """Return μ for these embeddings, whether or not images are centred by it.

        The baseline "mean only" and the centred cosine need it in either case.

        Raises:
            SpliceError: if the file of the mean does not fit.
        """
        return image_mean(embeddings) if self.image_mean == "estimate" else self.known_mean(embeddings.dim)

    def known_mean(self, dim: int) -> Float[Tensor, " d"]:
        """Return a μ that does not depend on the embeddings.

        Raises:
            SpliceError: if it is to be estimated, or the file does not fit.
        """
        if self.image_mean == "zero":
            return torch.zeros(dim)
        if not Path(self.image_mean).is_file():
            raise SpliceError(
                f"{key_of('image_mean', self)} is {self.image_mean!r}, but must be a .safetensors file that is "
                "there, or one "
                "of: estimate, zero."
            )
        return read_mean(self.image_mean, dim, of=self)
