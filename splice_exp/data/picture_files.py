"""Your own images: files, and folders of files, without classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from splice_exp.core.errors import SpliceError, require_names
from splice_exp.core.images.folders import image_files
from splice_exp.core.io import digest, file_sha256
from splice_exp.core.keys import key_of
from splice_exp.core.text.places import distinct_names
from splice_exp.data.pictures import FileSource, require_files
from splice_exp.data.presence.named_files import require_images


class PictureFiles(FileSource):
    """Some images, each once, in the order given; those of a folder sorted by their names.

    They are named by the last parts of their paths, as many as tell them apart.

    Args:
        paths: Image files, and folders; of a folder, the images that lie directly in it.
        name: Short name for tables.
        limit: Take only so many samples, evenly spread.
        missing_classes: Of no consequence: there are no classes.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.
        white: The value that is white in images of more than 8 bits; by default the largest of their type.

    Raises:
        SpliceError: for a path that does not exist, is not an image, or holds none.
    """

    kind = "own images"

    def __init__(
        self,
        paths: Sequence[str],
        name: str = "pictures",
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
        white: int | None = None,
    ) -> None:
        require_names("paths", paths)
        super().__init__(name, limit, missing_classes, exif, damaged, white)
        self._files = list(dict.fromkeys(file for path in paths for file in _images_of(path)))
        require_files("paths", self._files)  # links may lead nowhere
        if not self._files:
            raise SpliceError(f"{key_of('paths')} is empty, but must name images or folders of images.")
        self._describe(distinct_names([file.as_posix() for file in self._files]), None, ())

    def content(self, places: Sequence[int]) -> str:
        return f"files:{digest([file_sha256(self._files[place]) for place in places])}"


def _images_of(path: str) -> list[Path]:
    found = require_images("paths", path)
    return image_files(found, deep=False) if found.is_dir() else [found]
