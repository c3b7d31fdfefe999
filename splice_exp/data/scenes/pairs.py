"""Pictures of two objects that look different, so that one can be asked for against the other."""

from __future__ import annotations

import numpy as np

from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource
from splice_exp.data.scenes.world import SCENES


class ScenePairs(SceneSource):
    """Two objects on a scene, different in shape and in colour; the class is the scene.

    Args:
        num_samples: n.
        split: `train`, `val` or `test`.
        seed: Fixes all samples.
        name: Short name for tables.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
    """

    def __init__(
        self,
        num_samples: int = 100,
        split: str = "test",
        seed: int = 0,
        name: str = "scenes_pairs",
        missing_classes: str = "error",
    ) -> None:
        super().__init__(num_samples, split, seed, name, missing_classes)
        self._label(tuple(SCENES), [picture.scene for picture in self.pictures])

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        while True:
            picture = draw_picture(random, [{}, {}])
            first, second = picture.objects
            if first.shape != second.shape and first.colour != second.colour:
                return picture
