"""What all data sets of image files have in common: order, reading, errors, and a fingerprint that is quick."""

from __future__ import annotations

import logging
import os
import warnings
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from PIL import Image

from splice_exp.core.errors import SpliceError, require_choice, require_integer, shown
from splice_exp.core.images.colours import EXIF, UPRIGHT, Pixels
from splice_exp.core.images.folders import image_files
from splice_exp.core.images.opening import Stored, read_image
from splice_exp.core.images.white import DARK, UnknownWhite, UnreadableImage, White
from splice_exp.core.io import digest, files_digest
from splice_exp.core.keys import key_of
from splice_exp.core.labels import if_unlabelled
from splice_exp.data.base import EncodableSource

log = logging.getLogger(__name__)

ERROR, SKIP = "error", "skip"
DAMAGED = (ERROR, SKIP)
TOGETHER = 4096  # images that wait to be looked at

_FAULTS: dict[str, dict[int, str]] = {}  # of files as they were: all rows of a sweep look at them once

ImageOrFile: TypeAlias = str | Path | Pixels


class PictureSource(EncodableSource):
    """Images that are read one by one, when they are needed.

    Args:
        name: Short name for tables.
        limit: Take only so many samples, evenly spread over the data set, because many are sorted by class.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: What to do about images that cannot be read: stop with an `error` when one is met, or `skip` them. To
            skip, all are read once before anything else, so that every process leaves out the same ones.
        white: The value that is white in images of more than 8 bits, as 4095 for 12 bits in files of 16; by default the
            largest value of their type, or what the tags of a TIFF file say.

    Attributes:
        together: Samples in a row that belong together: if one is damaged, all of them are left out.
        readers: Threads that may read at the same time.
    """

    together = 1
    readers = 1

    def __init__(
        self,
        name: str,
        limit: int | None,
        missing_classes: str,
        exif: str = UPRIGHT,
        damaged: str = ERROR,
        white: int | None = None,
    ) -> None:
        super().__init__(name, missing_classes)
        if limit is not None:
            require_integer("limit", limit, 1)
        require_choice("exif", exif, EXIF)
        require_choice("damaged", damaged, DAMAGED)
        if white is not None:
            require_integer("white", white, 1)
        self._limit, self._exif, self._skips, self._white = limit, exif, damaged == SKIP, white
        self._said_dark = False
        self._places: Sequence[int] = ()

    def _describe(self, sample_ids: Sequence[str], labels: Sequence[int] | None, classes: Sequence[str]) -> None:
        """Set names, labels and classes of all samples there are; those that can be read within the limit are kept.

        Raises:
            SpliceError: if there are no samples, two of the same name, one whose name no file of results can hold, or
                labels of no class.
        """
        if not sample_ids:
            raise SpliceError(f"data: {self.name} holds no samples.")
        try:
            "".join(sample_ids).encode()
        except UnicodeEncodeError as error:
            around = error.object[max(error.start - 20, 0) : error.end]
            raise SpliceError(
                f"data: {self.name} has a file whose name is not UTF-8 ({around!r}): rename it."
            ) from error
        if len(set(sample_ids)) != len(sample_ids):
            raise SpliceError(f"data: {self.name} has samples of the same name, but every one needs a name of its own.")
        for sample_id, label in zip(sample_ids, () if labels is None else labels, strict=labels is not None):
            if not 0 <= label < len(classes):
                raise SpliceError(
                    f"data: {sample_id} of {self.name} has label {label}, but labels must lie in "
                    f"0 … {len(classes) - 1} (there are {len(classes)} classes){if_unlabelled([label])}."
                )
        count = len(sample_ids) if self._limit is None else min(self._limit, len(sample_ids))
        self._places = [place * len(sample_ids) // count for place in range(count)]
        if self._skips:
            self._places = self._whole(sample_ids)
        self.sample_ids = tuple(str(sample_ids[place]) for place in self._places)
        self.classes = tuple(classes)
        self.labels = None if labels is None else torch.tensor([int(labels[place]) for place in self._places])

    def _whole(self, sample_ids: Sequence[str]) -> list[int]:
        """Return the indices of samples that can be read, and note the others in `damaged`.

        Raises:
            SpliceError: if none can be read.
        """
        log.info("looking for damaged images among the %d of %s …", len(self._places), self.name)
        faults = self._faults(sample_ids)
        self.damaged = {str(sample_ids[place]): fault for place, fault in faults.items()}
        groups = {place // self.together for place in faults}
        kept = [place for place in self._places if place // self.together not in groups]
        if self.damaged:
            log.warning(
                "%d of the %d images of %s cannot be read, and %d are left out (%s=skip): %s",
                len(self.damaged),
                len(self._places),
                self.name,
                len(self._places) - len(kept),
                key_of("damaged"),
                shown(self.damaged, 5),
            )
        if not kept:
            raise SpliceError(f"{key_of('damaged')}=skip leaves nothing of {self.name}: {next(iter(faults.values()))}")
        return kept

    def _faults(self, sample_ids: Sequence[str]) -> dict[int, str]:
        """Return why samples cannot be read, by index: all are read."""
        found: dict[int, str] = {}
        with ThreadPoolExecutor(self.readers) as threads:
            for start in range(0, len(self._places), TOGETHER):
                places = self._places[start : start + TOGETHER]
                faults = threads.map(lambda place: self._fault(place, sample_ids[place]), places)
                found |= {place: fault for place, fault in zip(places, faults, strict=True) if fault is not None}
        return found

    def _fault(self, place: int, sample_id: str) -> str | None:
        """Return why a sample cannot be read; None if it can."""
        try:
            self._opened(place, sample_id)
        except UnreadableImage as error:
            return str(error)
        return None

    @abstractmethod
    def picture(self, place: int) -> Stored:
        """Return a file, its bytes or an image, by its index among all: `read_image` opens it.

        Raises:
            UnreadableImage: if there is no image at that index.
        """

    @abstractmethod
    def content(self, places: Sequence[int]) -> str:
        """Identify samples as they are stored, by their indices among all."""

    def fingerprint(self) -> str:
        white = "" if self._white is None else f"-white{self._white}"
        return f"{self.content(self._places)}-{self._exif}{white}"

    def inputs(self, start: int, stop: int) -> list[Image.Image]:
        return [self._read(index) for index in range(start, min(stop, len(self)))]

    def _read(self, index: int) -> Image.Image:
        try:
            return self._opened(self._places[index], self.sample_ids[index])
        except UnreadableImage as error:
            why = str(error).removesuffix(".")
            known = f"{key_of('white', self)} says what is white, and " if isinstance(error, UnknownWhite) else ""
            raise SpliceError(f"{why}; {known}{key_of('damaged', self)}=skip leaves out such images.") from error

    def _opened(self, place: int, sample_id: str) -> Image.Image:
        """Return a sample in colours; the first that is nearly black is named in a warning."""
        key, name = key_of("white", self), f"{sample_id} of {self.name}"
        white = None if self._white is None else White(self._white, key)
        image = read_image(self.picture(place), name, self._exif, white)
        dark = image.info.pop(DARK, None)
        if dark is not None and not self._said_dark:
            self._said_dark = True
            log.warning("%s.", dark.sentence(name, key))
        return image


class FileSource(PictureSource):
    """Images that are files below a folder; constructors set both before `_describe`."""

    readers = os.cpu_count() or 1

    _root: Path
    _files: Sequence[Path]

    def picture(self, place: int) -> Stored:
        return self._files[place]

    def content(self, places: Sequence[int]) -> str:
        return f"files:{files_digest(self._root, [self._files[place] for place in places])}"

    def _faults(self, sample_ids: Sequence[str]) -> dict[int, str]:
        found = [(str(self._files[place]), self._files[place].stat()) for place in self._places]
        files = [[file, status.st_size, status.st_mtime_ns] for file, status in found]
        key = digest([self.name, list(self._places), self._white, files])
        if key not in _FAULTS:
            _FAULTS[key] = super()._faults(sample_ids)
        return _FAULTS[key]


def by_name(values: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return labels and classes of samples whose classes are given as words: the classes are sorted.

    Example:
        >>> by_name(["dog", "cat", "dog"])
        ([1, 0, 1], ['cat', 'dog'])
    """
    classes = sorted(set(values))
    place = {name: index for index, name in enumerate(classes)}
    return [place[value] for value in values], classes


def require_files(argument: str, files: Sequence[Path]) -> None:
    """Refuse a list with files that do not exist.

    Args:
        argument: Name of what is checked, relative to the component that is being made.
        files: All that are to be there.

    Raises:
        SpliceError: naming the first of them.
    """
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise SpliceError(
            f"{key_of(argument)} names {len(missing)} files that are not there, the first of them {missing[0]}."
        )


def placed(root: Path, names: Sequence[str]) -> tuple[Path, list[Path], list[str]]:
    """Return the files that names stand for, a folder that they all are in, and what to call them.

    The folder is the root, unless names are absolute and elsewhere; then it is the one that they share. Files are
    called as they are named, but without that folder.

    Args:
        root: Folder that names are relative to.
        names: As a list has them.
    """
    files = [root / name for name in names]
    if not all(file.is_relative_to(root) for file in files):
        files = [file.absolute() for file in files]
        root = Path(os.path.commonpath([file.parent for file in files]))
    called = [
        file.relative_to(root).as_posix() if Path(name).is_absolute() else name
        for file, name in zip(files, names, strict=True)
    ]
    return root, files, called


def as_picture(image: ImageOrFile) -> Image.Image:
    """Return an image upright and in colours, given as a file or as it is; a warning says if it is nearly black.

    Raises:
        SpliceError: naming a file that cannot be read.
    """
    name = str(image) if isinstance(image, str | Path) else "The image"
    found = read_image(Path(image) if isinstance(image, str | Path) else image, name)
    dark = found.info.pop(DARK, None)
    if dark is not None:
        warnings.warn(f"{dark.sentence(name, None)}.", stacklevel=2)
    return found


def listed_images(caller: str, images: ImageOrFile | Sequence[ImageOrFile]) -> list[ImageOrFile]:
    """Return images as a list: a single one, a folder, or a stack of pixels (n, h, w, channels), becomes one, too.

    Args:
        caller: What the user called, for errors.
        images: One or several.

    Raises:
        SpliceError: if there are none, or something else.
    """
    if isinstance(images, str | Path) and Path(images).is_dir():
        images = image_files(Path(images))
    if isinstance(images, str | Path | Image.Image) or (isinstance(images, np.ndarray) and images.ndim < 4):
        return [images]
    if not isinstance(images, Iterable):
        raise SpliceError(
            f"{caller} was given {images!r}, but takes images: files, folders, PIL images, arrays of pixels, or "
            "embeddings."
        )
    listed: list[ImageOrFile] = list(images)
    if not listed:
        raise SpliceError(f"{caller} was given no images: give it one or more.")
    return listed
