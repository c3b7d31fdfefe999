"""Files that a user names one by one, by folders or by patterns: tar files of webdataset, and your own images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path

from splice_exp.core.errors import SpliceError, require_names, shown
from splice_exp.core.images.folders import SUFFIXES, files_below
from splice_exp.core.keys import key_of

_NUMBERS = re.compile(r"\{(\d+)\.\.(\d+)\}")


def require_tar_files(argument: str, patterns: str | Sequence[str]) -> list[Path]:
    """Return the tar files that names or patterns stand for, in order.

    Args:
        argument: Name of what is checked, relative to its component.
        patterns: Files, folders of `.tar` files, patterns such as `train-{000000..000099}.tar` or `train-*.tar`.

    Raises:
        SpliceError: naming what is missing.
    """
    patterns = [patterns] if isinstance(patterns, str) else patterns
    require_names(argument, patterns)
    return [file for pattern in patterns for file in _tar_files(argument, pattern)]


def _tar_files(argument: str, pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if path.is_dir():
        files = sorted(path.glob("*.tar"))
    elif numbers := _NUMBERS.search(str(path)):
        before, after = str(path)[: numbers.start()], str(path)[numbers.end() :]
        width = len(numbers[1])
        files = [Path(f"{before}{one:0{width}d}{after}") for one in range(int(numbers[1]), int(numbers[2]) + 1)]
    elif has_magic(str(path)) and not path.exists():
        files = [Path(file) for file in sorted(glob(str(path)))]
    else:
        files = [path]
    if missing := [file for file in files if not file.is_file()]:
        raise SpliceError(f"{key_of(argument)} names {pattern!r}, but there is no file {shown(missing)}.")
    if not files:
        raise SpliceError(
            f"{key_of(argument)} names {pattern!r}, which is no tar file: give files or patterns of them."
        )
    return files


def _has_images(folder: Path) -> bool:
    """Say whether a folder directly holds image files."""
    return any(file.suffix.lower() in SUFFIXES for file in files_below(folder, deep=False))


def require_images(argument: str, path: str) -> Path:
    """Return an image file, or a folder that directly holds some.

    Args:
        argument: Name of what is checked, relative to its component.
        path: As it was given.

    Raises:
        SpliceError: if it is neither.
    """
    found = Path(path).expanduser()
    suffixes = ", ".join(sorted(SUFFIXES))
    if found.is_dir():
        # Not in folders below it: one of these may be where results go.
        if not _has_images(found):
            below = sorted(folder.name for folder in found.iterdir() if folder.is_dir() and _has_images(folder))
            advice = f"; its folders {shown(below)} do: name these, or set data=image_folder data.root={path}"
            raise SpliceError(
                f"{key_of(argument)} names {path!r}, which holds no images ({suffixes}){advice if below else ''}."
            )
    elif not found.is_file():
        raise SpliceError(f"{key_of(argument)} names {path!r}, but there is no such file or folder.")
    elif found.suffix.lower() not in SUFFIXES:
        raise SpliceError(f"{key_of(argument)} names {path!r}, which is no image ({suffixes}).")
    return found
