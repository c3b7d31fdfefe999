"""Files that are being written: what they are called, and how those of killed processes are told apart and removed.

    .<stem>~<machine>~<process>~<random><suffix>        in the folder of the file that they become

Imports nothing of this package: whatever writes files can have it.
"""

from __future__ import annotations

import os
import platform
import uuid
from contextlib import suppress
from pathlib import Path


def temporary_for(path: Path) -> Path:
    """Return where to write what becomes `path`: beside it, as a rename is atomic only within a file system.

    It keeps the suffix, because image writers choose the format by it.
    """
    return path.with_name(f".{path.stem}~{platform.node()}~{os.getpid()}~{uuid.uuid4().hex[:8]}{path.suffix}")


def remove_leftovers(folder: Path) -> None:
    """Remove what processes of this machine were writing when they were killed."""
    for path in folder.glob(".*~*~*~*"):
        _, node, process, _ = path.name.rsplit("~", 3)
        if node == platform.node() and process.isdecimal() and not _runs(int(process)):
            with suppress(OSError):  # another process may remove it, too
                path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
