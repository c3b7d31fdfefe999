"""A class that comes with a background in training, and does not in testing (the protocol of Waterbirds).

References:
    Sagawa, Koh, Hashimoto, Liang. Distributionally robust neural networks for group shifts. ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from splice_exp.core.errors import SpliceError, require_at_least, require_choice, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.types import Attribute
from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.sources import SceneSource
from splice_exp.data.scenes.world import ATTRIBUTES, OBJECT_ATTRIBUTES, SCENES


def require_pair(argument: str, names: Sequence[str], allowed: Sequence[str]) -> tuple[str, str]:
    """Return two different names, each of which is allowed.

    Args:
        argument: Whose value the names are; the error gives its key.
        names: That were given.
        allowed: Names to choose from.

    Raises:
        SpliceError: if there are not two different names, or one is not allowed.
    """
    require_names(argument, names)
    if len(set(names)) != 2 or len(names) != 2:
        raise SpliceError(f"{key_of(argument)} is {list(names)}, but must name two different ones.")
    for name in names:
        require_choice(argument, name, tuple(allowed))
    return names[0], names[1]


@dataclass(eq=False)
class SpuriousScenes(SceneSource):
    """One object of two kinds on one of two scenes: in `train` they agree mostly, in `val` and `test` half the time.

    Args:
        label: The attribute of the object that is the class: `shape`, `colour`, `surface` or `size`.
        label_values: Its two values.
        scenes: The two scenes; the first agrees with the first class.
        agreement: Share of training samples whose scene agrees with the class.

    Raises:
        SpliceError: if a name is unknown, two are the same, or the share is not in [0, 1].
    """

    label: str = "shape"
    label_values: Sequence[str] = ("star", "heart")
    scenes: Sequence[str] = ("grass", "water")
    agreement: float = 0.95
    name: str = field(default="scenes_spurious", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("label", self.label, OBJECT_ATTRIBUTES)
        self._values = require_pair("label_values", self.label_values, tuple(ATTRIBUTES[self.label]))
        self._scenes = require_pair("scenes", self.scenes, tuple(SCENES))
        require_at_least("agreement", self.agreement, 0)
        if self.agreement > 1:
            raise SpliceError(f"{key_of('agreement')} is {self.agreement}, but is a share: at most 1.")
        self._label(self._values, [getattr(picture.objects[0], self.label) for picture in self.pictures])
        places = [self._scenes.index(picture.scene) for picture in self.pictures]
        self._place = Attribute(self._scenes, torch.tensor(places))

    def attributes(self) -> Mapping[str, Attribute]:
        """Return the scene of each sample, `scene`."""
        return {"scene": self._place}

    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        which = index % 2
        # In val and test exactly half agree, so that the four groups are equally large.
        agrees = random.random() < self.agreement if self.split == "train" else index // 2 % 2 == 0
        scene = self._scenes[which if agrees else 1 - which]
        return draw_picture(random, [{self.label: self._values[which]}], scene)
