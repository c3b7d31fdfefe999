"""Tutorials: their order, the folder that they are run in, and when they are run again."""

from __future__ import annotations

import hashlib
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
ROOT = HERE.parent
READ = ("splice_exp", "conf")  # folders that the output of all tutorials depends on
IGNORED = ("__pycache__",)
RUN_IN = "generated/sources"  # in docs


class ByNumber:
    """Sort tutorials by the number that their file names begin with."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, name: str) -> str:
        return name


def copy(here: Path) -> None:
    """Copy the tutorials to where they are run: the gallery runs each in the folder that it lies in.

    Args:
        here: The folder of the sources of the site.
    """
    shutil.rmtree(here / RUN_IN, ignore_errors=True)
    shutil.copytree(here / "tutorials", here / RUN_IN, ignore=shutil.ignore_patterns("__pycache__"))


def set_up(settings: dict[str, Any], name: str) -> None:
    """Empty the folder that tutorials are run in, so that none finds what another one has left.

    Args:
        settings: Of the gallery.
        name: Of the file that is run next.
    """
    import matplotlib.pyplot as plt

    for path in (HERE / RUN_IN).iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not (HERE / "tutorials" / path.name).is_file():
            path.unlink()
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
