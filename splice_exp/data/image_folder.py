"""A folder of classes, each a folder of pictures, as ImageNet and many others come: ROOT/class/any/name.jpg."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.io import files_digest
from splice_exp.core.keys import key_of
from splice_exp.data.imagenet import class_names, older_names
from splice_exp.data.pictures import PictureSource, open_picture, require_folder

IMAGENET = "imagenet"  # in place of a file of names
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm"})


class ImageFolder(PictureSource):
    """Pictures in folders that are their classes, or all in one folder without classes.

    Args:
        root: The folder.
        classes: A text file that names the classes: one name a line in the order of the sorted folders, or lines
            `folder name` for folders that are codes, like `n01440764 tench`. `imagenet` stands for the names of
            open_clip, for folders that are WordNet ids. By default classes are called as folders.
        name: Short name for tables; by default that of the folder.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.

    Raises:
        SpliceError: for a folder that is not there or holds no pictures, or names that do not fit.
    """

    def __init__(
        self,
        root: str,
        classes: str | None = None,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
    ) -> None:
        self._root = require_folder("root", root)
        if self._root.resolve() == Path(self._root.resolve().anchor):
            raise SpliceError(f"{key_of('root')} is {root!r}, where everything is: name the folder of your images.")
        super().__init__(name or self._root.resolve().name, limit, missing_classes)
        self._files = sorted(
            (path for path in self._root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()),
            key=lambda path: path.relative_to(self._root).as_posix(),
        )
        if not self._files:
            raise SpliceError(f"{key_of('root')}: {root} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
        parts = [file.relative_to(self._root).parts for file in self._files]
        ids = ["/".join(part) for part in parts]
        loose = [sample_id for sample_id, part in zip(ids, parts, strict=True) if len(part) == 1]
        if len(loose) == len(ids) and classes is None:
            self._describe(ids, None, ())
            return
        if loose:
            raise SpliceError(
                f"{key_of('root')}: {shown(loose)} of {root} are in no folder of a class: put all into folders."
            )
        folders = sorted({part[0] for part in parts})
        label = {folder: place for place, folder in enumerate(folders)}
        labels = [label[part[0]] for part in parts]
        if classes == IMAGENET:
            self.aliases = older_names()
        self._describe(ids, labels, folders if classes is None else read_class_names(classes, folders))

    def picture(self, place: int) -> Image.Image:
        return open_picture(self._files[place])

    def fingerprint(self) -> str:
        return f"files:{files_digest(self._root, [self._files[place] for place in self._places])}"


def read_class_names(path: str, folders: list[str]) -> list[str]:
    """Return the names of folders, from a file with one name a line or with lines `folder name`; or of ImageNet.

    Raises:
        SpliceError: if the file cannot be read, or names too few or others.
    """
    if path == IMAGENET:
        foreign = [folder for folder in folders if folder not in class_names()]
        if foreign:
            raise SpliceError(
                f"{key_of('classes')}=imagenet names folders that are WordNet ids of ImageNet, but {shown(foreign)} "
                "are not: give a file of names, or null."
            )
        return [class_names()[folder] for folder in folders]
    try:
        lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SpliceError(f"{key_of('classes')}: {path} cannot be read as UTF-8 text ({error}).") from error
    coded = dict(line.split(maxsplit=1) for line in lines if len(line.split(maxsplit=1)) == 2)
    if all(folder in coded for folder in folders):
        return [coded[folder] for folder in folders]
    if len(lines) != len(folders):
        raise SpliceError(
            f"{key_of('classes')}: {path} names {len(lines)} classes, but there are {len(folders)} folders."
        )
    return lines
