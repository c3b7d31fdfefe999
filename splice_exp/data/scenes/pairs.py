"""Images of two objects that look different, so that an explanation can ask for one and not the other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource
from splice_exp.data.scenes.world import SCENES


@dataclass(eq=False)
class ScenePairs(SceneSource):
    """Two objects on a scene, different in shape and in colour; the class is the scene."""

    num_samples: int = 100
    name: str = field(default="scenes_pairs", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._label(tuple(SCENES), [picture.scene for picture in self.pictures])

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        while True:
            picture = draw_picture(random, [{}, {}])
            first, second = picture.objects
            if first.shape != second.shape and first.colour != second.colour:
                return picture
