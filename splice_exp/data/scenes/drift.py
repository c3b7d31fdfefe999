"""A data set that changes over the years: one concept becomes frequent, another one rare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.keys import key_of
from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource
from splice_exp.data.scenes.world import SCENES, SHAPES


class DriftScenes(SceneSource):
    """One object on a scene; the prevalence of a shape and of a scene changes linearly from year to year.

    Args:
        num_samples: n; the years are equally frequent.
        years: First and last year.
        shape: The shape that changes.
        shape_prevalence: Its share in the first and the last year.
        scene: The scene that changes.
        scene_prevalence: Its share in the first and the last year.
        split: `train`, `val` or `test`.
        seed: Fixes all samples.
        name: Short name for tables.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
    """

    def __init__(
        self,
        num_samples: int = 2000,
        years: Sequence[int] = (2015, 2024),
        shape: str = "star",
        shape_prevalence: Sequence[float] = (0.05, 0.5),
        scene: str = "snow",
        scene_prevalence: Sequence[float] = (0.4, 0.02),
        split: str = "test",
        seed: int = 0,
        name: str = "scenes_drift",
        missing_classes: str = "error",
    ) -> None:
        super().__init__(num_samples, split, seed, name, missing_classes)
        if len(years) != 2 or not years[0] < years[1]:
            raise SpliceError(f"{key_of('years')} is {list(years)}, but must be a first and a later last year.")
        require_integer("years", years[0], 1)
        require_choice("shape", shape, tuple(SHAPES))
        require_choice("scene", scene, tuple(SCENES))
        for key, ends in (("shape", shape_prevalence), ("scene", scene_prevalence)):
            if len(ends) != 2 or not all(0 <= end <= 1 for end in ends):
                raise SpliceError(
                    f"{key_of(f'{key}_prevalence')} is {list(ends)}, but must be two shares between 0 and 1."
                )
        self._years = tuple(range(years[0], years[1] + 1))
        self._shape, self._scene = shape, scene
        self.prevalence = {
            shape: np.linspace(shape_prevalence[0], shape_prevalence[1], len(self._years)),
            scene: np.linspace(scene_prevalence[0], scene_prevalence[1], len(self._years)),
        }
        names = [str(self._years[index % len(self._years)]) for index in range(num_samples)]
        self._label([str(year) for year in self._years], names)

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        year = index % len(self._years)
        shape = self._pick(random, self._shape, tuple(SHAPES), year)
        scene = self._pick(random, self._scene, tuple(SCENES), year)
        return draw_picture(random, [{"shape": shape}], scene)

    def _pick(self, random: np.random.Generator, concept: str, names: Sequence[str], year: int) -> str:
        if random.random() < self.prevalence[concept][year]:
            return concept
        others = [name for name in names if name != concept]
        return others[random.integers(len(others))]
