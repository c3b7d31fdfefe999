"""Residual networks that were trained on images alone: their pooled features, and their last layer beside them.

Weights are files of others, in the layouts in which SimCLR, SimSiam and fine-tuned classifiers are handed on: a state
dict, alone or under `state_dict` or `model`, whose names begin with some prefix. Nothing but tensors is unpickled.

References:
    He, Zhang, Ren, Sun. Deep residual learning for image recognition. CVPR 2016.
    Chen et al. A simple framework for contrastive learning of visual representations. ICML 2020 (SimCLR).
    Chen, He. Exploring simple siamese representation learning. CVPR 2021 (SimSiam).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torchvision
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import normalize
from torchvision import transforms

from splice_exp.backbones.base import Backbone, LastLayer
from splice_exp.backbones.resnet_kinds import ARCHITECTURES, STEMS
from splice_exp.backbones.weight_files import require_weights_file
from splice_exp.core.errors import SpliceError, nearest, require_choice, require_integer, shown
from splice_exp.core.images.colours import rgb
from splice_exp.core.io import digest, file_digest
from splice_exp.core.keys import key_of
from splice_exp.core.tensors import read_pt

LAYERS = ("state_dict", "model")  # under which a state dict may lie
CLASSES = "classes"  # beside the state dict, the names of what the last layer knows
LAST = "fc."  # names of the last layer, which is no part of the encoder


class ResNetBackbone(Backbone):
    """A ResNet of torchvision, in evaluation mode, up to its pooled features.

    Args:
        architecture: One of `ARCHITECTURES`.
        weights: A file of tensors: a state dict, alone or under `state_dict` or `model`.
        prefix: What the names of the encoder begin with in that file; names without it are left out.
        stem: `imagenet`, or `cifar` for small images.
        resize: Of the shorter side, pixels.
        crop: Side of the square in the middle, pixels.
        interpolation: Of the resizing, `bilinear` or `bicubic`.
        mean: Subtracted from each channel in [0, 1]; zeros for none.
        std: By which each is divided; ones for none.
    """

    def __init__(
        self,
        architecture: str,
        weights: str,
        prefix: str = "",
        stem: str = "imagenet",
        resize: int = 256,
        crop: int = 224,
        interpolation: str = "bilinear",
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> None:
        require_choice("architecture", architecture, ARCHITECTURES)
        require_choice("stem", stem, STEMS)
        require_choice("interpolation", interpolation, ("bilinear", "bicubic"))
        require_integer("resize", resize, 1)
        require_integer("crop", crop, 1)
        network = build_network(architecture, stem)
        self.dim = network.fc.in_features
        network.fc = nn.Identity()
        state = read_state(weights, prefix)
        load_encoder(network, state, weights)
        self._last_layer = _last_layer(state, self.dim, read_classes(weights))
        self._network = network.eval().requires_grad_(False)
        self._border = (resize - crop) // 2
        self._preprocess = transforms.Compose(
            [
                transforms.Resize(resize, transforms.InterpolationMode(interpolation)),
                transforms.CenterCrop(crop),
                transforms.ToTensor(),
                transforms.Normalize(list(mean), list(std)),
            ]
        )
        self.class_templates = ("{}",)
        identity = [architecture, stem, prefix, file_digest(Path(weights).expanduser()), str(self._preprocess)]
        self.backbone_id = f"resnet:{digest(identity)}"

    @property
    def module(self) -> nn.Module:
        return self._network

    @property
    def border(self) -> int:
        return self._border

    @property
    def last_layer(self) -> LastLayer | None:
        return self._last_layer

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "m d"]:
        raise SpliceError("This backbone was trained on images alone and embeds no texts: take a CLIP.")

    def preprocess(self, inputs: Any) -> Float[Tensor, "b c h w"]:
        if not all(isinstance(image, Image.Image) for image in inputs):
            raise SpliceError("This backbone encodes images only: take images, as data=scenes.")
        return torch.stack([self._preprocess(rgb(image)) for image in inputs])

    @torch.inference_mode()
    def encode_batch(self, batch: Any) -> Float[Tensor, "b d"]:
        return normalize(self.represent(batch), dim=1)

    def represent(
        self, pixels: Float[Tensor, "b c h w"], kept: Bool[Tensor, "b rows columns"] | None = None
    ) -> Float[Tensor, "b d"]:
        if kept is not None:
            raise SpliceError("removal=token_dropping hides patches, but a ResNet has none: set removal=blur.")
        found: Tensor = self._network(pixels.to(self._network.conv1.weight))
        return found.float()


def build_network(architecture: str, stem: str) -> torchvision.models.ResNet:
    """Return a network of random weights.

    Args:
        architecture: One of `ARCHITECTURES`.
        stem: One of `STEMS`.
    """
    network: torchvision.models.ResNet = getattr(torchvision.models, architecture)(weights=None)
    if stem == "cifar":
        network.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
        network.maxpool = nn.Identity()
    return network


def read_state(weights: str, prefix: str) -> dict[str, Tensor]:
    """Read the tensors of a file whose names begin with a prefix.

    Args:
        weights: A file of `torch.save`, with a state dict alone or under one of `LAYERS`.
        prefix: What the names of the wanted tensors begin with; it is taken off.

    Raises:
        SpliceError: if the file does not exist, or holds other things than tensors.
    """
    path, found = Path(weights), _content(weights)
    for layer in LAYERS:
        if isinstance(found, Mapping) and layer in found:
            found = found[layer]
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise SpliceError(f"{path} must hold a state dict, alone or under one of {', '.join(LAYERS)}.")
    state = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
    if not state:
        raise SpliceError(
            f"{key_of('prefix')} is {prefix!r}, but no name in {path} begins with it ({nearest(prefix, list(found))})."
        )
    return state


def read_classes(weights: str) -> tuple[str, ...] | None:
    """Read the names of the classes beside a state dict; None where the file has none."""
    found = _content(weights)
    names = found.get(CLASSES) if isinstance(found, Mapping) else None
    named = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    return tuple(names) if named else None  # type: ignore[arg-type]


def _content(weights: str) -> object:
    """Return what a file holds: nothing but tensors and plain values is unpickled.

    Raises:
        SpliceError: if the file does not exist, or holds other things.
    """
    return read_pt(require_weights_file("weights", weights), key_of("weights"))


def load_encoder(network: nn.Module, state: Mapping[str, Tensor], weights: str) -> None:
    """Load the encoder.

    Args:
        network: Changed in place; its classification layer stays as it is.
        state: Tensors by their names in the network.
        weights: The file that they are from, for errors.

    Raises:
        SpliceError: if the tensors are those of another architecture.
    """
    given, needed = (
        {name: value for name, value in named.items() if not name.startswith(LAST)}
        for named in (state, network.state_dict())
    )
    missing = sorted(name for name in needed.keys() - given.keys() if not name.endswith("num_batches_tracked"))
    other = sorted(name for name, value in needed.items() if name in given and given[name].shape != value.shape)
    if missing or other:
        hint = nearest(missing[0], list(state)) if missing else f"{other[0]} is {tuple(given[other[0]].shape)}"
        raise SpliceError(
            f"{weights} does not fit {key_of('architecture')} and {key_of('stem')}: it lacks {shown(missing)} and "
            "has other "
            f"shapes of {shown(other)} ({hint}). Set {key_of('prefix')} to what the names of the encoder begin with."
        )
    network.load_state_dict(given, strict=False)


def _last_layer(state: Mapping[str, Tensor], dim: int, classes: tuple[str, ...] | None) -> LastLayer | None:
    """Return the last layer, if the file has one on top of the features."""
    weights = state.get(f"{LAST}weight")
    if weights is None or weights.ndim != 2 or weights.shape[1] != dim:
        return None
    bias = state.get(f"{LAST}bias", torch.zeros(len(weights)))
    return LastLayer(weights.float(), bias.float(), classes)
