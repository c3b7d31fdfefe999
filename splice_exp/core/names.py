"""When two names mean the same thing."""

from __future__ import annotations


def canonical(name: str) -> str:
    """Write names alike that differ in case, underscores or spaces only.

    Example:
        >>> canonical("Grand_Piano ")
        'grand piano'
    """
    return " ".join(name.lower().replace("_", " ").split())
