"""Pairs of images of the synthetic benchmark that differ in one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from splice_exp.core.errors import SpliceError, require_choice, require_integer, require_names
from splice_exp.core.keys import key_of
from splice_exp.data.counterfactuals.changes import KINDS, changed, changed_object
from splice_exp.data.counterfactuals.pairs import Change, CounterfactualPairs
from splice_exp.data.scenes.picture import Picture, draw_picture, num_objects
from splice_exp.data.scenes.plain import MAX_OBJECTS
from splice_exp.data.scenes.sources import SceneSource, random_of
from splice_exp.data.scenes.world import SCENES


@dataclass(eq=False)
class CounterfactualScenes(SceneSource, CounterfactualPairs):
    """Samples 2i and 2i + 1 are a pair, drawn by one seed: exactly one thing differs; the class is the scene.

    Kinds of changes alternate. Which of the two has what comes or goes is left to chance. The difference of what is
    true of the two can be larger than what was changed: with a shape its family changes, with an object the count.

    Args:
        kinds: What is changed, each in turn: `changes.KINDS`.
        max_objects: Each image has 1 … `max_objects` objects, at most 5.

    Raises:
        SpliceError: if there is no such kind, one is named twice, or there are too few or too many objects.
    """

    kinds: Sequence[str] = KINDS
    max_objects: int = MAX_OBJECTS
    name: str = field(default="scenes_counterfactuals", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_names("kinds", self.kinds)
        for kind in self.kinds:
            require_choice("kinds", kind, KINDS)
        if not self.kinds or len(set(self.kinds)) < len(self.kinds):
            raise SpliceError(
                f"{key_of('kinds')} is {list(self.kinds)}, but must be one or more kinds, each named once."
            )
        require_integer("max_objects", self.max_objects, 1)
        if not ("presence" in self.kinds) < self.max_objects <= MAX_OBJECTS:
            raise SpliceError(
                f"{key_of('max_objects')} is {self.max_objects}, but must be at most {MAX_OBJECTS}, and at least 2 "
                f"where {key_of('kinds')} has presence: an image has an object."
            )
        self._label(tuple(SCENES), [picture.scene for picture in self.pictures])

    def changes(self) -> tuple[Change, ...]:
        pictures = self.pictures
        return tuple(
            Change(self._kind(first), first, first + 1, changed_object(pictures[first], pictures[first + 1]))
            for first in range(0, len(self) - 1, 2)
        )

    def _kind(self, index: int) -> str:
        return self.kinds[index // 2 % len(self.kinds)]

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        random = random_of(self.split, self.seed, index - index % 2)  # both of a pair draw the same
        pair = None
        while pair is None:
            picture = draw_picture(random, [{}] * num_objects(random, self.max_objects))
            pair = changed(random, picture, self._kind(index))
        return pair[index % 2]
