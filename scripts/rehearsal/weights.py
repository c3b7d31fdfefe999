"""Random weights where published ones are looked for: a cache laid out as by huggingface_hub, and files of networks.

ViT-B/32 comes in its real size, and in one of the same layers, heads, names and joint dimension but narrower; ViT-L/14
(1.7 GB) in a narrower one only, and on half the pixels a side: 65 tokens instead of 257, whose attention was most of
the time of its presets. Networks that no hub has are of their real architecture.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file

from scripts.rehearsal.data_sets import IMAGENET
from splice_exp.backbones.resnet import build_network

FILE = "open_clip_model.safetensors"
COMMIT = "0" * 40  # of the snapshot
TAGS = {  # that presets ask for: architecture → tags
    "ViT-B-32": ("laion2b_s34b_b79k", "openai"),
    "ViT-L-14": ("laion2b_s32b_b82k",),
}
# As many layers and heads as the real ones, and so the same names of tensors; ViT-B/32 keeps its joint dimension,
# because there are image means of it.
TEXT = {"context_length": 77, "vocab_size": 49408, "layers": 12}
NARROW: dict[str, dict[str, Any]] = {
    "ViT-B-32": {
        "embed_dim": 512,
        "vision_cfg": {"image_size": 224, "layers": 12, "width": 96, "head_width": 8, "patch_size": 32},
        "text_cfg": {**TEXT, "width": 64, "heads": 8},
    },
    "ViT-L-14": {
        "embed_dim": 48,
        "vision_cfg": {"image_size": 112, "layers": 24, "width": 64, "head_width": 4, "patch_size": 14},
        "text_cfg": {**TEXT, "width": 48, "heads": 12},
    },
}


def write_architectures(folder: Path) -> None:
    """Write the narrow architectures as open_clip reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, config in NARROW.items():
        (folder / f"{name}.json").write_text(json.dumps(config))


def use_narrow_architectures(folder: Path) -> None:
    """Let open_clip build the narrow architectures under the real names, in this process."""
    open_clip.add_model_config(folder)


def write_hub(hub: Path, architectures: tuple[str, ...]) -> None:
    """Write a hub cache: random weights of architectures, as this process builds them, for each of their tags.

    Args:
        hub: Folder of the cache.
        architectures: Among `TAGS`.
    """
    for architecture in architectures:
        torch.manual_seed(0)
        state = open_clip.create_model(architecture).state_dict()
        first = hub / f"{architecture}.safetensors"
        hub.mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous() for name, value in state.items()}, first)
        digest = hashlib.sha256(first.read_bytes()).hexdigest()
        for tag in TAGS[architecture]:
            repository = open_clip.get_pretrained_cfg(architecture, tag)["hf_hub"].rstrip("/")
            base = hub / f"models--{repository.replace('/', '--')}"
            for folder in ("blobs", "refs", f"snapshots/{COMMIT}"):
                (base / folder).mkdir(parents=True, exist_ok=True)
            (base / "refs" / "main").write_text(COMMIT)
            (base / "blobs" / digest).hardlink_to(first)
            (base / "snapshots" / COMMIT / FILE).symlink_to(f"../../blobs/{digest}")
        first.unlink()


def write_networks(folder: Path) -> None:
    """Write the networks that no hub has: those that COCOA explains."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    simclr = build_network("resnet50", "imagenet")
    # Its last layer has as many outputs as the miniature has classes.
    simclr.fc = torch.nn.Linear(simclr.fc.in_features, len(IMAGENET))
    torch.save({"state_dict": simclr.state_dict()}, folder / "simclr_r50_1x.pth")
    simsiam = build_network("resnet18", "cifar").state_dict()
    encoder = {f"backbone.{name}": value for name, value in simsiam.items() if not name.startswith("fc.")}
    torch.save({"state_dict": encoder}, folder / "simsiam_r18_cifar10.pth")
    mura = build_network("resnet18", "imagenet")
    mura.fc = torch.nn.Linear(mura.fc.in_features, 2)
    torch.save({"state_dict": mura.state_dict(), "classes": ["negative", "positive"]}, folder / "mura_r18.pth")
