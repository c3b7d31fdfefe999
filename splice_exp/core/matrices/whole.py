"""Whether a file of tensors is whole, by its first bytes and its table of contents: found out without torch.

A file that was cut off, or that is another thing (a page of a web site, a pointer of git-lfs, a text), is known in a
moment; single bytes that changed are not.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from splice_exp.core.errors import SpliceError

SAFE = ".safetensors"
ZIP, PICKLE = b"PK\x03\x04", b"\x80"  # how files of torch begin, now and before 2020
LFS = b"version https://git-lfs"
LENGTH = 8  # bytes in which a safetensors file says how long its header is
LONGEST_HEADER = 100_000_000  # bytes, as safetensors allows
AGAIN = "fetch it again"


def require_whole(path: Path, key: str, again: str = AGAIN) -> None:
    """Refuse a file of weights that was cut off, or is none.

    Args:
        path: A file of safetensors, or one that torch wrote.
        key: Of the configuration, for errors.
        again: How the file is had again.

    Raises:
        SpliceError: naming the key, the file and what is wrong with it.
    """
    if path.suffix == SAFE:
        _require_safetensors(path, key, again)
        return
    require_pt(path, key, again)
    if _begins(path, ZIP) and not zipfile.is_zipfile(path):
        raise SpliceError(f"{key}: {path} is damaged: its end is missing, so the file was cut off; {again}.")


def require_pt(path: Path, key: str, again: str = AGAIN) -> None:
    """Refuse a file that does not begin as `torch.save` begins: a page of a web site, a pointer of git-lfs, a text.

    Args:
        path: The file.
        key: Of the configuration, for errors.
        again: What to do about it, as the end of the sentence.

    Raises:
        SpliceError: naming the key and how the file begins.
    """
    head = _head(path, key, again)
    if not head.startswith((ZIP, PICKLE)):
        raise SpliceError(f"{key}: {path} is no file of torch (it begins with {_shown(head)}): {again}.")


def _require_safetensors(path: Path, key: str, again: str) -> None:
    head, size = _head(path, key, again), path.stat().st_size
    length = int.from_bytes(head[:LENGTH], "little")
    if len(head) <= LENGTH or head[LENGTH : LENGTH + 1] != b"{" or length > LONGEST_HEADER:
        raise SpliceError(f"{key}: {path} is no file of safetensors (it begins with {_shown(head)}): {again}.")
    try:
        with path.open("rb") as file:
            file.seek(LENGTH)
            header = json.loads(file.read(length))
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        expected = LENGTH + length + max(ends, default=0)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        where = "within its header, so the file was cut off" if LENGTH + length > size else "and its header is damaged"
        raise SpliceError(f"{key}: {path} is damaged: it ends after {size:,} bytes, {where}; {again}.") from error
    if size != expected:
        raise SpliceError(
            f"{key}: {path} is damaged: it has {size:,} bytes, but its header announces {expected:,}; {again}."
        )


def _head(path: Path, key: str, again: str) -> bytes:
    """Return the first bytes of a file.

    Raises:
        SpliceError: if it cannot be read, is empty, or is a pointer of git-lfs.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(LFS))
    except OSError as error:
        raise SpliceError(f"{key}: {path} cannot be read ({error.strerror}).") from error
    if not head:
        raise SpliceError(f"{key}: {path} is empty: {again}.")
    if head == LFS:
        raise SpliceError(f"{key}: {path} is a pointer of git-lfs, and not the file: fetch it with git lfs pull.")
    return head


def _begins(path: Path, with_bytes: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(with_bytes)) == with_bytes


def _shown(head: bytes) -> str:
    return repr(head[:24].decode("utf-8", "replace"))
