"""What all data sets over the renderer have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property

import numpy as np
import torch
from PIL import Image

from splice_exp.core.errors import require_choice, require_integer
from splice_exp.core.io import digest
from splice_exp.core.memory import require_room
from splice_exp.core.runs.code import code_digest
from splice_exp.core.truth import GroundTruth
from splice_exp.data import scenes
from splice_exp.data.base import EncodableSource
from splice_exp.data.scenes.captions import captions
from splice_exp.data.scenes.drawing.render import masks, render
from splice_exp.data.scenes.picture import Picture
from splice_exp.data.scenes.world import CONCEPT_OF, HELD_OUT_KINDS, KIND_OF, MAIN_KINDS, with_ambiguous

SPLITS = ("train", "val", "test")
NAMED = 128  # bytes of the name of a sample, and of what is in it


KEPT = 16  # data sets whose rendered samples are kept: rows of a sweep ask for the same


class Drawn:
    """All that is known of the samples of a data set; pixels, masks and captions follow from it.

    Args:
        pictures: Of each sample.
    """

    def __init__(self, pictures: tuple[Picture, ...]) -> None:
        self.pictures = pictures

    @cached_property
    def captions(self) -> tuple[tuple[str, ...], ...]:
        """Captions of each sample."""
        return tuple(captions(picture) for picture in self.pictures)

    @cached_property
    def digest(self) -> str:
        """Identifies the samples, but not how they are painted."""
        return digest([repr(picture) for picture in self.pictures])


_DRAWN: dict[tuple[type, str], Drawn] = {}  # by class and arguments, the oldest first


def random_of(split: str, seed: int, index: int) -> np.random.Generator:
    """Return the random generator of one sample: no two splits, seeds or indices share one.

    Args:
        split: One of `SPLITS`.
        seed: Of the data set, at least 0.
        index: Of the sample.

    Raises:
        ValueError: for another split, or a negative number.
    """
    return np.random.default_rng((SPLITS.index(split), seed, index))


@dataclass(eq=False)
class SceneSource(EncodableSource):
    """Random images, sample by sample: image i depends on split, seed and i alone.

    Args:
        num_samples: n.
        split: `train` (with the images that `scenes_clip` was trained on), `val` or `test`.
        seed: Fixes all samples.
        name: Short name for tables.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.

    Raises:
        SpliceError: naming the key of an argument that is out of bounds.
    """

    kind = "synthetic"

    num_samples: int = 1000
    _: KW_ONLY
    split: str = "test"
    seed: int = 0
    name: str = "scenes"
    missing_classes: str = "error"

    def __post_init__(self) -> None:
        super().__init__(self.name, self.missing_classes)
        require_integer("num_samples", self.num_samples, 1)
        require_room("num_samples", self.num_samples, NAMED)
        require_choice("split", self.split, SPLITS)
        require_integer("seed", self.seed, 0)
        self.sample_ids = tuple(f"{self.split}-{self.seed}-{index:06d}" for index in range(self.num_samples))

    @abstractmethod
    def _draw(self, random: np.random.Generator, index: int) -> Picture:
        """Draw image `index`."""

    @cached_property
    def drawn(self) -> Drawn:
        """All samples: sampled here, or for an equal data set before."""
        asked = type(self), repr(self)
        if asked not in _DRAWN:
            pictures = (self._draw(random_of(self.split, self.seed, index), index) for index in range(len(self)))
            drawn = Drawn(tuple(pictures))
            while len(_DRAWN) >= KEPT:
                del _DRAWN[next(iter(_DRAWN))]
            _DRAWN[asked] = drawn
        return _DRAWN[asked]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All that is known of every sample."""
        return self.drawn.pictures

    def inputs(self, start: int, stop: int) -> list[Image.Image]:
        return [Image.fromarray(render(picture)) for picture in self.pictures[start:stop]]

    def fingerprint(self) -> str:
        # Descriptions and the code that paints them decide the pixels, and are quicker to look at.
        return f"scenes:{digest([code_digest([scenes.__name__]), self.drawn.digest])}"

    def captions(self) -> tuple[tuple[str, ...], ...]:
        """Return the captions of each sample, from the most to the least detailed."""
        return self.drawn.captions

    def masks(self, index: int) -> np.ndarray:
        """Return the visible pixels of each object of a sample, (objects, height, width) bool."""
        return masks(self.pictures[index])

    def regions(self, index: int) -> dict[str, np.ndarray]:
        objects = self.pictures[index].objects
        return {f"{one.colour} {one.shape}": mask for one, mask in zip(objects, self.masks(index), strict=True)}

    def truth(self) -> GroundTruth:
        objects = tuple(
            tuple(with_ambiguous(placed.concepts) for placed in picture.objects) for picture in self.pictures
        )
        contexts = tuple(with_ambiguous(picture.contexts) for picture in self.pictures)
        held_out = frozenset(concept for concept, kind in KIND_OF.items() if kind in HELD_OUT_KINDS)
        return GroundTruth(CONCEPT_OF, KIND_OF, objects, contexts, MAIN_KINDS, held_out)

    def _label(self, classes: Sequence[str], names: Sequence[str]) -> None:
        """Set the classes, and the labels to the indices of `names`, one per sample, among them."""
        self.classes = tuple(classes)
        self.labels = torch.tensor([self.classes.index(name) for name in names])
