"""A matrix of which a part is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

PART = 2**21  # bytes of a part as float64: several of them are in memory together, and freed ones may stay there


def parts_of(num_rows: int, row_bytes: int, size: int) -> Iterator[range]:
    """Cut rows into parts of about a size.

    Args:
        num_rows: n.
        row_bytes: Of one row.
        size: Of a part, bytes; a part has one row at least.

    Example:
        >>> list(parts_of(5, row_bytes=4, size=8))
        [range(0, 2), range(2, 4), range(4, 5)]
    """
    together = max(1, size // max(1, row_bytes))
    for start in range(0, num_rows, together):
        yield range(start, min(start + together, num_rows))


def parts(rows: Float[Tensor, "n d"]) -> Iterator[tuple[range, Float[Tensor, "m d"]]]:
    """Yield a matrix in memory by parts, each small enough to be spelled out in float64 beside it."""
    for taken in parts_of(len(rows), 8 * rows[:1].numel(), PART):
        yield taken, rows[taken.start : taken.stop]


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix, in memory or in a file.

    Attributes:
        shape: As stored; two numbers if it is a matrix at all.
        dtype: As stored.
        read: Yields its rows in order, some at a time; what was yielded before need not stay in memory.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    read: Callable[[], Iterator[Tensor]]

    @classmethod
    def of(cls, tensor: Tensor) -> Matrix:
        """Return a matrix that is in memory."""
        return cls(tuple(tensor.shape), tensor.dtype, lambda: (part for _, part in parts(tensor)))
