"""Classes finer than any caption of the world: how many points has the star? For studies of adaptation."""

from __future__ import annotations

import numpy as np

from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource
from splice_exp.data.scenes.world import FINE_SHAPES


class FineGrainedScenes(SceneSource):
    """One star with four to eight points on a scene; `scenes_clip` has seen stars of five points only.

    Args:
        num_samples: n.
        split: `train`, `val` or `test`.
        seed: Fixes all samples.
        name: Short name for tables.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
    """

    def __init__(
        self,
        num_samples: int = 1000,
        split: str = "test",
        seed: int = 0,
        name: str = "scenes_fine_grained",
        missing_classes: str = "error",
    ) -> None:
        super().__init__(num_samples, split, seed, name, missing_classes)
        self._label(tuple(FINE_SHAPES), [picture.objects[0].shape for picture in self.pictures])

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        shapes = tuple(FINE_SHAPES)
        return draw_picture(random, [{"shape": shapes[random.integers(len(shapes))]}])
