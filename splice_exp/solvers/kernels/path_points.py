"""Points of the paths of many rows: where each row is, how far it came, and what is written down of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from splice_exp.solvers.kernels.compile import compiled


class Points(NamedTuple):
    """One point of each row's path.

    Attributes:
        supports: Indices of the atoms with codes, the first `sizes` of each row, (n, room).
        codes: Their codes, likewise, (n, room).
        sizes: Number of codes of each row, (n,).
        h: L / 2 at the point, (n,); negative before the path has begun.
        residuals: x − w D, (n, d) float64.
        certificates: Duality gap and KKT violation, (n, 2).
    """

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


class PointRecord(NamedTuple):
    """What is written down of each row: its certified points, one after the other, and the events on its path.

    Attributes:
        supports: Indices of the atoms with codes, of all points of a row, the first `filled`, (n, points · room).
        codes: Their codes, likewise.
        sizes: Number of codes at each penalty, (n, points).
        certificates: Duality gap and KKT violation at each penalty, (n, points, 2); infinite where the path did not
            come.
        filled: Number of codes written down of each row, (n,).
        events: The h at which an atom joins, or its negative where one leaves, the first `num_events` of each row.
        num_events: Number of events of each row, (n,).
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
    """Make the point of one row that of the same row in others.

    Args:
        source: The points to copy from.
        target: The points to overwrite.
        row: Which row.
    """
    size = source.sizes[row]
    for a in range(size):
        target.supports[row, a], target.codes[row, a] = source.supports[row, a], source.codes[row, a]
    target.sizes[row], target.h[row] = size, source.h[row]
    for t in range(source.residuals.shape[1]):
        target.residuals[row, t] = source.residuals[row, t]
    target.certificates[row, 0], target.certificates[row, 1] = source.certificates[row, 0], source.certificates[row, 1]


@compiled
def write_down(record, points, row, number):
    """Add a certified point to the record of a row.

    Args:
        record: Where it is added.
        points: Where it is read.
        row: Which row.
        number: Index of its penalty.
    """
    size, filled = points.sizes[row], record.filled[row]
    for a in range(size):
        record.supports[row, filled + a], record.codes[row, filled + a] = points.supports[row, a], points.codes[row, a]
    record.filled[row] = filled + size
    record.sizes[row, number] = size
    record.certificates[row, number, 0] = points.certificates[row, 0]
    record.certificates[row, number, 1] = points.certificates[row, 1]
