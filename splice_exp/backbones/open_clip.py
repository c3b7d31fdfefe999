"""Every model that open_clip loads: published weights by tag or hub, a file, or a checkpoint directory."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from jaxtyping import Bool, Float
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.backbones.architecture import architecture
from splice_exp.backbones.base import Backbone, require_templates
from splice_exp.backbones.openai_archive import is_openai_archive
from splice_exp.backbones.patches import ends_in_class_token, is_watched, represent_class_token, represent_patches
from splice_exp.backbones.published import CONFIG, require_model, require_tag, require_weights
from splice_exp.core.assets import HUB, LOCAL
from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.core.images.colours import rgb
from splice_exp.core.io import digest
from splice_exp.core.keys import key_of
from splice_exp.core.matrices.whole import require_whole
from splice_exp.core.packages.clip import open_clip, transformer
from splice_exp.core.tensors import read_pt

AUTOCAST = "amp_bf16"
HALVES = {"fp16": torch.float16, "bf16": torch.bfloat16}
PRECISIONS = ("fp32", *HALVES, AUTOCAST)
TEXTS_TOGETHER = 256
IMAGES_TOGETHER = 32  # on a CPU: what a block makes of them stays in its cache; twice as fast as 256 for small towers
MORE = "its weights are damaged, or hold more than tensors, and nothing else is loaded, because that could run code"
PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")  # that a tag says
TEMPLATE_SETS = {
    "imagenet_80": open_clip.OPENAI_IMAGENET_TEMPLATES,
    "imagenet_7": open_clip.SIMPLE_IMAGENET_TEMPLATES,
}
PROBE = "A photo of 2 zebras' naïve red-and-white star, 日本!"  # tells tokenizers apart


def _written_out(templates: Sequence[str]) -> list[str]:
    """Return the texts of a class, those of a set in place of its name.

    Example:
        >>> _written_out(["{}, drawn", "imagenet_7"])[:2]
        ['{}, drawn', 'itap of a {}.']
    """
    found = []
    for template in templates:
        found += [fill("{}") for fill in TEMPLATE_SETS[template]] if template in TEMPLATE_SETS else [template]
    return found


class OpenClipBackbone(Backbone):
    """A CLIP from open_clip, in evaluation mode.

    Args:
        model: An architecture of open_clip (`ViT-B-32`), `hf-hub:organisation/repository`, or `local-dir:folder` with
            `open_clip_config.json` and weights.
        pretrained: Tag of weights for an architecture, or your own file; nothing with `hf-hub:` or `local-dir:`.
        weights: File with the weights of the tag, instead of the hub; how they are used is what the tag says.
        precision: Of weights and arithmetic: `fp32`, `fp16` or `bf16`; or `amp_bf16`, float32 weights under autocast.
            Embeddings are normalised and returned as float32 in any case.
        class_templates: Texts of a class, with `{}` for its name; `imagenet_80` and `imagenet_7` stand for the
            templates that CLIP was judged by on ImageNet.
        cache: Folder of downloaded weights; by default that of the hub they come from.

    Attributes:
        model: Architecture, hub or folder, as it was given.
        source: What open_clip builds it by: an architecture or a folder, of a hub that in the cache.
        forced_quick_gelu: Whether the weights need QuickGELU, which the architecture lacks.
    """

    def __init__(
        self,
        model: str,
        pretrained: str | None = None,
        weights: str | None = None,
        precision: str = "fp32",
        class_templates: Sequence[str] = ("a photo of {}",),
        cache: str | None = None,
    ) -> None:
        require_choice("precision", precision, PRECISIONS)
        self.class_templates = require_templates(_written_out(class_templates))
        self.model = model
        self._model: Any
        # As a configuration may give them.
        weights = None if weights is None else str(Path(weights).expanduser())
        pretrained = None if pretrained is None else str(Path(pretrained).expanduser())
        self.source, published = _find(model, pretrained, weights, cache)
        self._model, self._preprocess, self._tokenizer = _load(
            self.source, model, pretrained, weights or published, precision, cache
        )
        self._autocast = precision == AUTOCAST
        self._encoder = model if pretrained is None else f"{model}/{pretrained}"
        self.dim = self._embed([""]).shape[1]
        self.forced_quick_gelu = _needs_quick_gelu(self.source, pretrained)
        self.backbone_id = f"open_clip:{digest([open_clip.__version__, precision, *self._identity()])}"

    @property
    def encoder(self) -> str:
        return self._encoder

    def _identity(self) -> list[Any]:
        """Name everything that decides an embedding: architecture, weights, preprocessing, tokens."""
        tokens = self._tokenizer([PROBE]).tolist()
        built = architecture(self.source, self.forced_quick_gelu)
        return [built, _fingerprint(self._model), self._model.visual.preprocess_cfg, tokens]

    @property
    def module(self) -> torch.nn.Module:
        return self._model

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "m d"]:
        if not texts:
            return torch.zeros(0, self.dim)
        starts = range(0, len(texts), TEXTS_TOGETHER)
        return torch.cat([self._embed(texts[start : start + TEXTS_TOGETHER]) for start in starts])

    @torch.inference_mode()
    def _embed(self, texts: Sequence[str]) -> Float[Tensor, "b d"]:
        tokens = self._tokenizer(list(texts)).to(self._weight.device)
        with self._arithmetic():
            return unit_rows(self._model.encode_text(tokens)).cpu()

    def preprocess(self, inputs: Any) -> Float[Tensor, "b c h w"]:
        if not all(isinstance(image, Image.Image) for image in inputs):
            raise SpliceError("This backbone encodes images only: take images, as data=scenes, or backbone=planted.")
        return torch.stack([self._preprocess(rgb(image)) for image in inputs])

    @torch.inference_mode()
    def encode_batch(self, batch: Any) -> Float[Tensor, "b d"]:
        with self._arithmetic():
            return unit_rows(self._in_parts(self._model.encode_image, batch.to(self._pixel_weight)))

    def represent(
        self, pixels: Float[Tensor, "b c h w"], kept: Bool[Tensor, "b rows columns"] | None = None
    ) -> Float[Tensor, "b d"]:
        visual, pixels = self._model.visual, pixels.to(self._pixel_weight)
        with self._arithmetic():
            if kept is None:
                short = ends_in_class_token(visual) and not is_watched(visual)
                encode = partial(represent_class_token, visual) if short else self._model.encode_image
                return self._in_parts(encode, pixels).float()
            return represent_patches(visual, pixels, kept).float()

    def _in_parts(self, encode: Callable[[Tensor], Tensor], pixels: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """Run the image tower, on a CPU on few images at a time: each embedding is the same to the last bit."""
        if pixels.device.type != "cpu" or is_watched(self._model.visual):
            return encode(pixels)
        return torch.cat([encode(part) for part in torch.split(pixels, IMAGES_TOGETHER)])

    @property
    def patch_size(self) -> int | None:
        visual = self._model.visual
        return int(visual.patch_size[0]) if isinstance(visual, transformer.VisionTransformer) else None

    @property
    def _weight(self) -> Tensor:
        """Return any weight: all are on one device, though not of one type."""
        return next(self._model.parameters())

    @property
    def _pixel_weight(self) -> Tensor:
        """Return the weight of the layer that takes the pixels: norms and positions stay in float32 beside it."""
        layers = (part for part in self._model.visual.modules() if isinstance(part, torch.nn.Conv2d | torch.nn.Linear))
        return next(layers).weight

    def _arithmetic(self) -> AbstractContextManager[Any]:
        return torch.autocast(self._weight.device.type, torch.bfloat16, enabled=self._autocast)


def unit_rows(features: Tensor) -> Float[Tensor, "b d"]:
    """Normalise in float32, whatever the arithmetic before."""
    return normalize(features.float(), dim=1)


def _find(model: str, pretrained: str | None, weights: str | None, cache: str | None) -> tuple[str, str | None]:
    """Return what the model is built by, and its file of weights if that was published with a tag.

    What is in the cache is read by its name: asking the hub first takes open_clip half a minute without a network.

    Raises:
        SpliceError: if there is no such model, or its weights cannot be had.
    """
    local = model.startswith((LOCAL, HUB))
    if local and pretrained is not None:
        raise SpliceError(
            f"{key_of('pretrained')} is {pretrained!r}, but {model} has weights of its own: set it to null."
        )
    require_model(model)
    if not local and pretrained is None:
        require_tag(model, None)
    _require_tokenizer(model)
    if weights is None:
        found = require_weights(model, pretrained, cache)
        if found is None or not model.startswith(HUB):
            return model, None if found is None else str(found)
        source = f"{LOCAL}{found.parent}"
        _require_tokenizer(source)
        return source, None
    tag = None if local else open_clip.get_pretrained_cfg(model, pretrained)
    if not tag or not Path(weights).is_file():
        raise SpliceError(
            f"{key_of('weights')} is {weights!r}, which must be a file, beside a tag in {key_of('pretrained')} "
            "that says how "
            f"they are used ({'no such file' if tag else f'its tags are {_tags(model)}'})."
        )
    require_whole(Path(weights), key_of("weights"))
    return model, None


def _load(
    source: str, model: str, pretrained: str | None, weights: str | None, precision: str, cache: str | None
) -> tuple[torch.nn.Module, Any, Any]:
    """Return model, preprocessing and tokenizer.

    Raises:
        SpliceError: if one of them cannot be had.
    """
    tag = (open_clip.get_pretrained_cfg(model, pretrained) or {}) if pretrained else {}
    file = Path(weights or pretrained or "")
    archive = is_openai_archive(weights or pretrained)
    if file.is_file() and file.suffix != ".safetensors" and not archive:
        read_pt(file, key_of("weights" if weights else "pretrained"))  # it is mapped, and says what is wrong with it
    try:
        with _quiet():
            loaded, preprocess = open_clip.create_model_from_pretrained(
                source,
                weights or pretrained,
                precision="fp32" if precision == AUTOCAST else precision,
                cache_dir=cache,
                force_quick_gelu=_needs_quick_gelu(source, pretrained),
                weights_only=not archive,
                **({f"image_{name}": tag[name] for name in PREPROCESSING if name in tag} if weights else {}),
            )
            tokenizer = _tokenizer(source, model, cache)
    except (RuntimeError, ValueError, OSError, SafetensorError, UnpicklingError) as error:
        where = f"{key_of('model')}={model}" + (f" with {key_of('pretrained')}={pretrained}" if pretrained else "")
        where += f" from {file}" if weights else ""
        raise SpliceError(f"{where} cannot be loaded ({_reason(error)}).") from None
    if precision in HALVES:
        _halve_the_rest(loaded, HALVES[precision])
    return loaded.eval().requires_grad_(False), preprocess, tokenizer


def _reason(error: Exception) -> str:
    """Say why a model could not be loaded; torch says in a second line what does not fit."""
    if isinstance(error, UnpicklingError):
        return MORE
    first, *others = (line.strip() for line in str(error).strip().splitlines())
    return f"{first} {others[0]}" if first.endswith(":") and others else first


def _halve_the_rest(model: torch.nn.Module, dtype: torch.dtype) -> None:
    """Bring parameters to half precision that open_clip forgets, and that halves then meet."""
    for part in model.modules():
        if isinstance(part, transformer.LayerScale | transformer.AttentionalPooler):
            for parameter in part.parameters(recurse=False):
                parameter.data = parameter.data.to(dtype)


def _require_tokenizer(model: str) -> None:
    """Refuse an architecture with a tokenizer of Hugging Face where the package that reads it is not installed.

    Raises:
        SpliceError: naming the extra that installs it.
    """
    known = model in open_clip.list_models() or (Path(model.removeprefix(LOCAL)) / CONFIG).is_file()
    config = (open_clip.get_model_config(model) or {}) if known else {}
    if (config.get("text_cfg") or {}).get("hf_tokenizer_name") and find_spec("transformers") is None:
        raise SpliceError(
            f"{key_of('model')} is {model!r}, whose tokenizer needs transformers, which is not installed: "
            "pip install 'splice-exp[siglip]'."
        )


def _needs_quick_gelu(model: str, pretrained: str | None) -> bool:
    """Say whether published weights were trained with QuickGELU and the architecture has another activation.

    open_clip warns and goes on, and every embedding would be a little wrong.
    """
    trained = (open_clip.get_pretrained_cfg(model, pretrained) or {}) if pretrained else {}
    built = open_clip.get_model_config(model) or {}
    return bool(trained.get("quick_gelu")) and not built.get("quick_gelu")


def _tags(model: str) -> str:
    return ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"


def _tokenizer(source: str, model: str, cache: str | None) -> Any:
    """Return the tokenizer; a merges file that a checkpoint directory names is looked for in that directory."""
    options: dict[str, Any] = {}
    if source.startswith(LOCAL):
        folder, text = Path(source.removeprefix(LOCAL)), open_clip.get_model_config(source)["text_cfg"]
        if text.get("hf_tokenizer_name") and model.startswith(HUB):
            source = model  # whose tokenizer is several files, under names that only transformers knows
        merges = (text.get("tokenizer_kwargs") or {}).get("bpe_path")
        if merges is not None:
            options = {"bpe_path": str(folder / merges)}
    return open_clip.get_tokenizer(source, cache_dir=cache, **options)


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
