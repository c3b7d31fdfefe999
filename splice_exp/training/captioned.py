"""What the small CLIP is trained on and held against: pictures of the world with their captions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch.utils.data import Dataset

from splice_exp.data.scenes.captions import captions
from splice_exp.data.scenes.picture import Picture, draw_picture
from splice_exp.data.scenes.render import render
from splice_exp.data.scenes.sources import random_of
from splice_exp.data.scenes.world import ATTRIBUTES

CAPTION_SHARES = (0.30, 0.25, 0.15, 0.15, 0.15)  # how often each of the five captions is that of the contrastive loss
OBJECT_SHARES = (0.15, 0.25, 0.6)  # of pictures with one, two and three objects


def training_picture(seed: int, index: int) -> Picture:
    """Draw picture `index` of the training split, with one to three objects."""
    random = random_of("train", seed, index)
    return draw_picture(random, [{}] * (1 + random.choice(len(OBJECT_SHARES), p=OBJECT_SHARES)))


def easy_picture(seed: int, index: int) -> Picture:
    """Draw picture `index` of the training split with one object, three times in four a large one."""
    random = random_of("train", seed, index)
    return draw_picture(random, [{"size": "large"} if random.integers(2) else {}])


def corpus(seed: int, size: int) -> list[str]:
    """Return all captions of the first `size` training pictures."""
    return [text for index in range(size) for text in captions(training_picture(seed, index))]


class CaptionedPictures(Dataset[tuple[np.ndarray, str, str]]):
    """Pictures `start` … `start + size` − 1 as drawn, each with one caption chosen by its share, and the full one."""

    def __init__(self, draw: Callable[[int, int], Picture], seed: int, start: int, size: int) -> None:
        self._draw, self._seed, self._start, self._size = draw, seed, start, size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> tuple[np.ndarray, str, str]:
        picture = self._draw(self._seed, self._start + index)
        written = captions(picture)
        chosen = np.random.default_rng((self._seed, self._start + index)).choice(len(written), p=CAPTION_SHARES)
        return render(picture), written[chosen], written[0]


class SingleObjects(Dataset[tuple[np.ndarray, str, tuple[str, ...]]]):
    """Pictures of one object, with their full caption and the concept of each kind in `world.ATTRIBUTES`."""

    def __init__(self, split: str, seed: int, size: int) -> None:
        self._pictures = [draw_picture(random_of(split, seed, index)) for index in range(size)]

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> tuple[np.ndarray, str, tuple[str, ...]]:
        picture = self._pictures[index]
        truth = (getattr(picture if kind == "scene" else picture.objects[0], kind) for kind in ATTRIBUTES)
        return render(picture), captions(picture)[0], tuple(truth)
