"""Photographs of VOC 2007 with objects of exactly two kinds, and their pixels: what localisation is judged on.

References:
    Everingham et al. The PASCAL visual object classes (VOC) challenge. IJCV 88, 2010.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.datasets import VOCSegmentation

from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.core.images.colours import UPRIGHT, orientation
from splice_exp.core.images.opening import open_stored
from splice_exp.core.io import files_digest
from splice_exp.core.keys import key_of
from splice_exp.data.pictures import FileSource
from splice_exp.data.presence.torchvision_files import not_there, require_set
from splice_exp.data.torchvision_sets import VOC_CLASSES

DATASET = "voc2007"  # whose photographs these are
SPLITS = ("train", "val", "trainval", "test")
NAMES = {"diningtable": "dining table", "pottedplant": "potted plant", "tvmonitor": "tv monitor"}
BACKGROUND, BORDER = 0, 255  # values of pixels that are of no object


class VocPairs(FileSource):
    """Photographs with segmented objects of two kinds; they have no classes.

    Args:
        root: Folder in which torchvision keeps VOC 2007.
        split: Of the segmentations: `train`, `val`, `trainval` or `test`.
        name: Short name for tables; by default data set and split.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`; of no use here.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.

    Raises:
        SpliceError: if it does not exist, or no photograph has objects of two kinds.
    """

    def __init__(
        self,
        root: str,
        split: str,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
    ) -> None:
        require_choice("split", split, SPLITS)
        super().__init__(name or f"voc_pairs_{split}", limit, missing_classes, exif, damaged)
        self._root = require_set(DATASET, root)
        try:
            data = VOCSegmentation(self._root, year="2007", image_set=split, download=False)
        except (RuntimeError, OSError) as error:
            raise not_there(DATASET, root, str(error).splitlines()[0]) from error
        pairs = [(Path(image), Path(mask)) for image, mask in zip(data.images, data.masks, strict=True)]
        self._pairs = [(image, mask) for image, mask in pairs if len(_kinds(mask)) == 2]
        if not self._pairs:
            raise SpliceError(f"{key_of('root')}: no photograph of split {split} of {root} has objects of two kinds.")
        self._files = [image for image, _ in self._pairs]
        self._describe([image.relative_to(self._root).as_posix() for image, _ in self._pairs], None, ())

    def regions(self, index: int) -> Mapping[str, np.ndarray]:
        photograph, mask = self._pairs[self._places[index]]
        drawn = _mask(mask)
        turn = orientation(open_stored(photograph, str(photograph))) if self._exif == UPRIGHT else None
        pixels = np.asarray(drawn if turn is None else drawn.transpose(turn))
        found = {}
        for kind in _kinds(mask):
            word = VOC_CLASSES[kind - 1]
            found[NAMES.get(word, word)] = pixels == kind
        return found

    def content(self, places: Sequence[int]) -> str:
        return f"files:{files_digest(self._root, [file for place in places for file in self._pairs[place]])}"


def _kinds(mask: Path) -> list[int]:
    """Return the numbers of the kinds of objects in a segmentation, counted from 1."""
    return sorted(set(np.unique(np.asarray(_mask(mask))).tolist()) - {BACKGROUND, BORDER})


def _mask(file: Path) -> Image.Image:
    """Read a segmentation: its values are numbers and no colours."""
    return open_stored(file, str(file))
