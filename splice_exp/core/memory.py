"""How much memory there is, to refuse what cannot fit before any work."""

from __future__ import annotations

import os


def physical_memory() -> int:
    """Return the memory of this machine in bytes; without a bound where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # on Windows
        return 2**63
