"""Published weights: which file they are, and whether it is here or can be fetched, before anything waits for it."""

from __future__ import annotations

import os

import open_clip

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of

SAFE, PLAIN = "open_clip_model.safetensors", "open_clip_pytorch_model.bin"  # names of weights on the hub
HUB = "hf-hub:"


def require_weights(model: str, pretrained: str | None, cache: str | None) -> None:
    """Refuse weights that are not here and that the hub cannot send; open_clip would try for a minute.

    Args:
        model: An architecture, or `hf-hub:organisation/repository`.
        pretrained: A tag; a file is none of this.
        cache: Folder of downloaded weights; None for that of the hub.

    Raises:
        SpliceError: naming the file, and how to get it.
    """
    published = _repository(model, pretrained)
    if published is None:
        return
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache

    repository, names = published
    if any(isinstance(try_to_load_from_cache(repository, name, cache), str) for name in names):
        return
    try:
        get_hf_file_metadata(hf_hub_url(repository, names[-1]))
    except Exception as error:  # of the network, the hub, or whoever forbids either
        if getattr(getattr(error, "response", None), "status_code", None) == 404:
            return  # under another name, then: open_clip knows more of them
        raise SpliceError(
            f"The weights {names[0]} of huggingface.co/{repository} are not here, and cannot be fetched "
            f"({str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}). Where there is "
            f"a network, `hf download {repository}{' --cache-dir ' + cache if cache else ''}` fetches them; copy its "
            f"cache, or set {key_of('weights')} to the file."
        ) from error


def _repository(model: str, pretrained: str | None) -> tuple[str, tuple[str, ...]] | None:
    """Return the repository of published weights and the names they may have there, the safest first."""
    if model.startswith(HUB):
        return model.removeprefix(HUB), (SAFE, PLAIN)
    found = (open_clip.get_pretrained_cfg(model, pretrained) or {}) if pretrained else {}
    repository, name = os.path.split(found.get("hf_hub", ""))
    if not repository:
        return None
    return repository, (name,) if name else (SAFE, PLAIN)
