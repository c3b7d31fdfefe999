"""A folder of classes, each a folder of images, as ImageNet and many others come: ROOT/class/any/name.jpg."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from unicodedata import normalize

from splice_exp.core.errors import SpliceError, require_folder, shown
from splice_exp.core.images.folders import SUFFIXES, image_files, is_clutter
from splice_exp.core.keys import key_of
from splice_exp.core.text.lines import read_lines, trimmed
from splice_exp.data.imagenet import class_names, older_names
from splice_exp.data.pictures import FileSource, require_files

CODE = re.compile(r"[A-Za-z]?\d+")
IMAGENET = "imagenet"  # in place of a file of names
SPLITS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})

log = logging.getLogger(__name__)


class ImageFolder(FileSource):
    """Images in one folder per class, or all in one folder without classes.

    Folders and files may be links. What systems and editors leave (hidden files, `__MACOSX`, …) does not count.

    Args:
        root: The folder.
        classes: A text file that names the classes: one name per line in the order of the sorted folders, or lines of
            folder, tab and name. For folders that are codes a space does, too: `n01440764 tench`. `imagenet` stands for
            the names of open_clip, for folders that are WordNet ids. By default classes are called as folders.
        name: Short name for tables; by default that of the folder.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.
        white: The value that is white in images of more than 8 bits; by default the largest of their type.

    Raises:
        SpliceError: for a folder that does not exist or holds no images, or names that do not fit.
    """

    def __init__(
        self,
        root: str,
        classes: str | None = None,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
        white: int | None = None,
    ) -> None:
        self._root = require_folder("root", root)
        if self._root.resolve() == Path(self._root.resolve().anchor):
            raise SpliceError(f"{key_of('root')} is {root!r}, where everything is: name the folder of your images.")
        super().__init__(name or self._root.resolve().name, limit, missing_classes, exif, damaged, white)
        self._files = image_files(self._root)
        if not self._files:
            raise SpliceError(f"{key_of('root')}: {root} holds no images ({', '.join(sorted(SUFFIXES))}).")
        require_files("root", self._files)  # links may lead nowhere
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
        if SPLITS.issuperset(map(str.lower, folders)) and all(len(part) > 2 for part in parts):
            raise SpliceError(
                f"{key_of('root')}: the folders of {root} are splits ({shown(folders)}), and their folders are the "
                f"classes: set it to one of them, as {self._root / folders[0]}."
            )
        _note_empty(self._root, folders)
        label = {folder: place for place, folder in enumerate(folders)}
        labels = [label[part[0]] for part in parts]
        if classes == IMAGENET:
            self.aliases = older_names()
        self._describe(ids, labels, folders if classes is None else read_class_names(classes, folders))


def _note_empty(root: Path, classes: list[str]) -> None:
    """Say which folders hold no images, and are no classes."""
    folders = (entry.name for entry in os.scandir(root) if entry.is_dir() and not is_clutter(entry.name))
    if empty := sorted(set(folders) - set(classes)):
        log.warning("%s: folders without images are no classes: %s", root.name, shown(empty))


def read_class_names(path: str, folders: list[str]) -> list[str]:
    """Return the names of folders, from a file of one name, or folder, tab and name, per line; or those of ImageNet.

    Args:
        path: The file, or `imagenet`: WordNet ids are given their names.
        folders: Sorted.

    Returns:
        One name for each folder, in their order.

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
    lines = [line.text for line in read_lines(path, key_of("classes"))]
    if (coded := _by_folder(lines, folders)) is not None:
        return [coded[folder] for folder in folders]
    _require_plain(path, lines, folders)
    if len(lines) != len(folders):
        raise SpliceError(
            f"{key_of('classes')}: {path} names {len(lines)} classes, but there are {len(folders)} folders: give one "
            "name per line for the sorted folders, or for each a line with the folder, a tab, and the name."
        )
    return lines


def _require_plain(path: str, lines: list[str], folders: list[str]) -> None:
    """Refuse lines of folder and name that are not laid out as these must be.

    Raises:
        SpliceError: naming the first of them.
    """
    parted = [line for line in lines if "\t" in line]
    if all(re.split("[,;]", line)[0] in folders and line not in folders for line in lines):
        parted = lines  # folders and names as in a csv file
    if parted:
        raise SpliceError(
            f"{key_of('classes')}: {path} has the line {parted[0]!r}, but must have one name per line for the sorted "
            "folders, or for each of them one line with the folder, a tab, and the name."
        )


def _by_folder(lines: list[str], folders: list[str]) -> dict[str, str] | None:
    """Return the names of folders, where each has its own line; or None.

    A tab parts folder and name. A space does where all folders are codes, like `n01440764` or `007`, because then no
    name begins with one; else `hot dog` might be the dish, or what the folder `hot` is called.

    Example:
        >>> _by_folder(["n02 shark", "n01 great tench"], ["n01", "n02"])
        {'n01': 'great tench', 'n02': 'shark'}
        >>> _by_folder(["hot dog", "ice cream"], ["hot", "ice"]) is None
        True
    """
    between = None if all(CODE.fullmatch(folder) for folder in folders) else "\t"
    parts = [line.split(between, 1) for line in lines]
    # Some file systems keep accents apart from their letters.
    if len({part[0] for part in parts}) < len(parts):  # a folder with two names
        return None
    coded = {normalize("NFC", trimmed(part[0])): trimmed(part[1]) for part in parts if len(part) == 2}
    composed = {folder: normalize("NFC", folder) for folder in folders}
    return (
        {folder: coded[name] for folder, name in composed.items()} if coded.keys() >= set(composed.values()) else None
    )
