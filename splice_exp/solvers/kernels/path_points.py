"""Points of the paths of many rows: where each row is, how far it came, and what is written down of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from splice_exp.solvers.kernels.compile import compiled


class Points(NamedTuple):
    """One point of each row's path: support and codes, the first `sizes` of each, h, x − w D, gap and KKT violation."""

    supports: Any
    codes: Any
    sizes: Any
    h: Any
    residuals: Any
    certificates: Any


class Progress(NamedTuple):
    """How far each row is.

    Attributes:
        working: Its working set, the first `sizes` of each row.
        sizes: See there.
        cursors: Number of the next penalty.
        attempts: At it.
        ends: Whether `tried` is where the path ends.
        num_certain: Events up to the last certified point.
    """

    working: Any
    sizes: Any
    cursors: Any
    attempts: Any
    ends: Any
    num_certain: Any


class Record(NamedTuple):
    """What is written down: certified points one after the other, `sizes` and certificates by penalty, and events.

    An event is the h at which an atom joins, or its negative where one leaves.
    """

    supports: Any
    codes: Any
    sizes: Any
    certificates: Any
    filled: Any
    events: Any
    num_events: Any


@compiled
def copy_point(source, target, row):
    """Make one row of some points that of others."""
    size = source.sizes[row]
    for a in range(size):
        target.supports[row, a], target.codes[row, a] = source.supports[row, a], source.codes[row, a]
    target.sizes[row], target.h[row] = size, source.h[row]
    for t in range(source.residuals.shape[1]):
        target.residuals[row, t] = source.residuals[row, t]
    target.certificates[row, 0], target.certificates[row, 1] = source.certificates[row, 0], source.certificates[row, 1]


@compiled
def write_down(record, points, row, number):
    """Add a certified point to the record of a row."""
    size, filled = points.sizes[row], record.filled[row]
    for a in range(size):
        record.supports[row, filled + a], record.codes[row, filled + a] = points.supports[row, a], points.codes[row, a]
    record.filled[row] = filled + size
    record.sizes[row, number] = size
    record.certificates[row, number, 0] = points.certificates[row, 0]
    record.certificates[row, number, 1] = points.certificates[row, 1]
