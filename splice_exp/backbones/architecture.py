"""What an architecture of open_clip computes, however its configuration is written: a tag's, a hub's or a file's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from splice_exp.core.packages.clip import open_clip

# Names in the file of weights and parts that only a loss uses change no embedding; a tokenizer is known by its tokens.
WITHOUT_EFFECT = ("custom_text", "init_logit_bias", "init_logit_scale")
OF_TOKENIZER = ("hf_tokenizer_name", "tokenizer_mode", "tokenizer_kwargs")


def architecture(model: str, quick_gelu: bool = False) -> dict[str, Any]:
    """Write out a configuration, with the defaults of open_clip for what it leaves out.

    Args:
        model: A name of open_clip, `hf-hub:…` or `local-dir:…`.
        quick_gelu: Whether the activation is QuickGELU where the configuration says otherwise.

    Returns:
        What decides the function of the weights, as open_clip names it; `vision_cfg` and `text_cfg` are dictionaries.
    """
    config = open_clip.get_model_config(model) or {}
    text = asdict(open_clip.CLIPTextCfg(**config["text_cfg"]))
    return {
        **{name: value for name, value in config.items() if name not in WITHOUT_EFFECT},
        "quick_gelu": bool(config.get("quick_gelu")) or quick_gelu,
        "vision_cfg": asdict(open_clip.CLIPVisionCfg(**config["vision_cfg"])),
        "text_cfg": {name: value for name, value in text.items() if name not in OF_TOKENIZER},
    }
