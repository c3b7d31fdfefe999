"""Digests of files, each read once: a file that was not written since has the digest that it had.

What was read before is kept in memory, and of many bytes in a file under the cache, for later commands. A file is known
by its path, size, inode, and the times at which its content and its inode changed, to the nanosecond. Whoever writes a
file in place and sets its time back is found out by the second of these.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from splice_exp.core.runs.temporaries import remove_leftovers, temporary_for

log = logging.getLogger(__name__)

KEPT_FROM = 2**24  # bytes read for a folder, from which on their digests are kept for later commands
SAID_FROM = 2**31  # bytes, from which on a user is told what takes so long
FRESH = 2.0  # seconds since a change, within which another may have the same time
FOLDER = "digests"  # under the cache

Stamp = tuple[int, int, int, int]

_KNOWN: dict[str, tuple[Stamp, str]] = {}
_READ: set[Path] = set()  # files of digests
_FOUND: dict[str, str] = {}  # what was found out by looking through files
_KEPT_IN: list[Path] = []  # the cache, when there is one


def keep_digests_in(cache: Path) -> None:
    """Keep what is read from now on under a cache, made when there is something to keep."""
    _KEPT_IN[:] = [cache.absolute() / FOLDER]  # wherever the process goes later


def sha256_of(files: Sequence[Path], root: Path) -> list[str]:
    """Hash files by their bytes (full SHA-256, hexadecimal), several at a time.

    Args:
        files: To be read, unless they were before.
        root: What they belong to: their digests are kept together.

    Raises:
        OSError: if one of them cannot be read.
    """
    kept = _KEPT_IN[0] / f"{hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:16]}.txt" if _KEPT_IN else None
    if kept is not None and kept not in _READ:
        _READ.add(kept)
        _KNOWN.update(_read(kept))
    paths = [os.path.abspath(file) for file in files]
    stamps = [stamp_of(path) for path in paths]
    unknown = [
        (path, stamp) for path, stamp in zip(paths, stamps, strict=True) if _KNOWN.get(path, (None,))[0] != stamp
    ]
    size = sum(stamp[0] for _, stamp in unknown)
    if size >= SAID_FROM:
        log.warning("%s: reading %.0f GB, once, to know the files by their content …", root, size / 1e9)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip((path for path, _ in unknown), pool.map(_sha256, (path for path, _ in unknown)), strict=True))
    settled = {path: (stamp, found[path]) for path, stamp in unknown if is_settled(stamp)}
    _KNOWN.update(settled)
    if kept is not None and size >= KEPT_FROM:
        _append(kept, settled)
    return [found[path] if path in found else _KNOWN[path][1] for path in paths]


def remembered(name: str, files: Sequence[Path], found: Callable[[], str]) -> str:
    """Return what was found out about files by looking through all of them, as long as none of them has changed.

    It is kept in memory, and of many bytes under the cache, as digests are.

    Args:
        name: Of what is found out, and by which version of the code.
        files: That are looked through.
        found: Looks through them, and returns what it found as text.

    Raises:
        OSError: if one of them cannot be read.
    """
    paths = [os.path.abspath(file) for file in files]
    stamps = [stamp_of(path) for path in paths]
    about = hashlib.sha256(json.dumps([name, paths, stamps]).encode()).hexdigest()
    if about in _FOUND:
        return _FOUND[about]
    kept = _KEPT_IN[0] / f"{about[:32]}.json" if _KEPT_IN else None
    text = None if kept is None else _kept_text(kept, about)
    if text is None:
        text = found()
        if not all(is_settled(stamp) for stamp in stamps):
            return text
        if kept is not None and sum(stamp[0] for stamp in stamps) >= KEPT_FROM:
            _keep_text(kept, about, text)
    _FOUND[about] = text
    return text


def _kept_text(kept: Path, about: str) -> str | None:
    """Return a text that an earlier command has kept; None where there is none, or it is damaged."""
    try:
        head, _, text = kept.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return text if head == f"{about} {_check(text)}" else None


def _keep_text(kept: Path, about: str, text: str) -> None:
    """Keep a text; where that cannot be done it is found out again the next time."""
    temporary = temporary_for(kept)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(kept.parent)
        temporary.write_text(f"{about} {_check(text)}\n{text}", encoding="utf-8")
        os.replace(temporary, kept)
    except OSError as error:
        log.debug("%s is not cached (%s)", kept, error)
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def kept(name: str) -> dict[str, Any]:
    """Return what `keep` has kept under a name, the first time that it is asked for; nothing where there is nothing.

    Args:
        name: Of a file, without its suffix.
    """
    path = _KEPT_IN[0] / f"{name}.json" if _KEPT_IN else None
    if path is None or path in _READ:
        return {}
    _READ.add(path)
    text = _kept_text(path, name)
    found: dict[str, Any] = {} if text is None else json.loads(text)
    return found


def keep(name: str, content: dict[str, Any]) -> None:
    """Keep something for later commands, where there is a cache.

    Args:
        name: Of the file, without suffix.
        content: As JSON; it takes the place of what was kept under this name.
    """
    if _KEPT_IN:
        _keep_text(_KEPT_IN[0] / f"{name}.json", name, json.dumps(content))


def stamp_of(path: str) -> Stamp:
    """Return the size of a file, the times at which its content and its inode changed, and its inode."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def is_settled(stamp: Stamp) -> bool:
    """Say whether a file that changes from now on has other times."""
    return max(stamp[1], stamp[2]) / 1e9 < time.time() - FRESH


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(kept: Path) -> dict[str, tuple[Stamp, str]]:
    """Read what earlier commands have kept; a line that was cut off or damaged is left out."""
    found: dict[str, tuple[Stamp, str]] = {}
    try:
        lines = kept.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return found
    for line in lines:
        content, _, check = line.rpartition(" ")
        if check == _check(content):
            path, *stamp, sha256 = json.loads(content)
            found[path] = (tuple(stamp), sha256)
    return found


def _append(kept: Path, settled: dict[str, tuple[Stamp, str]]) -> None:
    """Keep digests; where that cannot be done they are computed again the next time."""
    contents = [json.dumps([path, *stamp, sha256]) for path, (stamp, sha256) in settled.items()]
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with kept.open("a", encoding="utf-8") as file:  # other processes may append, too
            file.write("".join(f"\n{content} {_check(content)}" for content in contents) + "\n")
    except OSError as error:
        log.debug("digests are not cached (%s)", error)


def _check(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:8]
