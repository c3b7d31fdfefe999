"""Two independent binary attributes, one to be classified and one to be edited away (as SpLiCE does with CelebA)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.core.keys import key_of
from splice_exp.core.types import Attribute
from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource
from splice_exp.data.scenes.spurious import require_pair
from splice_exp.data.scenes.world import ATTRIBUTES, OBJECT_ATTRIBUTES


@dataclass(eq=False)
class AttributeScenes(SceneSource):
    """One object with two attributes of two values each; the four combinations are equally frequent.

    Args:
        label: The attribute that is the class: `shape`, `colour`, `surface` or `size`.
        label_values: Its two values.
        edited: The attribute to be edited away, another one.
        edited_values: Its two values.

    Raises:
        SpliceError: if the two attributes are the same, or a value is none of its attribute.
    """

    label: str = "shape"
    label_values: Sequence[str] = ("star", "heart")
    edited: str = "surface"
    edited_values: Sequence[str] = ("striped", "plain")
    name: str = field(default="scenes_attributes", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        label, edited = self.label, self.edited
        require_choice("label", label, OBJECT_ATTRIBUTES)
        require_choice("edited", edited, OBJECT_ATTRIBUTES)
        if label == edited:
            raise SpliceError(
                f"{key_of('edited')} is {edited!r}, which is {key_of('label')} too: take two different attributes."
            )
        self._kinds = (label, edited)
        self._values = (
            require_pair("label_values", self.label_values, tuple(ATTRIBUTES[label])),
            require_pair("edited_values", self.edited_values, tuple(ATTRIBUTES[edited])),
        )
        self._label(self._values[0], [getattr(picture.objects[0], label) for picture in self.pictures])
        found = [getattr(picture.objects[0], edited) for picture in self.pictures]
        self._edited = Attribute(self._values[1], torch.tensor([self._values[1].index(value) for value in found]))

    def attributes(self) -> Mapping[str, Attribute]:
        """Return the attribute that is to be edited away, by its kind."""
        return {self._kinds[1]: self._edited}

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        chosen = (index % 2, index // 2 % 2)
        return draw_picture(
            random, [{kind: values[i] for kind, values, i in zip(self._kinds, self._values, chosen, strict=True)}]
        )
