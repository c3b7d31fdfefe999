"""What decides the outcome of the training of a classifier. Imported without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from splice_exp.backbones.resnet_kinds import ARCHITECTURES, STEMS
from splice_exp.training.settings import TrainingSettings


@dataclass(frozen=True)
class Settings(TrainingSettings):
    """What decides the outcome of a training.

    Attributes:
        architecture: Of torchvision.
        stem: `imagenet`, or `cifar` for small images.
        resize: Of the shorter side, pixels.
        crop: Side of the square in the middle, pixels.
        rotation: Most degrees by which pictures are turned in training, beside flips of both kinds.
        epochs: At most.
        patience: Epochs without a lower validation loss, after which it ends.
        batch_size: Pictures in a batch.
        learning_rate: Of Adam, at first.
        decay: Factor of the learning rate every `decay_every` epochs.
        decay_every: Epochs.
        weight_decay: Of Adam.
        seed: Of the last layer, the split and the order.
    """

    choices: ClassVar[Mapping[str, Sequence[str]]] = {"architecture": ARCHITECTURES, "stem": STEMS}

    architecture: str = "resnet18"
    stem: str = "imagenet"
    resize: int = 256
    crop: int = 224
    rotation: float = 30.0
    epochs: int = 100
    patience: int = 25
    batch_size: int = 256
    learning_rate: float = 0.1
    decay: float = 0.1
    decay_every: int = 10
    weight_decay: float = 1e-4
    seed: int = 42
