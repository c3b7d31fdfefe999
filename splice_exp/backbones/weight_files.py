"""Weights that are files of the user: whether they are there and whole, and where those of the presets come from.

Imported without torch, so that the command line can say in a moment what is lacking.
"""

from __future__ import annotations

from pathlib import Path

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of
from splice_exp.core.matrices.whole import require_whole

# What the presets of COCOA explain, by the names of their files: no hub has these networks.
SOURCES = {
    "simclr_r50_1x.pth": (
        "ResNet-50 (1×) of SimCLR: get ResNet50_1x from https://github.com/google-research/simclr, convert it by "
        "https://github.com/tonylins/simclr-converter"
    ),
    "simsiam_r18_cifar10.pth": (
        "ResNet-18 of SimSiam, trained on CIFAR-10: get it from "
        "https://github.com/Reza-Safdari/SimSiam-91.9-top1-acc-on-CIFAR10"
    ),
    "mura_r18.pth": (
        "ResNet-18 of ImageNet (https://download.pytorch.org/models/resnet18-f37072fd.pth), fine-tuned on MURA: train "
        "it by python -m splice_exp train-classifier data=mura data.split=train --weights resnet18-f37072fd.pth "
        "--output mura_r18.pth"
    ),
}


def require_weights_file(argument: str, path: str) -> Path:
    """Return a weights file that exists and, judged by its first bytes and its end, is not cut off.

    Args:
        argument: Of the backbone being built.
        path: Its value.

    Raises:
        SpliceError: naming the file, what it should hold, and where that comes from.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        source = SOURCES.get(file.name)
        cure = "put it there" if source is None else f"it holds {source}, and put it there"
        raise SpliceError(f"{key_of(argument)} is {path!r}, but there is no such file: {cure}.")
    require_whole(file, key_of(argument))
    return file
