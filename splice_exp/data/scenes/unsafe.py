"""Pairs of images, alike but for one object: in the second it is a symbol that stands for what is unsafe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from splice_exp.core.errors import require_choice
from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource, random_of
from splice_exp.data.scenes.world import SHAPES

CLASSES = ("safe", "unsafe")


@dataclass(eq=False)
class UnsafeScenes(SceneSource):
    """Samples 2i and 2i + 1 are a pair: the first shape of the safe one is replaced by the symbol in the unsafe one.

    Captions follow: they differ in the words for that object only.

    Args:
        symbol: The shape that counts as unsafe; it is in no safe image.

    Raises:
        SpliceError: if there is no such shape.
    """

    symbol: str = "skull"
    name: str = field(default="scenes_unsafe", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("symbol", self.symbol, tuple(SHAPES))
        self._label(CLASSES, [CLASSES[index % 2] for index in range(len(self))])

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        random = random_of(self.split, self.seed, index - index % 2)  # both of a pair draw the same
        others = [shape for shape in SHAPES if shape != self.symbol]
        shapes = random.choice(others, size=random.integers(1, 4)).tolist()
        picture = draw_picture(random, [{"shape": shape} for shape in shapes])
        if index % 2 == 0:
            return picture
        return replace(picture, objects=(replace(picture.objects[0], shape=self.symbol), *picture.objects[1:]))
