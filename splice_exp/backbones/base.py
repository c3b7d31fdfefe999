"""What the rest of the house asks of an encoder: texts and images into one space, and a name for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError, require_names
from splice_exp.core.keys import key_of

TOWERS = ("image", "text")


@dataclass(frozen=True, eq=False)
class LastLayer:
    """A linear classifier of representations, not normalised.

    Attributes:
        weights: (c, d).
        bias: (c,).
        classes: Their names, where the file says them.
    """

    weights: Float[Tensor, "c d"]
    bias: Float[Tensor, " c"]
    classes: tuple[str, ...] | None


class Backbone(ABC):
    """An encoder of texts and images.

    Attributes:
        backbone_id: Fingerprint: two backbones of the same id give the same embeddings.
        dim: Width d of the embedding space.
        class_templates: Texts of a class, with `{}` for its name; its zero-shot classifier is the mean of their
            embeddings.
        untouched: Towers, `image` or `text`, that are those of another backbone as they were there: its fingerprint.
    """

    backbone_id: str
    dim: int
    class_templates: tuple[str, ...]
    untouched: Mapping[str, str] = MappingProxyType({})

    def tower_id(self, tower: str) -> str:
        """Fingerprint of what images or texts become: an edit of one tower leaves the embeddings of the other."""
        return self.untouched.get(tower, self.backbone_id)

    def mark_changed(self, before: Backbone, tower: str, change: str) -> None:
        """Give this copy of a backbone its own fingerprint.

        Args:
            before: What it is a copy of.
            tower: Which one was changed, `image` or `text`; the other one is as it was.
            change: What was done, for the fingerprint.
        """
        (other,) = set(TOWERS) - {tower}
        self.backbone_id, self.untouched = f"{before.backbone_id}:{change}", {other: before.tower_id(other)}

    @abstractmethod
    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "m d"]:
        """Embed texts as unit rows.

        Raises:
            SpliceError: if a text has no embedding.
        """

    @abstractmethod
    def preprocess(self, inputs: Any) -> Any:
        """Turn inputs, as a data set yields them, into a batch for `encode_batch`; done where samples are loaded.

        Returns:
            A batch on the CPU: pixels, (b, c, h, w), where inputs are images.

        Raises:
            SpliceError: if this backbone cannot embed such inputs.
        """

    @abstractmethod
    def encode_batch(self, batch: Any) -> Float[Tensor, "b d"]:
        """Embed a preprocessed batch, on the device of `module`, as unit rows."""

    def encode_images(self, inputs: Any) -> Float[Tensor, "b d"]:
        """Preprocess and embed some inputs.

        Returns:
            Unit rows, one for each input.

        Raises:
            SpliceError: if this backbone cannot embed such inputs.
        """
        return self.encode_batch(self.preprocess(inputs))

    def represent(
        self, pixels: Float[Tensor, "b c h w"], kept: Bool[Tensor, "b rows columns"] | None = None
    ) -> Float[Tensor, "b d"]:
        """Embed pixels as `preprocess` makes them, not normalised and with gradients: what attributions look at.

        Args:
            pixels: On any device.
            kept: Patches that the image tower sees, by default all.

        Raises:
            SpliceError: if there are no pixels, or patches cannot be hidden.
        """
        raise SpliceError(
            "Attributions need an encoder of pixels, but this backbone is none: take backbone=scenes_clip."
        )

    @property
    def patch_size(self) -> int | None:
        """Side of the patches of the image tower in pixels, where it has such tokens."""
        return None

    @property
    def border(self) -> int:
        """Pixels that `preprocess` cuts off each side of a square image after it has resized it."""
        return 0

    @property
    def last_layer(self) -> LastLayer | None:
        """The classifier of representations that the network was trained with, where it has one."""
        return None

    @property
    def module(self) -> Module | None:
        """What moves between devices, for a backbone that has something to move."""
        return None

    def knows_text(self, text: str) -> bool:
        """Say whether `encode_text` has an embedding for a text; an encoder has one for every text."""
        return True

    @property
    def known_texts(self) -> tuple[str, ...]:
        """All texts, for a backbone that knows finitely many.

        Raises:
            SpliceError: for an encoder, which takes any text.
        """
        raise SpliceError(
            "vocabulary=bank takes all texts of a text bank, but this backbone encodes any text: "
            "set vocabulary=file and vocabulary.path, or backbone=precomputed."
        )

    @property
    def encoder(self) -> str | None:
        """Name of the encoder behind the embeddings, to be compared with that of a data set."""
        return None

    def knows_class(self, name: str) -> bool:
        """Say whether all texts of a class have an embedding."""
        return all(self.knows_text(text) for text in self.class_texts([name]))

    def encode_classes(self, names: Sequence[str]) -> Float[Tensor, "c d"]:
        """Embed classes: the mean of the embeddings of their texts, as unit rows (Radford et al. 2021, section 3.1.4).

        Raises:
            SpliceError: if a text has no embedding.
        """
        return self.mean_of_texts(self.encode_text(self.class_texts(names)))

    def class_texts(self, names: Sequence[str]) -> list[str]:
        """Return the texts of classes, all of one class before those of the next."""
        return [template.replace("{}", name) for name in names for template in self.class_templates]

    def mean_of_texts(self, features: Float[Tensor, "m d"]) -> Float[Tensor, "c d"]:
        """Join the embeddings of `class_texts`: those of a class become their mean, as unit rows.

        Returns:
            Unit rows, one for each class.
        """
        texts = len(self.class_templates)
        return normalize(features.view(len(features) // texts, texts, self.dim).mean(dim=1), dim=1)


def require_float32(backbone: Backbone, who: str) -> None:
    """Refuse what takes gradients in half precision, where they underflow.

    Args:
        backbone: Any.
        who: What takes them, with its verb: `Gradients need`.

    Raises:
        SpliceError: naming the key.
    """
    if backbone.module is not None and any(one.dtype != torch.float32 for one in backbone.module.parameters()):
        raise SpliceError(f"{who} backbone.precision=fp32: in half precision gradients underflow.")


def require_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """Return the texts of a class.

    Raises:
        SpliceError: if there is none, or one without a place for the name.
    """
    require_names("class_templates", templates)
    if not templates or any(template.count("{}") != 1 for template in templates):
        raise SpliceError(
            f"{key_of('class_templates')} is {list(templates)}, but must be one or more texts with {{}} once, for the "
            "name."
        )
    return tuple(templates)
