"""A data set that changes over the years: one concept becomes frequent, another one rare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.keys import key_of
from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource
from splice_exp.data.scenes.world import ATTRIBUTES, OBJECT_ATTRIBUTES, SCENES


@dataclass(eq=False)
class DriftScenes(SceneSource):
    """One object on a scene; the prevalence of an attribute and of a scene changes linearly from year to year.

    The years are equally frequent.

    Args:
        years: First and last year.
        attribute: Of the object: `shape`, `colour`, `surface` or `size`.
        value: Of it, the one that changes.
        value_prevalence: Its share in the first and the last year.
        scene: The scene that changes.
        scene_prevalence: Its share in the first and the last year.

    Raises:
        SpliceError: if years are not in order, a share is not in [0, 1], or a name is unknown.
    """

    num_samples: int = 2000
    years: Sequence[int] = (2015, 2024)
    attribute: str = "colour"
    value: str = "red"
    value_prevalence: Sequence[float] = (0.05, 0.5)
    scene: str = "snow"
    scene_prevalence: Sequence[float] = (0.4, 0.02)
    name: str = field(default="scenes_drift", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.years) != 2 or not self.years[0] < self.years[1]:
            raise SpliceError(f"{key_of('years')} is {list(self.years)}, but must be a first and a later last year.")
        for year in self.years:
            require_integer("years", year, 1)
        require_choice("attribute", self.attribute, OBJECT_ATTRIBUTES)
        require_choice("value", self.value, tuple(ATTRIBUTES[self.attribute]))
        require_choice("scene", self.scene, tuple(SCENES))
        prevalences = {"value": self.value_prevalence, "scene": self.scene_prevalence}
        for key, ends in prevalences.items():
            if len(ends) != 2 or not all(0 <= end <= 1 for end in ends):
                raise SpliceError(
                    f"{key_of(f'{key}_prevalence')} is {list(ends)}, but must be two shares between 0 and 1."
                )
        self._years = tuple(range(self.years[0], self.years[1] + 1))
        self.prevalence = {
            concept: np.linspace(first, last, len(self._years))
            for concept, (first, last) in zip((self.value, self.scene), prevalences.values(), strict=True)
        }
        names = [str(self._years[index % len(self._years)]) for index in range(len(self))]
        self._label([str(year) for year in self._years], names)

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        year = index % len(self._years)
        value = self._pick(random, self.value, tuple(ATTRIBUTES[self.attribute]), year)
        scene = self._pick(random, self.scene, tuple(SCENES), year)
        return draw_picture(random, [{self.attribute: value}], scene)

    def _pick(self, random: np.random.Generator, concept: str, names: Sequence[str], year: int) -> str:
        if random.random() < self.prevalence[concept][year]:
            return concept
        others = [name for name in names if name != concept]
        return others[random.integers(len(others))]
