"""Tutorials: their order, the empty folder that each is run in, and when they are run again."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
ROOT = HERE.parent
ORDER = sorted(path.name for path in (HERE / "tutorials").glob("[0-9][0-9]_*.py"))
READ = ("splice_exp", "conf")  # folders that the output of all tutorials depends on
IGNORED = ("__pycache__",)
_folders: list[Path] = []


class ByNumber:
    """Sort tutorials by the number that their file names begin with."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, name: str) -> str:
        return name


def set_up(settings: dict[str, Any], name: str) -> None:
    """Enter an empty folder, so that a tutorial finds nothing and leaves nothing.

    Args:
        settings: Of the gallery.
        name: Of the file that is run next.
    """
    import matplotlib.pyplot as plt

    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="tutorial-"))
    _folders.append(folder)
    os.chdir(folder)
    plt.rcParams.update({"figure.dpi": 110, "savefig.bbox": "tight"})
    warnings.filterwarnings("ignore", message="The model of the synthetic benchmark")
    warnings.filterwarnings("ignore", module="torch|lightning|numba")


def sources() -> Iterator[Path]:
    """Yield the files that the output of the tutorials depends on, in a fixed order."""
    for folder in READ:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and not set(IGNORED) & set(path.parts):
                yield path


def key() -> str:
    """Digest the content of these files."""
    found = hashlib.sha256()
    for path in sources():
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def forget(here: Path) -> None:
    """Remove what tutorials have shown if any file has changed that it depends on.

    The gallery itself keeps the output of a tutorial as long as its own file is the same.

    Args:
        here: The folder of the sources of the site.
    """
    made, seen = here / "generated" / "tutorials", here / "generated" / "tutorials.key"
    now = key()
    if seen.is_file() and seen.read_text(encoding="utf-8") == now:
        return
    shutil.rmtree(made, ignore_errors=True)
    seen.parent.mkdir(exist_ok=True)
    seen.write_text(now, encoding="utf-8")
