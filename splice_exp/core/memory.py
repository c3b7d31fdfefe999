"""How much memory there is, to refuse what cannot fit before any work."""

from __future__ import annotations

import os

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of


def physical_memory() -> int:
    """Return the memory of this machine in bytes; without a bound where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # on Windows
        return 2**63


def require_room(argument: str, count: int, each: int) -> None:
    """Refuse more of something than fits into memory, before any work.

    Args:
        argument: Name of the count, relative to its component.
        count: How many.
        each: Bytes that each takes at least.

    Raises:
        SpliceError: naming the key of `argument`, the count and how many fit.
    """
    most = physical_memory() // each
    if count > most:
        raise SpliceError(f"{key_of(argument)} is {count}, but at most {most} fit into the memory of this machine.")
