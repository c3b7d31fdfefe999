"""Every model that open_clip loads: published weights by tag or hub, a file, or a checkpoint directory."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip
import torch
from jaxtyping import Float
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, nearest, require_choice, require_integer
from splice_exp.core.io import digest

PRECISIONS = ("fp32", "fp16", "bf16")
LOCAL = "local-dir:"
PROBE = "A photo of 2 zebras' naïve red-and-white star, 日本!"  # tells tokenizers apart


class OpenClipBackbone(Backbone):
    """A CLIP from open_clip, in evaluation mode.

    Args:
        model: An architecture of open_clip (`ViT-B-32`), `hf-hub:organisation/repository`, or `local-dir:folder` with
            `open_clip_config.json` and weights.
        pretrained: Tag or file of weights for an architecture; nothing with `hf-hub:` or `local-dir:`.
        precision: `fp32`, `fp16` or `bf16`; embeddings are returned as float32 in any case.
        class_template: Text of a class, with `{}` for its name.
        batch_size: Images or texts encoded together.
        cache: Folder of downloaded weights.
    """

    def __init__(
        self,
        model: str,
        pretrained: str | None = None,
        precision: str = "fp32",
        class_template: str = "a photo of {}",
        batch_size: int = 256,
        cache: str | None = None,
    ) -> None:
        require_choice("backbone.precision", precision, PRECISIONS)
        require_integer("backbone.batch_size", batch_size, 1)
        if class_template.count("{}") != 1:
            raise SpliceError(f"backbone.class_template is {class_template!r}, but must have {{}} once, for the name.")
        self._model: Any
        self._model, self._preprocess, self._tokenizer = _load(model, pretrained, precision, cache)
        self._batch_size = batch_size
        self.class_template = class_template
        self._encoder = model if pretrained is None else f"{model}/{pretrained}"
        self.dim = self._embed([""]).shape[1]
        self.backbone_id = f"open_clip:{digest([precision, *self._identity(model)])}"

    @property
    def encoder(self) -> str:
        return self._encoder

    def _identity(self, model: str) -> list[Any]:
        """Name everything that decides an embedding: architecture, weights, preprocessing, tokens."""
        tokens = self._tokenizer([PROBE]).tolist()
        return [open_clip.get_model_config(model), _fingerprint(self._model), str(self._preprocess), tokens]

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "m d"]:
        if not texts:
            return torch.zeros(0, self.dim)
        parts = [texts[start : start + self._batch_size] for start in range(0, len(texts), self._batch_size)]
        return torch.cat([self._embed(part) for part in parts])

    @torch.inference_mode()
    def _embed(self, texts: Sequence[str]) -> Float[Tensor, "b d"]:
        return _unit_rows(self._model.encode_text(self._tokenizer(list(texts))))

    @torch.inference_mode()
    def encode_images(self, inputs: Any) -> Float[Tensor, "b d"]:
        if not all(isinstance(image, Image.Image) for image in inputs):
            raise SpliceError("This backbone encodes images only: set data to images, or backbone=planted.")
        pixels = torch.stack([self._preprocess(image) for image in inputs]).to(next(self._model.parameters()).dtype)
        return torch.cat([_unit_rows(self._model.encode_image(part)) for part in torch.split(pixels, self._batch_size)])


"""
"""


def _unit_rows(features: Tensor) -> Float[Tensor, "b d"]:
    return normalize(features.float(), dim=1)


def _load(model: str, pretrained: str | None, precision: str, cache: str | None) -> tuple[torch.nn.Module, Any, Any]:
    """Return model, preprocessing and tokenizer.

    Raises:
        SpliceError: if one of them cannot be had.
    """
    local = model.startswith((LOCAL, "hf-hub:"))
    if local and pretrained is not None:
        raise SpliceError(f"backbone.pretrained is {pretrained!r}, but {model} has weights of its own: set it to null.")
    if not local and model not in open_clip.list_models():
        raise SpliceError(
            f"backbone.model is {model!r}, which open_clip does not know ({nearest(model, open_clip.list_models())})."
        )
    if not local and pretrained is None:
        raise SpliceError(f"backbone.pretrained must name the weights of {model}: {_tags(model)}, or a file.")
    try:
        with _quiet():
            loaded, preprocess = open_clip.create_model_from_pretrained(
                model, pretrained, precision=precision, cache_dir=cache
            )
            tokenizer = _tokenizer(model, cache)
    except (RuntimeError, ValueError, OSError, SafetensorError) as error:
        where = f"backbone.model={model}" + (f" with backbone.pretrained={pretrained}" if pretrained else "")
        known = "" if local else f"; its tags are {_tags(model)}"
        reason = str(error).strip().splitlines()[0]
        raise SpliceError(f"{where} cannot be loaded ({reason}){known}.") from error
    return loaded.eval().requires_grad_(False), preprocess, tokenizer


def _tags(model: str) -> str:
    return ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"


def _tokenizer(model: str, cache: str | None) -> Any:
    """Return the tokenizer; a merges file that a checkpoint directory names is looked for in that directory."""
    options: dict[str, Any] = {}
    if model.startswith(LOCAL):
        folder = Path(model.removeprefix(LOCAL))
        merges = (open_clip.get_model_config(model)["text_cfg"].get("tokenizer_kwargs") or {}).get("bpe_path")
        if merges is not None:
            options = {"bpe_path": str(folder / merges)}
    return open_clip.get_tokenizer(model, cache_dir=cache, **options)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep open_clip's progress notes, which it sends to the root logger, out of ours."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.CRITICAL)  # its errors come as exceptions, too
    try:
        yield
    finally:
        root.setLevel(level)


def _fingerprint(model: torch.nn.Module) -> str:
    """Digest the weights, wherever they came from."""
    found = hashlib.blake2b(digest_size=16)
    for name, value in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return found.hexdigest()
