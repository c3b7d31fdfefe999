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

from splice_exp.backbones.weight_files import require_weights_file
from splice_exp.core.assets import HUB, LOCAL
from splice_exp.core.errors import SpliceError, nearest
from splice_exp.core.keys import building, key_of
from splice_exp.core.matrices.whole import require_whole

log = logging.getLogger(__name__)

SAFE, PLAIN = "open_clip_model.safetensors", "open_clip_pytorch_model.bin"  # names of weights on the hub
CONFIG = "open_clip_config.json"  # what `hf-hub:` is built by
OPEN_CLIP = "splice_exp.backbones.open_clip.OpenClipBackbone"


def require_configured_weights(backbone: Mapping[str, Any], place: str = "backbone") -> None:
    """Fetch or refuse the weights of a configured backbone, before it is built.

    Args:
        backbone: Its node of the configuration; only models of open_clip have published weights.
        place: Its key.

    Raises:
        SpliceError: naming the file, and how to get it.
    """
    with building(place):
        if isinstance(backbone.get("weights"), str):
            require_weights_file("weights", backbone["weights"])
        texts = backbone.get("texts")  # of a bank
        if isinstance(texts, str) and not Path(texts).expanduser().is_file():
            raise SpliceError(f"{key_of('texts')} is {texts!r}, but there is no such file: put it there.")
        if backbone.get("_target_") == OPEN_CLIP and backbone.get("weights") is None:
            require_model(str(backbone["model"]))
            require_weights(str(backbone["model"]), backbone.get("pretrained"), backbone.get("cache"))


def require_model(model: str) -> None:
    """Refuse an architecture that open_clip does not have, and a folder that is no checkpoint; `hf-hub:…` comes later.

    Raises:
        SpliceError: with the nearest names, or what the folder lacks.
    """
    if model.startswith(LOCAL):
        _require_checkpoint(model)
        return
    known = sorted(path.stem for path in (_folder() / "model_configs").glob("*.json"))
    if not model.startswith((HUB, LOCAL)) and model not in known:
        raise SpliceError(f"{key_of('model')} is {model!r}, which open_clip does not know ({nearest(model, known)}).")


def _require_checkpoint(model: str) -> None:
    """Refuse a folder without the configuration of a model, or with damaged weights."""
    folder = Path(model.removeprefix(LOCAL)).expanduser()
    lacks = "there is no such folder" if not folder.is_dir() else f"it has no {CONFIG}"
    if not (folder / CONFIG).is_file():
        raise SpliceError(f"{key_of('model')} is {model!r}, but {lacks}: name a folder that open_clip reads.")
    for name in (SAFE, PLAIN):
        if (folder / name).is_file():
            require_whole(folder / name, key_of("model"), "copy or save it again")


def require_weights(model: str, pretrained: str | None, cache: str | None) -> Path | None:
    """Fetch weights that are not found locally; refuse damaged ones, and those that the hub cannot send.

    open_clip would try for a minute.

    Args:
        model: An architecture, or `hf-hub:organisation/repository`.
        pretrained: A tag; a file is none of this.
        cache: Folder of downloaded weights; None for that of the hub.

    Returns:
        The file in the cache, with the configuration beside it for `hf-hub:`; None if the hub does not have them under
        a name that is known here.

    Raises:
        SpliceError: for weights that are neither published nor a file; or naming the file, and how to get it.
    """
    if not model.startswith((HUB, LOCAL)):
        require_tag(model, pretrained)
    published = _repository(model, pretrained)
    if published is None:
        return None
    repository, names = published
    if model.startswith(HUB):
        _require_file(repository, (CONFIG,), cache, with_tag=False)
    with_tag = not model.startswith(HUB)
    found = _require_file(repository, names, cache, with_tag)
    if found is not None:
        force = _command(repository, found.name, cache, "--force-download")
        require_whole(found, f"{found.name} of huggingface.co/{repository}", f"{force}{_or_file(found.name, with_tag)}")
    return found


def require_tag(model: str, pretrained: str | None) -> None:
    """Refuse weights of an architecture that are neither published nor a whole file.

    Args:
        model: An architecture of open_clip.
        pretrained: A tag of its published weights, or a file; None is refused.

    Raises:
        SpliceError: naming the key, the value, and the tags that there are; or why a file is not whole.
    """
    tags = _tables().list_pretrained_tags_by_model(model)
    known = f"the tags of {model} are {', '.join(tags)}" if tags else f"{model} has no published weights"
    if pretrained is None:
        raise SpliceError(f"{key_of('pretrained')} must name the weights of {model}, a tag or a file: {known}.")
    if _tables().is_pretrained_cfg(model, pretrained):
        return
    file = Path(pretrained).expanduser()
    if not file.is_file():
        raise SpliceError(
            f"{key_of('pretrained')} is {pretrained!r}, which is no tag, and there is no such file: {known}."
        )
    require_whole(file, key_of("pretrained"))


def _command(repository: str, name: str, cache: str | None, option: str = "") -> str:
    """Say how a file of a repository is had."""
    words = ["hf", "download", repository, name, *([option] if option else [])]
    words += [] if cache is None else ["--cache-dir", cache]
    return f"where there is a network, run `{' '.join(words)}` and copy its cache"


def _or_file(name: str, with_tag: bool) -> str:
    """Say how a file elsewhere is named instead, if it can be; `Splice.load` and its like have no such argument."""
    configured = key_of("weights") != "weights"
    return f", or set {key_of('weights')} to the file" if configured and name != CONFIG and with_tag else ""


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.partition("\n")[0].rstrip(".") or type(error).__name__


def _require_file(repository: str, names: tuple[str, ...], cache: str | None, with_tag: bool) -> Path | None:
    """Fetch the first of some files that a repository has, if none of them is here; it may have none."""
    from huggingface_hub import constants

    if (here := _in_cache(repository, names, Path(cache or constants.HF_HUB_CACHE))) is not None:
        return here
    if constants.HF_HUB_OFFLINE:
        raise _not_had(repository, names[0], cache, with_tag, "HF_HUB_OFFLINE is set")
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url  # late: what connects takes a second

    for name in names:
        try:
            size = get_hf_file_metadata(hf_hub_url(repository, name)).size or 0
            folder = cache or constants.HF_HUB_CACHE
            log.info("fetching %s of huggingface.co/%s, %.1f MB, to %s", name, repository, size / 1e6, folder)
            return Path(hf_hub_download(repository, name, cache_dir=cache))  # with a progress bar
        except Exception as error:  # of the network, the hub, or whoever forbids either
            if getattr(getattr(error, "response", None), "status_code", None) == 404:
                continue  # under another name, then: open_clip knows more of them
            # A network's chain of errors is longer than what it says.
            raise _not_had(repository, name, cache, with_tag, _first_line(error)) from None
    return None


def _in_cache(repository: str, names: tuple[str, ...], cache: Path) -> Path | None:
    """Return the first of some files that the cache of the hub has, which lies there under the commit of its branch."""
    folder = cache.expanduser() / f"models--{repository.replace('/', '--')}"
    branch = folder / "refs" / "main"
    commit = branch.read_text(encoding="utf-8").strip() if branch.is_file() else ""
    files = (folder / "snapshots" / commit / name for name in names)
    return next((file for file in files if commit and file.is_file()), None)


def _not_had(repository: str, name: str, cache: str | None, with_tag: bool, reason: str) -> SpliceError:
    return SpliceError(
        f"{name} of huggingface.co/{repository} was not found locally, and cannot be fetched ({reason}): "
        f"{_command(repository, name, cache)}{_or_file(name, with_tag)}."
    )


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
