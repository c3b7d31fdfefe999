"""Packages of users, named in `trust`: a configuration may name their classes, and a run is known by their sources."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from splice_exp.core.errors import SpliceError, require_names

KEY = "trust"


def require_trusted(names: object) -> None:
    """Refuse what is not a list of packages that can be imported.

    Raises:
        SpliceError: naming the package.
    """
    require_names(KEY, names)
    for name in names:  # type: ignore[attr-defined]
        if not name.isidentifier():
            raise SpliceError(f"{KEY} has {name!r}, but must have names of packages, like {KEY}=[my_package].")
        if source_of(name) is None:
            raise SpliceError(
                f"{KEY} has {name!r}, but Python finds no such package: install it, or set PYTHONPATH to the folder "
                "that it is in."
            )


def source_of(name: str) -> Path | None:
    """Return the folder of a package, or the file of a module, without importing it; None if there is neither."""
    found = PathFinder.find_spec(name, sys.path)
    if found is None:
        return None
    if found.submodule_search_locations:
        return Path(next(iter(found.submodule_search_locations)))
    return Path(found.origin) if found.origin else None


def sources(names: Iterable[str]) -> list[Path]:
    """Return the sources of those packages that are there."""
    return [found for name in sorted(set(names)) if (found := source_of(name)) is not None]


def is_of(target: str, names: Sequence[str]) -> bool:
    """Say whether a dotted name is in one of some packages.

    Args:
        target: Dotted name of a class or module.
        names: Of top-level packages.
    """
    return target.partition(".")[0] in names
