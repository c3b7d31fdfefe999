"""The solution path, row by row: follow it on a working set to the next penalty, and let all atoms judge where it led.

A point at which no atom is violated is certified; from there the path goes on. Otherwise the violated atoms join the
working set, and the path is followed once more from the last certified point, after some attempts not so far. Where
atoms depend on each other the path is not a single line: the next point is then solved for directly.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from splice_exp.solvers.kernels.active_set import VAGUE, length_of, polish, slack_of
from splice_exp.solvers.kernels.compile import NO, ZERO, compiled
from splice_exp.solvers.kernels.homotopy import FULL, REACHED, STUCK, follow
from splice_exp.solvers.kernels.linear_algebra import (
    correlate,
    gram_of,
    in_large_pages,
    packed_size,
    residual,
    subtract_rows,
)
from splice_exp.solvers.kernels.looks import ROUNDING, judge, violators
from splice_exp.solvers.kernels.restricted import solve_on

ATTEMPTS = 2  # at following the path to a point, before a nearer one is tried
GIVEN_UP = 20  # attempts, before a point is written down as it is, with a certificate that says so
ROUNDS = 2_000  # points that are tried between two products
NEAR = 0.9  # share of the next h that a correlation must have for its atom to join the working set


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


class WorkingSet(NamedTuple):
    """Scratch: atoms of the set, which are in it and where, and on the set G, codes, correlations and the support.

    Row a of `gram` is known up to column `gathered[a]`.
    """

    atoms: Any
    inside: Any
    place: Any
    gram: Any
    gathered: Any
    values: Any
    c: Any
    support: Any
    member: Any


class Scratch(NamedTuple):
    """Memory of one thread; no atom is in the working set, and none is `judged`, when a row begins."""

    found: Any
    strengths: Any
    judged: Any
    changed: Any
    steps: Any
    before: Any
    slope: Any
    direction: Any
    trial: Any
    half: Any
    factor: Any
    working: Any


def make_scratch(num_atoms, room, dtype):
    """Make the memory of one thread, for working sets of up to `room` atoms."""
    gram, factor = in_large_pages(room * room, packed_size(room))
    return Scratch(
        found=np.empty(num_atoms, np.int64),
        strengths=np.empty(num_atoms),
        judged=np.zeros(num_atoms, np.bool_),
        changed=np.empty(room, np.int64),
        steps=np.empty(room, dtype),
        before=np.empty(room),
        slope=np.empty(room),
        direction=np.empty(room),
        trial=np.empty(room),
        half=np.empty(room),
        factor=factor,
        working=WorkingSet(
            atoms=np.empty(room, np.int64),
            inside=np.zeros(num_atoms, np.bool_),
            place=np.empty(num_atoms, np.int64),
            gram=gram.reshape(room, room),
            gathered=np.empty(room, np.int64),
            values=np.empty(room),
            c=np.empty(room),
            support=np.empty(room, np.int64),
            member=np.empty(room, np.bool_),
        ),
    )


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


@compiled
def add_atom(working, size, atom):
    """Add an atom to a working set, if it is not there; return the size."""
    if working.inside[atom]:
        return size
    working.atoms[size], working.place[atom], working.inside[atom], working.gathered[size] = atom, size, True, 0
    return size + 1


@compiled
def begin_at(c, margin, h_first, nonnegative):
    """Return the first h that is asked for, or the least at which all codes are zero if that is larger."""
    highest = 0.0
    for j in range(len(c)):
        highest = max(highest, c[j] if nonnegative else abs(c[j]))
    return max(highest + margin, h_first)


@compiled
def place_reached(working, size, reached, row, atoms, c, accepted):
    """Put the last accepted point on the working set; if it was `accepted` just now, `c` are the correlations there."""
    r, h = reached.residuals[row], reached.h[row]
    for a in range(size):
        working.values[a], working.member[a] = 0.0, False
        working.c[a] = c[working.atoms[a]] if accepted else correlate(atoms[working.atoms[a]], r)
    for a in range(reached.sizes[row]):
        place, code = working.place[reached.supports[row, a]], reached.codes[row, a]
        working.support[a], working.values[place], working.member[place] = place, code, True
        if accepted:
            working.c[place] = h * np.sign(code)


@compiled
def solve_at(working, size, reached, row, x, atoms, gram, h, nonnegative, tol, factor, direction, trial):
    """Solve for the point at h on the working set; return the size of its support."""
    place_reached(working, size, reached, row, atoms, working.c, NO)
    gram_of(atoms, gram, working.atoms, ZERO, size, working.gram)
    working.gathered[:size] = size
    return solve_on(
        x, atoms, working.atoms, size, working.gram, working.values, working.c, h, nonnegative, tol, working.support,
        ZERO, factor, direction, trial, np.empty(len(x)),
    )  # fmt: skip


@compiled
def take_in(working, size, reached, tried, row, c, threshold, nonnegative, most, found, strengths):
    """Add `most` atoms at most with correlations above a threshold to the working set; return its size, and how many.

    Where there is no room for them, the set begins anew with the supports of both points.
    """
    fresh = violators(c, threshold, nonnegative, most, working.inside, found, strengths)
    if size + fresh > len(working.atoms):
        for a in range(size):
            working.inside[working.atoms[a]] = False
        size = ZERO
        for a in range(reached.sizes[row]):
            size = add_atom(working, size, reached.supports[row, a])
        for a in range(tried.sizes[row]):
            size = add_atom(working, size, tried.supports[row, a])
        fresh = violators(c, threshold, nonnegative, most, working.inside, found, strengths)
    for a in range(fresh):
        if size < len(working.atoms):
            size = add_atom(working, size, found[a])
    return size, fresh


@compiled
def try_point(working, size, chosen, tried, row, h, x, atoms, factor, direction, before, changed, steps):
    """Make what is on the working set, at h, the point that is tried, and polish it.

    Returns:
        How many codes changed (which and by how much: `changed`, `steps`), the length of these steps, and that of the
        polishing.
    """
    r, last = tried.residuals[row], 0.0
    for a in range(size):
        before[a] = 0.0
    for a in range(tried.sizes[row]):
        before[working.place[tried.supports[row, a]]] = tried.codes[row, a]
    nonzero = ZERO
    for a in range(chosen):
        code = working.values[working.support[a]]
        if code != 0.0:
            tried.supports[row, nonzero], tried.codes[row, nonzero] = working.atoms[working.support[a]], code
            nonzero += 1
    tried.sizes[row], tried.h[row] = nonzero, h
    residual(x, atoms, tried.supports[row], tried.codes[row], nonzero, r)
    if nonzero == chosen:
        last = polish(atoms, tried.supports[row], tried.codes[row], chosen, h, factor, direction, r)
    moved, length = ZERO, 0.0
    for a in range(size):
        if working.values[a] != before[a]:
            changed[moved], steps[moved] = working.atoms[a], working.values[a] - before[a]
            length += abs(working.values[a] - before[a])
            moved += 1
    return moved, length, last


@compiled
def pursue(
    begin, end, rows, correlations, errors, spread, residuals, done, final, scratch, problem, penalties, most_atoms,
    reached, tried, progress, record, working_set, gram_rows,
):  # fmt: skip
    """Judge the points that `rows[begin:end]` have tried, and follow their paths as far as rows of G can tell.

    `correlations` (of the residuals of `tried`, off by at most `errors`, `spread` being 0; overwritten), `residuals`
    (for the next product) and `done` belong to `rows`. With `most_atoms` > 0 a path ends before more atoms than that
    have codes, and only its end is written down.
    """
    atoms, gram, nonnegative = problem.atoms, problem.gram, problem.nonnegative
    dim = atoms.shape[1]
    found, strengths, judged, working = scratch.found, scratch.strengths, scratch.judged, scratch.working
    changed, steps, before = scratch.changed, scratch.steps, scratch.before
    slope, direction, trial, half, factor = (
        scratch.slope, scratch.direction, scratch.trial, scratch.half, scratch.factor
    )  # fmt: skip
    for place in range(begin, end):
        row = rows[place]
        c, x, r = correlations[place], problem.targets[row], tried.residuals[row]
        size = ZERO
        for a in range(progress.sizes[row]):
            size = add_atom(working, size, progress.working[row, a])
        length, travelled, subtracted, left, known = length_of(r), 0.0, 0, 0.0, ZERO
        if tried.h[row] < 0.0:
            tried.h[row] = begin_at(c, errors[place], 0.5 * penalties[0], nonnegative)
        done[place] = False
        for _ in range(ROUNDS):
            margin = (dim + subtracted + 16) * ROUNDING * (length + travelled) + left
            given_up = progress.attempts[row] >= GIVEN_UP
            accepted = given_up | judge(
                x, r, atoms, c, margin, tried.supports[row], tried.codes[row], tried.sizes[row], 2.0 * tried.h[row],
                nonnegative, problem.tol, problem.kkt_tol, given_up, judged, tried.certificates[row],
            )  # fmt: skip
            if accepted:
                again = not given_up and tried.h[row] == reached.h[row]  # the next point could not be had: a nearer one
                progress.attempts[row] = progress.attempts[row] + 1 if again else 0
                copy_point(tried, reached, row)
                progress.num_certain[row] = record.num_events[row]
                if tried.h[row] == 0.5 * penalties[progress.cursors[row]]:
                    if most_atoms == 0:
                        write_down(record, tried, row, progress.cursors[row])
                    progress.cursors[row] += 1
                if progress.ends[row] or progress.cursors[row] == len(penalties):
                    done[place] = True
                    break
            else:
                progress.attempts[row] += 1
            h_to, chosen = 0.5 * penalties[progress.cursors[row]], reached.sizes[row]
            if progress.attempts[row] < GIVEN_UP:
                for _ in range(ATTEMPTS, progress.attempts[row]):
                    h_to = 0.5 * (h_to + reached.h[row])
            slack = slack_of(tried.codes[row], tried.sizes[row], tried.h[row], problem.tol, problem.kkt_tol)
            threshold = NEAR * h_to if accepted else tried.h[row] + slack
            size, fresh = take_in(
                working, size, reached, tried, row, c, threshold, nonnegative, working_set, found, strengths
            )
            status, h, num_events = STUCK, h_to, progress.num_certain[row]
            if accepted or fresh > 0:
                place_reached(working, size, reached, row, atoms, c, accepted)
                status, h, chosen, num_events = follow(
                    atoms, gram, working, size, chosen, known if accepted else ZERO, factor, half, reached.h[row], h_to,
                    nonnegative, most_atoms, margin, slope, direction, record.events[row], num_events,
                )  # fmt: skip
            if status == STUCK:
                known = ZERO
                h, num_events = h_to, progress.num_certain[row]
                chosen = solve_at(
                    working, size, reached, row, x, atoms, gram, h, nonnegative, 0.5 * slack, factor, direction, trial
                )
                for _ in range(min(abs(chosen - reached.sizes[row]), record.events.shape[1] - num_events)):
                    record.events[row, num_events] = h if chosen > reached.sizes[row] else -h
                    num_events += 1
                if 0 < most_atoms < chosen and progress.attempts[row] + 1 < GIVEN_UP:
                    progress.attempts[row] = max(progress.attempts[row], ATTEMPTS)
                    continue  # nearer
                if 0 < most_atoms < chosen:  # more than one atom joins at once
                    copy_point(reached, tried, row)
                    done[place] = True
                    break
            record.num_events[row], progress.ends[row] = num_events, status == FULL
            moved, far, last = try_point(
                working, size, chosen, tried, row, h, x, atoms, factor, direction, before, changed, steps
            )
            known = chosen if status == REACHED and tried.sizes[row] == chosen else ZERO
            travelled += far
            left += last
            if gram.shape[0] == 0 or moved > gram_rows or (subtracted > 0 and margin > VAGUE * h):
                break
            subtract_rows(gram, changed, steps, moved, c)
            subtracted += moved
        if done[place] and most_atoms > 0:
            write_down(record, tried, row, ZERO)
        for a in range(size):
            progress.working[row, a] = working.atoms[a]
            working.inside[working.atoms[a]] = False
        progress.sizes[row] = size
        for t in range(dim):
            residuals[place, t] = r[t]
