"""Embeddings of any numbers as unit rows, with memory for these alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.matrices.matrix import Matrix, parts

UNKNOWN, ZERO = "NaN or infinite values", "only zeros"


def checked_features(features: Tensor | Matrix, source: str) -> Float[Tensor, "n d"]:
    """Return features as L2-normalised float32 rows.

    Args:
        features: (n, d), any floating point type, in memory or in a file.
        source: The configuration key and file that an error should name.

    Raises:
        SpliceError: if it is not a matrix, or rows hold NaN or infinite values, or are zero.
    """
    return unit_rows([(features if isinstance(features, Matrix) else Matrix.of(features), source)])


def unit_rows(matrices: Sequence[tuple[Matrix, str]]) -> Float[Tensor, "n d"]:
    """Return the rows of several matrices, one after the other, L2-normalised float32.

    Args:
        matrices: Of the same width, each with the configuration key and file that an error should name.

    Raises:
        SpliceError: as `checked_features`.
    """
    for matrix, source in matrices:
        if len(matrix.shape) != 2 or not matrix.dtype.is_floating_point or not all(matrix.shape):
            raise SpliceError(
                f"{source} holds an array of shape {matrix.shape} and type {matrix.dtype}, "
                "but must hold a non-empty floating point matrix with one embedding per row."
            )
    found = torch.empty(sum(matrix.shape[0] for matrix, _ in matrices), matrices[0][0].shape[1])
    start = 0
    for matrix, source in matrices:
        _fill(found[start : start + matrix.shape[0]], matrix, source)
        start += matrix.shape[0]
    return found


def _fill(found: Float[Tensor, "n d"], matrix: Matrix, source: str) -> None:
    flaws: dict[str, list[int]] = {UNKNOWN: [], ZERO: []}
    start = 0
    for read in matrix.read():
        for _, part in parts(read):
            rows = part.double()
            for flaw, flawed in ((UNKNOWN, ~rows.isfinite().all(dim=1)), (ZERO, (rows == 0).all(dim=1))):
                flaws[flaw] += (flawed.nonzero().flatten() + start).tolist()
            found[start : start + len(rows)] = _normalized(rows)
            start += len(rows)
    for flaw, flawed_rows in flaws.items():
        if flawed_rows:
            raise SpliceError(f"{source} has {flaw} in rows {shown(flawed_rows)}: remove or repair.")


def _normalized(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Return float64 rows of unit length."""
    largest = rows.abs().amax(dim=1, keepdim=True)
    extreme = (largest > 1e100) | (largest < 1e-100)  # squares of such numbers are infinite, or zero
    if extreme.any():
        rows = torch.where(extreme, rows / largest, rows)
    # Not by `normalize`, whose floor would leave tiny rows short of unit length.
    return rows / rows.norm(dim=1, keepdim=True)
