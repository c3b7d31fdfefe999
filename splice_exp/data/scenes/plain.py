"""Pictures of one to three objects, everything uniform and independent."""

from __future__ import annotations

import numpy as np

from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.keys import key_of
from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource
from splice_exp.data.scenes.world import ATTRIBUTES

MAX_OBJECTS = 3


class Scenes(SceneSource):
    """Pictures of the world; the class is one attribute.

    Args:
        num_samples: n.
        max_objects: Each picture has 1 … `max_objects` objects, at most 3.
        label: The attribute that is the class: `scene`; with `max_objects` 1 also `shape`, `colour`, `surface`, `size`.
        split: `train`, `val` or `test`.
        seed: Fixes all samples.
        name: Short name for tables.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
    """

    def __init__(
        self,
        num_samples: int = 1000,
        max_objects: int = MAX_OBJECTS,
        label: str = "scene",
        split: str = "test",
        seed: int = 0,
        name: str = "scenes",
        missing_classes: str = "error",
    ) -> None:
        super().__init__(num_samples, split, seed, name, missing_classes)
        require_integer("max_objects", max_objects, 1)
        if max_objects > MAX_OBJECTS:
            raise SpliceError(f"{key_of('max_objects')} is {max_objects}, but must be at most {MAX_OBJECTS}.")
        require_choice("label", label, tuple(ATTRIBUTES))
        if label != "scene" and max_objects > 1:
            raise SpliceError(
                f"{key_of('label')} is {label!r}, which differs between objects: set {key_of('max_objects')}=1 or "
                f"{key_of('label')}=scene."
            )
        self._max_objects = max_objects
        self._label(
            tuple(ATTRIBUTES[label]),
            [picture.scene if label == "scene" else getattr(picture.objects[0], label) for picture in self.pictures],
        )

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        return draw_picture(random, [{}] * int(random.integers(1, self._max_objects + 1)))
