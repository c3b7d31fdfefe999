"""Classes finer than any caption of the benchmark: how many points has the star? For studies of adaptation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource
from splice_exp.data.scenes.world import FINE_SHAPES


@dataclass(eq=False)
class FineGrainedScenes(SceneSource):
    """One star with four to eight points on a scene; `scenes_clip` has seen stars of five points only."""

    name: str = field(default="scenes_fine_grained", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._label(tuple(FINE_SHAPES), [picture.objects[0].shape for picture in self.pictures])

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        shapes = tuple(FINE_SHAPES)
        return draw_picture(random, [{"shape": shapes[random.integers(len(shapes))]}])
