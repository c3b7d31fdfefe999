"""Pictures that someone has: files, and folders of files, without classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from splice_exp.core.errors import SpliceError, require_names
from splice_exp.core.io import digest, file_sha256
from splice_exp.core.keys import key_of
from splice_exp.data.image_folder import SUFFIXES
from splice_exp.data.pictures import PictureSource, open_picture


class PictureFiles(PictureSource):
    """Some pictures, each once, in the order given; those of a folder sorted by their names.

    Args:
        paths: Picture files, and folders; of a folder, the pictures that lie directly in it.
        name: Short name for tables.
        limit: Take only so many samples, evenly spread.
        missing_classes: Of no consequence: there are no classes.

    Raises:
        SpliceError: for a path that is not there, is no picture, or holds none.
    """

    kind = "own images"

    def __init__(
        self,
        paths: Sequence[str],
        name: str = "pictures",
        limit: int | None = None,
        missing_classes: str = "drop",
    ) -> None:
        require_names("paths", paths)
        super().__init__(name, limit, missing_classes)
        self._files = list(dict.fromkeys(file for path in paths for file in _files_of(path)))
        if not self._files:
            raise SpliceError(f"{key_of('paths')} is empty, but must name pictures or folders of pictures.")
        self._describe([file.as_posix() for file in self._files], None, ())

    def picture(self, place: int) -> Image.Image:
        return open_picture(self._files[place])

    def fingerprint(self) -> str:
        return f"files:{digest([file_sha256(self._files[place]) for place in self._places])}"


def _files_of(path: str) -> list[Path]:
    found = Path(path).expanduser()
    if found.is_dir():
        # Not those of folders in it: one of these may be where results go.
        files = sorted(file for file in found.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
        if not files:
            raise SpliceError(
                f"{key_of('paths')} names {path!r}, which holds no pictures ({', '.join(sorted(SUFFIXES))})."
            )
        return files
    if not found.is_file():
        raise SpliceError(f"{key_of('paths')} names {path!r}, but there is no such file or folder.")
    if found.suffix.lower() not in SUFFIXES:
        raise SpliceError(f"{key_of('paths')} names {path!r}, which is no picture ({', '.join(sorted(SUFFIXES))}).")
    return [found]
