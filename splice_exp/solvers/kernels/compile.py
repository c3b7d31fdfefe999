"""How kernels are compiled, and when compiled code of earlier processes may be used."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from inspect import unwrap
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile

from splice_exp.core.io import digest

# A literal that is handed to a kernel, or what a counter begins with, has its own type, for which that kernel and
# all that it calls are compiled once more. These typed constants avoid that.
ZERO: Any = np.int64(0)  # Any: for a checker of types, counters are plain integers
NO, YES = np.bool_(False), np.bool_(True)


@cache
def sources() -> str:
    """Digest the source code of all kernels."""
    return digest([path.read_text() for path in sorted(Path(__file__).parent.glob("*.py"))])


class KernelCache(FunctionCache):
    """Machine code on disk, used as long as no kernel changes.

    Numba looks at the file of a function only, but code of functions in other files is compiled into it. What the disk
    does not take, or has damaged, is compiled again.

    Args:
        function: The function whose machine code is kept.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = IndexDataCacheFile(self.cache_path, self._impl.filename_base, sources())

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep machine code, if the disk takes it.

        Args:
            signature: The types of the arguments that it was compiled for.
            compiled: The code, as Numba has it.
        """
        with suppress(OSError):
            try:
                super().save_overload(signature, compiled)
            except OSError:
                raise
            except Exception:  # the list of what is kept cannot be read: it is damaged, or names types of other code
                self._cache_file.flush()
                super().save_overload(signature, compiled)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the machine code that was kept for some types of arguments, or None if there is none that can be read.

        Args:
            signature: The types of the arguments.
            context: Numba's description of the processor.
        """
        try:
            return super().load_overload(signature, context)
        except Exception:  # whatever reading bytes of something else leads to
            return None


def compiled(function: Callable[..., Any]) -> Any:
    """Compile on the first call; for later processes the machine code is kept on disk.

    Kernels that others call become part of these. Else the process that compiles would call them where it compiled them
    alone, and later ones where they were optimised once more: to different bits, as sums may be reordered.

    Returns:
        The compiled function, called as the given one.
    """
    plain = unwrap(function)  # run-time type checkers wrap functions in what cannot be compiled
    reordered = {"reassoc", "contract", "nsz", "arcp"}
    kernel: Any = njit(nogil=True, forceinline=True, error_model="numpy", fastmath=reordered)(plain)
    kernel._cache = KernelCache(plain)
    return kernel
