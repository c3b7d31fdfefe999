"""Which names are profane, by the English word list of `glin-profanity`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glin_profanity import Filter


def is_profane(name: str) -> bool:
    """Return whether a name holds a profane word.

    What is merely of the body, of drink or of violence is not: such names are concepts of images.

    Args:
        name: One word or more.

    Example:
        >>> is_profane("flower pot"), is_profane("sh1t")
        (False, True)
    """
    return _filter().is_profane(name)


@cache
def _filter() -> Filter:
    from glin_profanity import Filter  # late: only commands that build vocabularies need its lists

    return Filter({"languages": ["english"], "obfuscation": "basic"})
