"""What all data sets of picture files have in common: order, reading, errors, and a fingerprint that is quick."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.keys import key_of
from splice_exp.data.base import EncodableSource

PREPARE = "python -m splice_exp prepare-data"
WHERE = f"{PREPARE} --help lists what it fetches; conf/data says of every other data set which files go where"


class PictureSource(EncodableSource):
    """Pictures that are read one by one, when they are needed.

    Args:
        name: Short name for tables.
        limit: Take only so many samples, evenly spread over the data set, because many are sorted by class.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
    """

    def __init__(self, name: str, limit: int | None, missing_classes: str) -> None:
        super().__init__(name, missing_classes)
        if limit is not None:
            require_integer("limit", limit, 1)
        self._limit = limit
        self._places: Sequence[int] = ()

    def _describe(self, sample_ids: Sequence[str], labels: Sequence[int] | None, classes: Sequence[str]) -> None:
        """Set names, labels and classes of all samples there are; those within the limit are kept.

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
                    f"0 … {len(classes) - 1} (there are {len(classes)} classes)."
                )
        count = len(sample_ids) if self._limit is None else min(self._limit, len(sample_ids))
        self._places = [place * len(sample_ids) // count for place in range(count)]
        self.sample_ids = tuple(str(sample_ids[place]) for place in self._places)
        self.classes = tuple(classes)
        self.labels = None if labels is None else torch.tensor([int(labels[place]) for place in self._places])

    @abstractmethod
    def picture(self, place: int) -> Image.Image:
        """Return a picture, by its place among all there are."""

    def inputs(self, start: int, stop: int) -> list[Image.Image]:
        return [self._read(index) for index in range(start, min(stop, len(self)))]

    def _read(self, index: int) -> Image.Image:
        try:
            return self.picture(self._places[index]).convert("RGB")
        except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for a damaged file
            raise SpliceError(
                f"{self.sample_ids[index]} of {self.name} cannot be read as a picture ({error})."
            ) from error


def by_name(values: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return labels and classes of samples whose classes are given as words: the classes are sorted.

    Example:
        >>> by_name(["dog", "cat", "dog"])
        ([1, 0, 1], ['cat', 'dog'])
    """
    classes = sorted(set(values))
    place = {name: index for index, name in enumerate(classes)}
    return [place[value] for value in values], classes


def open_picture(file: Path | BytesIO) -> Image.Image:
    """Read a picture file, or the bytes of one, and close it."""
    with Image.open(file) as picture:
        picture.load()
        return picture


def require_folder(argument: str, root: str) -> Path:
    """Return a folder that is there.

    Raises:
        SpliceError: if it is not.
    """
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise SpliceError(f"{key_of(argument)} is {root!r}, but there is no such folder: {WHERE}.")
    return folder


def require_file(argument: str, path: str) -> Path:
    """Return a file that is there.

    Raises:
        SpliceError: if it is not.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise SpliceError(f"{key_of(argument)} is {path!r}, but there is no such file: {WHERE}.")
    return file


def require_files(argument: str, files: Sequence[Path]) -> None:
    """Refuse a list with files that are not there.

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


def as_picture(image: str | Path | Image.Image) -> Image.Image:
    """Return a picture in colours, given as a file or as it is.

    Raises:
        SpliceError: naming a file that cannot be read.
    """
    if isinstance(image, Image.Image):
        return image.convert("RGB")
    try:
        return open_picture(Path(image)).convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for a damaged file
        raise SpliceError(f"{image} cannot be read as a picture ({error}).") from error


def require_pictures(caller: str, images: Sequence[str | Path | Image.Image] | Tensor) -> None:
    """Refuse a single image where a list is meant, and a list of none.

    Raises:
        SpliceError: naming the function that was called.
    """
    if isinstance(images, (str, Path, Image.Image)):
        raise SpliceError(f"{caller} takes a list of pictures: put the one you have into brackets.")
    if not len(images):
        raise SpliceError(f"{caller} was given no pictures: give it one or more.")
