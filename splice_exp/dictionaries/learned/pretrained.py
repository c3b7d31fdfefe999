"""Autoencoders that others have trained, from a file of weights: the layouts of Prisma and of overcomplete.

    Prisma        a = W_encᵀ (x − b_dec) + b_enc,   x̂ = w W_dec + b_dec          W_enc (d, k), W_dec (k, d)
    overcomplete  a = BN(W x + b),   x̂ = w D exp(m)             encoder.final_block.*, dictionary._weights

The code w is max(a, 0), of which the `target_l0` largest are kept if that is set. Atoms become unit rows, and codes
grow by their lengths, so that reconstructions stay what they were.

References:
    Joseph et al. Prisma: an open source toolkit for mechanistic interpretability in vision and video. arXiv
    2504.19475, 2025.
    Fel et al. overcomplete: dictionary learning of vision models, github.com/KempnerInstitute/overcomplete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError, require_integer, shown
from splice_exp.core.io import file_sha256
from splice_exp.core.keys import key_of
from splice_exp.core.tensors import read_pt, read_tensors
from splice_exp.core.types import Dictionary, Encoder
from splice_exp.dictionaries.base import DictionaryBuilder, Ingredients
from splice_exp.dictionaries.controls import LEARNED
from splice_exp.dictionaries.learned.autoencoder import largest

BATCH_NORM_EPS = 1e-5  # of torch.nn.BatchNorm1d, which does not store it


class Weights(NamedTuple):
    """An autoencoder w = max(E x + b, 0), x̂ = w D + c.

    Attributes:
        encoder: E, (k, d).
        bias: b, (k,).
        decoder: D, rows of any length, (k, d).
        shift: c, (d,).
    """

    encoder: Float[Tensor, "k d"]
    bias: Float[Tensor, " k"]
    decoder: Float[Tensor, "k d"]
    shift: Float[Tensor, " d"]


def _prisma(stored: Mapping[str, Tensor]) -> Weights:
    encoder, shift = stored["W_enc"].T, stored["b_dec"]
    return Weights(encoder, stored["b_enc"] - encoder @ shift, stored["W_dec"], shift)


def _overcomplete(stored: Mapping[str, Tensor]) -> Weights:
    weight, bias = stored["encoder.final_block.0.weight"], stored["encoder.final_block.0.bias"]
    if "encoder.final_block.1.running_var" in stored:
        norm = {name: stored[f"encoder.final_block.1.{name}"] for name in ("weight", "bias", "running_mean")}
        factor = norm["weight"] / (stored["encoder.final_block.1.running_var"] + BATCH_NORM_EPS).sqrt()
        weight, bias = weight * factor[:, None], (bias - norm["running_mean"]) * factor + norm["bias"]
    multiplier = stored.get("dictionary.multiplier", torch.zeros(())).exp()
    # The library normalises its dictionary whenever it is used in training, and stores it before that.
    decoder = normalize(stored["dictionary._weights"], dim=1) * multiplier
    return Weights(weight, bias, decoder, torch.zeros(decoder.shape[1]))


LAYOUTS: Mapping[str, tuple[frozenset[str], Callable[[Mapping[str, Tensor]], Weights]]] = {
    "Prisma": (frozenset({"W_enc", "b_enc", "W_dec", "b_dec"}), _prisma),
    "overcomplete": (
        frozenset({"encoder.final_block.0.weight", "encoder.final_block.0.bias", "dictionary._weights"}),
        _overcomplete,
    ),
}
# Tensors that say that the encoder is another one, whatever else is stored.
OTHER_ENCODERS = {
    "b_gate": "a gated autoencoder",
    "r_mag": "a gated autoencoder",
    "threshold": "a JumpReLU autoencoder",
    "thresholds": "a JumpReLU autoencoder",
    "encoder.mlp_blocks.0.0.weight": "an encoder of several layers",
}


class PretrainedEncoder(Encoder):
    """The encoder of stored weights, in lengths of unit atoms.

    Args:
        weights: Of the autoencoder.
        target_l0: Active atoms of a row, at most; None: all that are positive.
    """

    def __init__(self, weights: Weights, target_l0: int | None) -> None:
        self._weights, self._target_l0 = weights, target_l0
        self._lengths = weights.decoder.norm(dim=1)
        self.shift = weights.shift

    def encode(self, targets: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Return nonnegative codes over the unit atoms."""
        scores = torch.addmm(self._weights.bias, targets, self._weights.encoder.T)
        codes = scores.relu() if self._target_l0 is None else largest(scores, self._target_l0)
        return codes * self._lengths


