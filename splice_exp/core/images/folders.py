"""Find the images of a folder: also behind links, and without what systems and editors leave beside them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from splice_exp.core.errors import SpliceError, shown

log = logging.getLogger(__name__)

SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".avif"),
    }
)
UNREAD = frozenset({".heic", ".heif", ".jxl", ".svg", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".dcm", ".eps"})
# Beside everything whose name begins with a dot: `._1.jpg` and `.DS_Store` of macOS, `.ipynb_checkpoints`, `.git`.
CLUTTER = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"})


def is_clutter(name: str) -> bool:
    """Say whether a file or a folder is of a system or an editor, and no one's data.

    Example:
        >>> [is_clutter(name) for name in ("._1.jpg", ".ipynb_checkpoints", "__MACOSX", "1.jpg")]
        [True, True, True, False]
    """
    return name.startswith(".") or name in CLUTTER


def image_files(folder: Path, deep: bool = True) -> list[Path]:
    """Return the image files below a folder, sorted by their path; it says which images it cannot read.

    Args:
        folder: Its own name does not count.
        deep: Also those in folders below it, whether these are real or links.

    Raises:
        SpliceError: if a folder cannot be read.
    """
    files = files_below(folder, deep)
    unread = [file.relative_to(folder).as_posix() for file in files if file.suffix.lower() in UNREAD]
    if unread:
        log.warning("%d images of %s are of formats that are not read: %s", len(unread), folder, shown(unread, 3))
    return [file for file in files if file.suffix.lower() in SUFFIXES]


def files_below(folder: Path, deep: bool = True) -> list[Path]:
    """Return all files below a folder but clutter, sorted by their path, and links that lead nowhere.

    Args:
        folder: Its own name does not count.
        deep: Also those in folders below it, whether these are real or links.

    Raises:
        SpliceError: if a folder cannot be read.
    """
    return sorted(_files(folder, deep, frozenset()), key=lambda file: file.relative_to(folder).as_posix())


def _files(folder: Path, deep: bool, above: frozenset[tuple[int, int]]) -> Iterator[Path]:
    """Yield files; `above` are the folders that lead here, by device and number, and none is entered again."""
    try:
        status = folder.stat()
        here = (status.st_dev, status.st_ino)
        entries = list(os.scandir(folder))
    except OSError as error:
        raise SpliceError(f"The folder {folder} cannot be read ({error.strerror}).") from error
    if here in above:
        log.warning("%s is a link to a folder that it lies in, and is not followed", folder)
        return
    for entry in entries:
        if is_clutter(entry.name):
            continue
        if entry.is_dir():
            if deep:
                yield from _files(Path(entry.path), deep, above | {here})
        elif entry.is_file() or entry.is_symlink():  # no pipe, which would be waited for
            yield Path(entry.path)
