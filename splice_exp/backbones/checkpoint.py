"""Write a model of open_clip as an ordinary checkpoint directory, which loads as `local-dir:` here and elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.core.assets import LOCAL
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import atomic, write_json
from splice_exp.core.packages.clip import open_clip

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"  # names that open_clip looks for


def save_checkpoint(backbone: OpenClipBackbone, folder: Path) -> None:
    """Write configuration, preprocessing, weights, and the merges file of its own tokenizer.

    Args:
        backbone: Whatever has become of its weights.
        folder: Made if it does not exist; files of these names are replaced.

    Raises:
        SpliceError: if the model has an architecture that open_clip cannot describe in a file.
    """
    config = open_clip.get_model_config(backbone.source)
    if config is None:
        raise SpliceError(f"{backbone.model} has no configuration that open_clip could read again.")
    if backbone.forced_quick_gelu:  # of the weights, and not of the architecture: no one else would know
        config = {**config, "quick_gelu": True}
    model: Any = backbone.module
    folder.mkdir(parents=True, exist_ok=True)
    merges = ((config.get("text_cfg") or {}).get("tokenizer_kwargs") or {}).get("bpe_path")
    if merges is not None and backbone.source.startswith(LOCAL):
        with atomic(folder / merges) as temporary:
            shutil.copyfile(Path(backbone.source.removeprefix(LOCAL)) / merges, temporary)
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    with atomic(folder / WEIGHTS) as temporary:
        save_file(tensors, temporary)
    write_json(folder / CONFIG, {"model_cfg": config, "preprocess_cfg": open_clip.get_model_preprocess_cfg(model)})