class PretrainedAutoencoder(DictionaryBuilder):
    """An autoencoder from a file; nothing is trained, and nothing in the file is executed.

    Its input must be what is decomposed here: unit embeddings, centred unless `alignment.image` is false.

    Args:
        path: `.safetensors`, or `.pt` with tensors by name (below `state_dict`, if the file has that).
        target_l0: Active atoms of a row that its encoder keeps; null: all that are positive, as a ReLU encoder does.
    """

    def __init__(self, path: str, target_l0: int | None = None) -> None:
        if target_l0 is not None:
            require_integer("target_l0", target_l0, 1)
        self._path, self._target_l0 = Path(path).expanduser(), target_l0
        if not self._path.is_file():
            raise SpliceError(f"{key_of('path')} is {path!r}, but there is no such file: give a file of weights.")

    def build(self, ingredients: Ingredients) -> Dictionary:
        stored = self._stored()
        layout, weights = self._read(stored)
        size, dim = weights.decoder.shape
        if dim != ingredients.backbone.dim:
            raise SpliceError(
                f"{key_of('path', self)} is {str(self._path)!r}, whose atoms are {dim} wide, but the embeddings are "
                f"{ingredients.backbone.dim} wide: take an autoencoder of the same space."
            )
        if self._target_l0 is not None and self._target_l0 > size:
            raise SpliceError(
                f"{key_of('target_l0', self)} is {self._target_l0}, but {self._path.name} has {size} atoms."
            )
        flawed = (~(weights.decoder.norm(dim=1) > 0)).nonzero().flatten().tolist()
        if flawed or not all(part.isfinite().all() for part in weights):
            raise SpliceError(
                f"{key_of('path', self)} is {str(self._path)!r}, which holds numbers that are not finite, or atoms of "
                f"zeros ({shown(flawed)}): repair or leave them out."
            )
        provenance = {"vocabulary": LEARNED, "method": layout, "sha256": file_sha256(self._path)}
        names = tuple(f"learned {index}" for index in range(size))
        encoder = PretrainedEncoder(weights, self._target_l0)
        return Dictionary(normalize(weights.decoder, dim=1), names, torch.zeros(dim), provenance, encoder)

    def _stored(self) -> dict[str, Tensor]:
        if self._path.suffix == ".safetensors":
            return read_tensors(self._path)
        found: Any = read_pt(self._path, key_of("path", self))
        if isinstance(found, Mapping):
            found = found.get("state_dict", found)
        if not isinstance(found, Mapping):
            raise SpliceError(
                f"{key_of('path', self)} is {str(self._path)!r}, which holds a {type(found).__name__}, but must hold "
                "tensors by name."
            )
        return {str(name): tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}

    def _read(self, stored: Mapping[str, Tensor]) -> tuple[str, Weights]:
        other = next((kind for name, kind in OTHER_ENCODERS.items() if name in stored), None)
        if other is None:
            for layout, (needed, read) in LAYOUTS.items():
                if needed <= set(stored):
                    given = {name: tensor.float() for name, tensor in stored.items()}
                    try:
                        return layout, Weights(*(part.contiguous() for part in read(given)))
                    except (RuntimeError, IndexError) as error:
                        raise SpliceError(
                            f"{key_of('path', self)} is {str(self._path)!r}, whose tensors do not fit together "
                            f"({str(error).splitlines()[0]})."
                        ) from None
        known = "; ".join(f"{layout}: {', '.join(sorted(names))}" for layout, (names, _) in LAYOUTS.items())
        raise SpliceError(
            f"{key_of('path', self)} is {str(self._path)!r}, which is {other or 'of no known layout'} and has the "
            f"tensors {shown(sorted(stored))}, but must have those of a ReLU or TopK autoencoder ({known})."
        )
