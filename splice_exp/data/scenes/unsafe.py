"""Pairs of pictures, alike but for one object: in the second it is a symbol that stands for what is unsafe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splice_exp.core.errors import require_choice
from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource, random_of
from splice_exp.data.scenes.world import SHAPES

CLASSES = ("safe", "unsafe")


class UnsafeScenes(SceneSource):
    """Samples 2i and 2i + 1 are a pair: the first shape of the safe one is replaced by the symbol in the unsafe one.

    Captions follow: they differ in the words for that object only.

    Args:
        num_samples: n, two a pair.
        symbol: The shape that counts as unsafe; it is in no safe picture.
        split: `train`, `val` or `test`.
        seed: Fixes all samples.
        name: Short name for tables.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
    """

    def __init__(
        self,
        num_samples: int = 1000,
        symbol: str = "skull",
        split: str = "test",
        seed: int = 0,
        name: str = "scenes_unsafe",
        missing_classes: str = "error",
    ) -> None:
        super().__init__(num_samples, split, seed, name, missing_classes)
        require_choice("symbol", symbol, tuple(SHAPES))
        self._symbol = symbol
        self._label(CLASSES, [CLASSES[index % 2] for index in range(num_samples)])

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        random = random_of(self._split, self._seed, index - index % 2)  # both of a pair draw the same
        others = [shape for shape in SHAPES if shape != self._symbol]
        shapes = random.choice(others, size=random.integers(1, 4)).tolist()
        picture = draw_picture(random, [{"shape": shape} for shape in shapes])
        if index % 2 == 0:
            return picture
        return replace(picture, objects=(replace(picture.objects[0], shape=self._symbol), *picture.objects[1:]))
