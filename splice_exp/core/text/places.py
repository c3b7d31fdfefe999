"""Names of files and folders, wherever they lie: what is published says nothing of the machine that made it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

# Addresses stay as they are; then quoted words, and others up to what may end a value of an override.
_WORD = re.compile(
    r"""(?!file:)\b[a-z][a-z0-9+.-]+://[^\s,'"\]}]+|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\[\],'"=:{}()]+"""
)
_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://")
_WINDOWS = re.compile(r"(?<![A-Za-z])[A-Za-z]:[\\/][^\[\],'\"=:{}()]*")
_ELSEWHERE = re.compile(r"[/\\~]+[^\s/\\]|\.\.[/\\]")  # how a path begins that does not lie below the working folder


def without_places(value: Any) -> Any:
    r"""Write files and folders by their names, wherever they lie; a path below the working folder stays as it is.

    Args:
        value: Of a configuration, or words of a command.

    Returns:
        The same containers, with such texts changed.

    Example:
        >>> without_places({"model": "local-dir:/home/me/clip", "paths": ["/data/a.png"], "text": "a/b", "l1": 0.25})
        {'model': 'local-dir:clip', 'paths': ['a.png'], 'text': 'a/b', 'l1': 0.25}
        >>> without_places("data.paths=['/home/me/a, b.png',~/c.png,below/d.png]")
        "data.paths=['a, b.png',c.png,below/d.png]"
        >>> without_places("judge.url=http://localhost:8000/v1"), without_places(r"path=C:\Users\me\E.npy")
        ('judge.url=http://localhost:8000/v1', 'path=E.npy')
    """
    if isinstance(value, Mapping):
        return {key: without_places(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_places(item) for item in value]
    if not isinstance(value, str):
        return value
    named = _WINDOWS.sub(lambda found: PureWindowsPath(found[0]).name or found[0], value)
    return _WORD.sub(lambda found: _named(found[0]), named)


def _named(word: str) -> str:
    if _ADDRESS.match(word):
        return word
    if word[0] in "'\"":
        inner = word[1:-1]
        return f"{word[0]}{_name(inner) if _ELSEWHERE.match(inner) else without_places(inner)}{word[0]}"
    blank = word[: len(word) - len(word.lstrip())]
    word = word.lstrip()
    return blank + (_name(word) if _ELSEWHERE.match(word) else word)


def _name(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or path


def distinct_names(paths: Sequence[str]) -> list[str]:
    """Name files by the last parts of their paths, as many as tell them apart.

    Example:
        >>> distinct_names(["/home/me/red/0.png", "/home/me/blue/0.png", "/home/me/1.png"])
        ['red/0.png', 'blue/0.png', '1.png']
    """
    parts = [[part for part in PurePosixPath(path).parts if part not in "/~"] or [path] for path in paths]
    taken = [1] * len(paths)
    while True:
        names = ["/".join(part[-count:]) for part, count in zip(parts, taken, strict=True)]
        first: dict[str, list[str]] = {}
        clashing = {name for name, part in zip(names, parts, strict=True) if first.setdefault(name, part) != part}
        longer = [
            count + (name in clashing and count < len(part))
            for name, part, count in zip(names, parts, taken, strict=True)
        ]
        if longer == taken:
            return names
        taken = longer
