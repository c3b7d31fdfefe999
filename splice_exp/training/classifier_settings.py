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
        architecture: A residual network of torchvision, one of `ARCHITECTURES`.
        stem: `imagenet`, or `cifar` for small images.
        resize: Length of the shorter side of an image, pixels.
        crop: Side of the square in the middle, pixels.
        rotation: Largest random rotation of an image in training, degrees; it is flipped at random, too.
        epochs: The largest number of epochs.
        patience: Epochs without a lower validation loss, after which the training ends.
        batch_size: Images in a batch.
        learning_rate: Of Adam, at first.
        decay: Factor of the learning rate every `decay_every` epochs.
        decay_every: Epochs.
        weight_decay: Of Adam.
        seed: Of the last layer, the split and the order.

    Raises:
        SpliceError: naming the option that is out of bounds.
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
