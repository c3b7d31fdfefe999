"""Published weights: which file they are, and whether it is here or can be fetched, before anything waits for it.

Imported without torch, so that the command line can say in a moment what is lacking.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from functools import cache as once
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from splice_exp.core.errors import SpliceError, nearest
from splice_exp.core.keys import building, key_of

log = logging.getLogger(__name__)

SAFE, PLAIN = "open_clip_model.safetensors", "open_clip_pytorch_model.bin"  # names of weights on the hub
CONFIG = "open_clip_config.json"  # what `hf-hub:` is built by
HUB, LOCAL = "hf-hub:", "local-dir:"
OPEN_CLIP = "splice_exp.backbones.open_clip.OpenClipBackbone"


def require_configured_weights(backbone: Mapping[str, Any]) -> None:
    """Fetch or refuse the weights of a configured backbone, before it is built.

    Args:
        backbone: Its node of the configuration; only models of open_clip have published weights.

    Raises:
        SpliceError: naming the file, and how to get it.
    """
    for name in ("weights", "texts"):  # of backbones that are files
        given = backbone.get(name)
        if isinstance(given, str) and not Path(given).expanduser().is_file():
            with building("backbone"):
                raise SpliceError(f"{key_of(name)} is {given!r}, but there is no such file: put it there.")
    if backbone.get("_target_") == OPEN_CLIP and backbone.get("weights") is None:
        with building("backbone"):
            require_model(str(backbone["model"]))
            require_weights(str(backbone["model"]), backbone.get("pretrained"), backbone.get("cache"))


def require_model(model: str) -> None:
    """Refuse an architecture that open_clip does not have; other names (`hf-hub:…`, `local-dir:…`) are looked up later.

    Raises:
        SpliceError: with the nearest names.
    """
    known = sorted(path.stem for path in (_folder() / "model_configs").glob("*.json"))
    if not model.startswith((HUB, LOCAL)) and model not in known:
        raise SpliceError(f"{key_of('model')} is {model!r}, which open_clip does not know ({nearest(model, known)}).")


def require_weights(model: str, pretrained: str | None, cache: str | None) -> Path | None:
    """Fetch weights that are not here; refuse those that the hub cannot send, which open_clip would try for a minute.

    Args:
        model: An architecture, or `hf-hub:organisation/repository`.
        pretrained: A tag; a file is none of this.
        cache: Folder of downloaded weights; None for that of the hub.

    Returns:
        The file in the cache, with the configuration beside it for `hf-hub:`; None if the hub does not have them under
        a name that is known here.

    Raises:
        SpliceError: naming the file, and how to get it.
    """
    published = _repository(model, pretrained)
    if published is None:
        return None
    repository, names = published
    if model.startswith(HUB):
        _require_file(repository, (CONFIG,), cache, with_tag=False)
    return _require_file(repository, names, cache, with_tag=not model.startswith(HUB))


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.partition("\n")[0].rstrip(".") or type(error).__name__


def _require_file(repository: str, names: tuple[str, ...], cache: str | None, with_tag: bool) -> Path | None:
    """Fetch the first of some files that a repository has, if none of them is here; it may have none."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache

    for name in names:
        here = try_to_load_from_cache(repository, name, cache)
        if isinstance(here, str):
            return Path(here)
    for name in names:
        try:
            size = get_hf_file_metadata(hf_hub_url(repository, name)).size or 0
            folder = cache or constants.HF_HUB_CACHE
            log.info("fetching %s of huggingface.co/%s, %.1f MB, to %s", name, repository, size / 1e6, folder)
            return Path(hf_hub_download(repository, name, cache_dir=cache))  # with a progress bar
        except Exception as error:  # of the network, the hub, or whoever forbids either
            if getattr(getattr(error, "response", None), "status_code", None) == 404:
                continue  # under another name, then: open_clip knows more of them
            reason = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else _first_line(error)
            folder = f" --cache-dir {cache}" if cache else ""
            configured = key_of("weights") != "weights"  # Splice.load and its like have no such argument
            file = f", or set {key_of('weights')} to the file" if configured and name != CONFIG and with_tag else ""
            raise SpliceError(
                f"{name} of huggingface.co/{repository} was not found locally, and cannot be fetched ({reason}): where "
                f"there is a network, run `hf download {repository} {name}{folder}` and copy its cache{file}."
            ) from error
    return None


def _repository(model: str, pretrained: str | None) -> tuple[str, tuple[str, ...]] | None:
    """Return the repository of published weights and the names they may have there, the safest first."""
    if model.startswith(HUB):
        return model.removeprefix(HUB), (SAFE, PLAIN)
    found = (_tables().get_pretrained_cfg(model, pretrained) or {}) if pretrained else {}
    repository, name = os.path.split(found.get("hf_hub", ""))
    if not repository:
        return None
    return repository, (name,) if name else (SAFE, PLAIN)


@once
def _folder() -> Path:
    """Return the folder of open_clip, which is not imported for it."""
    spec = find_spec("open_clip")
    if spec is None or not spec.submodule_search_locations:
        raise SpliceError("open_clip is not installed: pip install open_clip_torch.")
    return Path(next(iter(spec.submodule_search_locations)))


@once
def _tables() -> Any:
    """Return open_clip's module of published weights, without the rest of open_clip, which takes seconds."""
    if "open_clip" in sys.modules:
        return import_module("open_clip.pretrained")
    alone = ModuleType("open_clip_tables")
    alone.__path__ = [str(_folder())]
    sys.modules[alone.__name__] = alone
    torchless = "torch" not in sys.modules
    if torchless:
        sys.modules["safetensors.torch"] = None  # type: ignore[assignment]  # the table does without, and with it is slow
    try:
        return import_module(f"{alone.__name__}.pretrained")
    finally:
        if torchless:
            del sys.modules["safetensors.torch"]
