"""Memory of this process as Linux counts it: now, and at most since a moment."""

from __future__ import annotations

import ctypes
from pathlib import Path


class Peak:
    """How far memory rises from the moment at which this is made.

    Attributes:
        before: What was resident then, GiB.
    """

    def __init__(self) -> None:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed before must not hide what is needed from now on
        self.before = _resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the highest value begins here

    def highest(self) -> float:
        """Return the most that was resident since, GiB."""
        return _resident("VmHWM")


def _resident(key: str) -> float:
    """Return a line of this process' status, GiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 2**20
    raise ValueError(f"no {key} in /proc/self/status")
