"""Images of one to five objects: concepts by their frequency and company, as captions on the web have them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.keys import key_of
from splice_exp.data.scenes.frequencies import OBJECT_SHARES
from splice_exp.data.scenes.picture import Picture, draw_picture, num_objects
from splice_exp.data.scenes.sources import SceneSource
from splice_exp.data.scenes.world import ATTRIBUTES, OBJECT_ATTRIBUTES

MAX_OBJECTS = len(OBJECT_SHARES)


@dataclass(eq=False)
class Scenes(SceneSource):
    """Images of one or more objects; the class is one attribute.

    Args:
        max_objects: Each image has 1 … `max_objects` objects, at most 5.
        label: The attribute that is the class: `scene`; with `max_objects` 1 also `shape`, `colour`, `surface`, `size`.

    Raises:
        SpliceError: if there are too many objects, or the class differs between them.
    """

    max_objects: int = MAX_OBJECTS
    label: str = "scene"

    def __post_init__(self) -> None:
        super().__post_init__()
        max_objects, label = self.max_objects, self.label
        require_integer("max_objects", max_objects, 1)
        if max_objects > MAX_OBJECTS:
            raise SpliceError(f"{key_of('max_objects')} is {max_objects}, but must be at most {MAX_OBJECTS}.")
        require_choice("label", label, ("scene", *OBJECT_ATTRIBUTES))
        if label != "scene" and max_objects > 1:
            raise SpliceError(
                f"{key_of('label')} is {label!r}, which differs between objects: set {key_of('max_objects')}=1 or "
                f"{key_of('label')}=scene."
            )
        self._label(
            tuple(ATTRIBUTES[label]),
            [picture.scene if label == "scene" else getattr(picture.objects[0], label) for picture in self.pictures],
        )

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        return draw_picture(random, [{}] * num_objects(random, self.max_objects))
