"""Files that are either whole or not there: atomic writes, canonical JSON, digests. Imported without torch."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from splice_exp.core.errors import SpliceError
from splice_exp.core.runs.file_digests import sha256_of
from splice_exp.core.runs.temporaries import temporary_for

DIGEST_LENGTH = 16
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG}


def cannot_be_written(path: object, error: Exception) -> SpliceError | None:
    """Say in a sentence why a disk does not take a file; None for an error of another kind.

    Args:
        path: Of the file.
        error: Of the system, or of a library that writes by itself and hands the number of the system's error on.
    """
    numbers = re.search(r"os error (\d+)", str(error))  # as safetensors words it
    number = error.errno if isinstance(error, OSError) else int(numbers[1]) if numbers else None
    if number in FULL:
        cure = "make room there, then the same command goes on from here"
    elif number in CLOSED or number == errno.EIO:
        cure = "set paths.results and paths.cache to folders that can be written"
    else:
        return None
    return SpliceError(f"{path} cannot be written ({os.strerror(number)}): {cure}.")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what a disk does not take into one sentence.

    Raises:
        SpliceError: naming the file, the reason, and the cure.
    """
    try:
        yield
    except SpliceError:
        raise
    except Exception as error:
        sentence = cannot_be_written(path, error)
        if sentence is None:
            raise
        raise sentence from error


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path that becomes `path` only when the block ends without an error.

    Raises:
        SpliceError: if the disk is full or cannot be written; what was there before is there still.
    """
    temporary = temporary_for(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            if temporary.exists():  # on a disk that is read only, removing what is not there fails, too
                temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically.

    Args:
        path: Replaced where it is there.
        text: All that is in it.

    Raises:
        SpliceError: if the disk does not take it.
    """
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def jsonable(value: Any) -> Any:
    """Reduce a value to what JSON can say; a number that is not finite becomes null.

    Returns:
        Dictionaries, lists, numbers, texts, truth values and None only; anything else as `str` writes it.

    Example:
        >>> import numpy as np
        >>> jsonable({"gap": float("nan"), "path": Path("a/b"), "l0": np.float64(2.0)})
        {'gap': None, 'path': 'a/b', 'l0': 2.0}
    """
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if callable(getattr(value, "item", None)):  # a scalar of NumPy or torch
        return jsonable(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as indented JSON, atomically.

    Args:
        path: Replaced where it is there.
        content: Reduced by `jsonable`.

    Raises:
        SpliceError: if the disk does not take it.
    """
    write_text(path, as_json(content))


def as_json(content: Mapping[str, Any]) -> str:
    """Return what `write_json` writes."""
    return json.dumps(jsonable(content), indent=2, ensure_ascii=False) + "\n"


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        SpliceError: if the file is missing, damaged or not an object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))  # with a byte order mark or without
    except (OSError, ValueError, RecursionError) as error:
        raise SpliceError(f"{path} cannot be read as JSON ({error}).") from error
    if not isinstance(content, dict):
        raise SpliceError(f"{path} holds a JSON {type(content).__name__}, but must hold an object.")
    return content


def sidecar(path: Path) -> Path:
    """Return the JSON file that describes a tensor file: the same name, ending in `.json`."""
    return path.with_suffix(".json")


def digest(content: Any) -> str:
    """Hash the canonical JSON of `content`: key order and layout do not matter.

    Example:
        >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
        True
    """
    canonical = json.dumps(jsonable(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:DIGEST_LENGTH]


def seed_of(seed: int, sample_id: str) -> int:
    """Return the seed of a sample, the same whatever is computed beside it.

    Args:
        seed: Of the run.
        sample_id: Of the sample.

    Example:
        >>> seed_of(0, "test-0-000001") == seed_of(0, "test-0-000001") != seed_of(1, "test-0-000001")
        True
    """
    return int(digest([seed, sample_id])[:12], 16)


def file_sha256(path: Path) -> str:
    """Hash the bytes of a file (full SHA-256, hexadecimal)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_digest(root: Path, files: Sequence[Path]) -> str:
    """Identify files by their names under a folder, and by their content, which `core.runs.file_digests` reads once.

    Args:
        root: Folder that names are relative to.
        files: Below `root`.
    """
    names = [file.relative_to(root).as_posix() for file in files]
    return digest([list(pair) for pair in zip(names, sha256_of(files, root), strict=True)])


def file_digest(path: Path) -> str:
    """Hash a file together with its sidecar, so that renamed labels are a different content."""
    files = [path, sidecar(path)] if path.suffix != ".json" and sidecar(path).is_file() else [path]
    return digest(sha256_of(files, path.parent))
