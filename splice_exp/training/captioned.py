"""What the small CLIP is trained and evaluated on: images of the synthetic benchmark with their captions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch.utils.data import Dataset

from splice_exp.data.scenes.captions import captions, words_of
from splice_exp.data.scenes.drawing.render import render
from splice_exp.data.scenes.picture import Picture, draw_picture, num_objects
from splice_exp.data.scenes.sources import random_of
from splice_exp.data.scenes.world import KIND_OF, OBJECT_ATTRIBUTES, SURROUNDINGS
from splice_exp.training.patch_losses import patch_truth

JUDGED = (*OBJECT_ATTRIBUTES, "part", "scene", *SURROUNDINGS)  # kinds of which an image of one object has at most one
CAPTION_SHARES = (0.25, 0.25, 0.25, 0.10, 0.15)  # how often each of the five captions is that of the contrastive loss


def training_picture(seed: int, index: int) -> Picture:
    """Draw an image of the training split, with one to five objects.

    Args:
        seed: Of the benchmark, at least 0.
        index: Of the image, from 0.
    """
    random = random_of("train", seed, index)
    return draw_picture(random, [{}] * num_objects(random))


def easy_picture(seed: int, index: int) -> Picture:
    """Draw an image of the training split with one object, mostly a large one, nothing on it and nothing around.

    What surrounds an object is learned quickly, and shapes are not learned before it is.

    Args:
        seed: Of the benchmark, at least 0.
        index: Of the image, from 0.
    """
    random = random_of("train", seed, index)
    picture = draw_picture(random, [{"size": "large"} if random.integers(3) else {}], surroundings={})
    return replace(picture, objects=(replace(picture.objects[0], part=None),))


def mixed_picture(seed: int, index: int) -> Picture:
    """Draw an image of the training split: easy ones and those of one to five objects alternate.

    Args:
        seed: Of the benchmark, at least 0.
        index: Of the image, from 0; even ones are easy.
    """
    return (training_picture if index % 2 else easy_picture)(seed, index)


def corpus(seed: int, size: int) -> list[str]:
    """Return all captions of the first images of `training_picture`, `NUM_CAPTIONS` of each.

    Args:
        seed: Of the benchmark, at least 0.
        size: Number of images.
    """
    return [text for index in range(size) for text in captions(training_picture(seed, index))]


class CaptionedPictures(Dataset[tuple[np.ndarray, str, str, tuple[np.ndarray, np.ndarray]]]):
    """Images with their captions, for training.

    A sample is: pixels, (SIDE, SIDE, 3) uint8; a caption, sampled by `CAPTION_SHARES`; the names of all concepts; what
    each patch shows, by `patch_truth`.

    Args:
        draw: From seed and index to an image, as `training_picture`.
        seed: Of the benchmark, at least 0.
        start: Index of the first image.
        size: Number of images.
        patch: Side of a patch, pixels; a divisor of the side of an image.
    """

    def __init__(self, draw: Callable[[int, int], Picture], seed: int, start: int, size: int, patch: int) -> None:
        self._draw, self._seed, self._start, self._size, self._patch = draw, seed, start, size, patch

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> tuple[np.ndarray, str, str, tuple[np.ndarray, np.ndarray]]:
        picture = self._draw(self._seed, self._start + index)
        written = captions(picture)
        chosen = np.random.default_rng((self._seed, self._start + index)).choice(len(written), p=CAPTION_SHARES)
        return render(picture), written[chosen], words_of(picture), patch_truth(picture, self._patch)


class SingleObjects(Dataset[tuple[np.ndarray, str, tuple[str | None, ...]]]):
    """Images of one object, for evaluation.

    A sample is: pixels, (SIDE, SIDE, 3) uint8; the first caption; the concept of each kind of `JUDGED`, or none.

    Args:
        split: One of `sources.SPLITS`.
        seed: Of the benchmark, at least 0.
        size: Number of images.
    """

    def __init__(self, split: str, seed: int, size: int) -> None:
        self._pictures = [draw_picture(random_of(split, seed, index)) for index in range(size)]

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> tuple[np.ndarray, str, tuple[str | None, ...]]:
        picture = self._pictures[index]
        concepts = {KIND_OF[concept]: concept for concept in picture.concepts}
        return render(picture), captions(picture)[0], tuple(concepts.get(kind) for kind in JUDGED)
