"""From embeddings to targets and back: centring, normalising, reconstructing.

    atoms    e = σ(text(concept))   →  σ(e − mean(e))           σ = L2 normalisation
    targets  z = σ(image)           →  x = σ(z − μ)
    back     paper    m = σ(w D) + μ              ẑ = σ(m)
             scaled   m = ‖z − μ‖ · w D + μ       ẑ = σ(m)

The paper's inverse map gives every reconstruction the same distance to μ, so even a perfect code does not return z;
the scaled map keeps the distance of the sample, and does.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.arrays import read_npy
from splice_exp.core.errors import SpliceError, require_bool, require_choice
from splice_exp.core.keys import key_of
from splice_exp.core.matrices.matrix import parts
from splice_exp.core.tensors import as_tensor, read_pt, read_tensors
from splice_exp.core.types import Embeddings
from splice_exp.embeddings.official_means import (
    AUTO,
    ESTIMATE,
    MEAN_FILES,
    OFFICIAL,
    ZERO,
    find_official_mean,
    official_mean,
    require_mean_file,
)

RECOMPOSITIONS = ("paper", "scaled")


def center(
    features: Float[Tensor, "n d"], mean: Float[Tensor, " d"]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
    """Return x = σ(z − μ) and the scale ‖z − μ‖ that the normalisation takes away.

    Args:
        features: z, unit rows.
        mean: μ; zero takes nothing away.
    """
    return directions(features, mean), distances(features, mean)


def directions(features: Float[Tensor, "n d"], mean: Float[Tensor, " d"]) -> Float[Tensor, "n d"]:
    """Return x = σ(z − μ) alone, computed in float64 part by part.

    Args:
        features: z, unit rows.
        mean: μ.

    Returns:
        Unit rows of the type of `features`; zero where a row is μ.
    """
    targets = torch.empty_like(features)
    for rows, part in parts(features):
        targets[rows.start : rows.stop] = normalize(part.double() - mean.double(), dim=1)
    return targets


def distances(features: Float[Tensor, "n d"], mean: Float[Tensor, " d"]) -> Float[Tensor, " n"]:
    """Return the scale ‖z − μ‖ alone, computed in float64 part by part.

    Args:
        features: z, unit rows.
        mean: μ.
    """
    scale = features.new_empty(len(features))
    for rows, part in parts(features):
        scale[rows.start : rows.stop] = (part.double() - mean.double()).norm(dim=1)
    return scale


def uncenter(
    composed: Float[Tensor, "n d"], mean: Float[Tensor, " d"], scale: Float[Tensor, " n"], recompose: str
) -> Float[Tensor, "n d"]:
    """Return m, the reconstruction before its last normalisation; m − μ is its centred part.

    Args:
        composed: w D.
        mean: μ.
        scale: ‖z − μ‖ of each sample, used by `scaled`.
        recompose: Which inverse map.
    """
    composed = normalize(composed, dim=1) if recompose == "paper" else composed * scale[:, None]
    return composed + mean


log = logging.getLogger(__name__)

FEWEST = 32  # samples that a mean may be estimated from


def image_mean(embeddings: Embeddings) -> Float[Tensor, " d"]:
    """Estimate μ: the mean of the normalised embeddings, not normalised again."""
    total = torch.zeros(embeddings.dim, dtype=torch.float64)
    for _, part in parts(embeddings.features):
        total += part.double().sum(dim=0)
    return (total / len(embeddings)).to(embeddings.features.dtype)


LONGEST = 1.001  # norm of a mean of unit rows, in half precision


def read_mean(path: str, dim: int, of: object = None) -> Float[Tensor, " d"]:
    """Read a stored image mean: one vector, as safetensors, as a tensor saved by torch (.pt, .pth), or as .npy.

    A matrix of one row, or of one column, is a vector, too.

    Args:
        path: `~` is the home folder.
        dim: d, the width of the embeddings.
        of: The component that has `image_mean`, for errors; only its constructor may leave it out.

    Returns:
        float32.

    Raises:
        SpliceError: if the file cannot be read, holds something else, has another width, or is longer than the mean
            of unit rows can be.
    """
    key = key_of("image_mean", of)
    mean = _read_vector(Path(path).expanduser(), key)
    if mean.ndim == 2 and len(mean) > 1 and mean.shape[1] == dim:
        raise SpliceError(
            f"{key}: {path} has {len(mean)} rows, but a mean is one: normalise the rows, and take their mean."
        )
    if mean.numel() != dim or max(mean.shape, default=0) != dim:
        raise SpliceError(
            f"{key}: {path} has shape {tuple(mean.shape)}, but the embeddings are {dim} wide: take the mean of the "
            f"same backbone, or {key}=estimate."
        )
    mean = mean.flatten().to(torch.float32)
    if not mean.isfinite().all():
        raise SpliceError(f"{key}: {path} holds NaN or infinite values.")
    if (norm := float(mean.norm())) > LONGEST:
        raise SpliceError(
            f"{key}: {path} has norm {norm:.4g}, but the mean of unit rows has at most 1: normalise embeddings before "
            "their mean is taken, as python -m splice_exp estimate-mean does."
        )
    return mean


def _read_vector(path: Path, key: str) -> Tensor:
    """Read the only tensor of a file; nothing in the file is executed."""
    if path.suffix not in MEAN_FILES:
        raise SpliceError(f"{key} is {str(path)!r}, but the file of a mean ends in {', '.join(MEAN_FILES)}.")
    if path.suffix == ".npy":
        mean = _read_npy(path, key)
    else:
        loaded = read_tensors(path) if path.suffix == ".safetensors" else read_pt(path, key)
        held = list(loaded.values()) if isinstance(loaded, Mapping) else [loaded]
        tensors = [value for value in held if isinstance(value, Tensor)]
        if len(tensors) != 1:
            raise SpliceError(f"{key}: {path} holds {len(tensors)} tensors, but must hold one, the mean.")
        mean = tensors[0].detach()
    if not mean.is_floating_point():
        raise SpliceError(f"{key}: {path} holds values of type {mean.dtype}, but a mean is of real numbers.")
    return mean


def _read_npy(path: Path, key: str) -> Tensor:
    found = read_npy(path, key)
    if found.dtype.kind not in "fiub":
        raise SpliceError(f"{key}: {path} holds {found.dtype}, but a mean is of real numbers.")
    return as_tensor(found)


@dataclass(frozen=True)
class Alignment:
    """How the two modalities are brought together before they are compared.

    Args:
        image: Centre the image embeddings.
        dictionary: Centre the text embeddings of the concepts, over the selected concepts only.
        image_mean: μ: `official` (that which comes with the package for the backbone, of training images or published
            by the SpLiCE authors), `estimate` (from the data at hand), `auto` (official for a backbone that has one,
            else estimate; tables say which), `zero`, or a file (.safetensors, .pt, .npy).
        recompose: `paper` or `scaled`.
    """

    image: bool = True
    dictionary: bool = True
    image_mean: str = AUTO
    recompose: str = "paper"

    def __post_init__(self) -> None:
        require_bool("image", self.image)
        require_bool("dictionary", self.dictionary)
        if not isinstance(self.image_mean, str):
            raise SpliceError(
                f"{key_of('image_mean')} is {self.image_mean!r}, but must be auto, official, estimate, zero or a file."
            )
        require_choice("recompose", self.recompose, RECOMPOSITIONS)

    def chosen_mean(self, encoder: str | None = None) -> str:
        """Return `image_mean`, with what `auto` stands for.

        Args:
            encoder: Name of the backbone, `Backbone.encoder`.

        Example:
            >>> Alignment().chosen_mean("ViT-B-32/openai"), Alignment().chosen_mean("ViT-H-14/dfn5b")
            ('official', 'estimate')
        """
        if self.image_mean != AUTO:
            return self.image_mean
        return ESTIMATE if find_official_mean(encoder) is None else OFFICIAL

    def is_estimated(self, encoder: str | None = None) -> bool:
        """Say whether μ comes from the embeddings themselves.

        Args:
            encoder: Name of the backbone.
        """
        return self.chosen_mean(encoder) == ESTIMATE

    def mean_of(self, embeddings: Embeddings, encoder: str | None = None) -> Float[Tensor, " d"]:
        """Return μ for these embeddings, whether or not images are centred by it.

        The mean baseline and the centred cosine need it in either case.

        Args:
            embeddings: n samples.
            encoder: Name of the backbone, for the official mean.

        Raises:
            SpliceError: if there is no official mean, or the file of the mean does not fit.
        """
        if not self.is_estimated(encoder):
            return self.known_mean(embeddings.dim, encoder)
        if len(embeddings) < FEWEST:
            log.warning(
                "the image mean is estimated from these %d samples, which are few: it takes away what they share. "
                "For %s take a file of python -m splice_exp estimate-mean, from more images.",
                len(embeddings),
                key_of("image_mean", self),
            )
        return image_mean(embeddings)

    def known_mean(self, dim: int, encoder: str | None = None) -> Float[Tensor, " d"]:
        """Return a μ that does not depend on the embeddings.

        Args:
            dim: Width d of the embeddings.
            encoder: Name of the backbone, for the official mean.

        Raises:
            SpliceError: if it is to be estimated, there is no official mean, or the file does not fit.
        """
        chosen = self.chosen_mean(encoder)
        if chosen == ZERO:
            return torch.zeros(dim)
        if chosen == OFFICIAL:
            return read_mean(str(official_mean(encoder, of=self).path), dim, of=self)
        return read_mean(str(require_mean_file(chosen, of=self)), dim, of=self)

    def source_of_mean(self, encoder: str | None = None) -> str:
        """Say in words where μ comes from.

        Example:
            >>> Alignment().source_of_mean("ViT-B-32/openai")
            'MSCOCO train2017, published with SpLiCE'
            >>> Alignment(image_mean="estimate").source_of_mean()
            'estimated from these samples'
        """
        chosen = self.chosen_mean(encoder)
        if chosen == OFFICIAL:
            return official_mean(encoder, of=self).source
        words = {ESTIMATE: "estimated from these samples", ZERO: "zero"}
        return words.get(chosen) or f"file {Path(chosen).name}"
