"""The solution path, row by row: follow it on a working set to the next penalty, and let all atoms judge where it led.

A point at which no atom is violated is certified; from there the path goes on. Otherwise the violated atoms join the
working set, and the path is followed once more from the last certified point, after some attempts not so far. Where
atoms depend on each other the path is not a single line: the next point is then solved for directly.
"""

from __future__ import annotations

from splice_exp.solvers.kernels.active_set import VAGUE, length_of, polish, slack_of
from splice_exp.solvers.kernels.compile import ZERO, compiled
from splice_exp.solvers.kernels.homotopy import FULL, REACHED, STUCK, follow
from splice_exp.solvers.kernels.linear_algebra import residual, subtract_rows
from splice_exp.solvers.kernels.looks import ROUNDING, judge
from splice_exp.solvers.kernels.path_points import copy_point, write_down
from splice_exp.solvers.kernels.working_set import add_atom, place_reached, solve_at, take_in

ATTEMPTS = 2  # at following the path to a point, before a nearer one is tried
GIVEN_UP = 20  # attempts, before a point is written down as it is, with a certificate that says so
ROUNDS = 2_000  # points that are tried between two products
NEAR = 0.9  # share of the next h that a correlation must have for its atom to join the working set


@compiled
def begin_at(c, margin, h_first, nonnegative):
    """Return the first h that is asked for, or the least at which all codes are zero if that is larger.

    Args:
        c: Correlations of the target with all atoms, (k,).
        margin: How far each of them may be off.
        h_first: The first h that is asked for.
        nonnegative: Whether codes must be 0 or more: if not, |c| counts.
    """
    highest = 0.0
    for j in range(len(c)):
        highest = max(highest, c[j] if nonnegative else abs(c[j]))
    return max(highest + margin, h_first)


@compiled
def try_point(working, size, chosen, tried, row, h, x, atoms, factor, direction, before, changed, steps):
    """Make what is on the working set, at h, the point that is tried, and polish it.

    Args:
        working: The working set, with the codes of the point.
        size: Number of its atoms.
        chosen: How many of them are in the support.
        tried: The point is written here, in place of the one tried before.
        row: The row of the point.
        h: L / 2 at the point.
        x: The target, (d,).
        atoms: D.
        factor: Cholesky factor of G on the support, packed.
        direction: Memory that is overwritten, as long as the working set.
        before: As `direction`: for the codes that were tried before.
        changed: Indices of atoms whose codes changed are written here.
        steps: By how much they changed is written here.

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
    """Judge the points that `rows[begin:end]` have tried, and follow their paths as far as rows of G allow.

    Args:
        begin: First index in `rows` of the part that this call works on.
        end: Index after its last.
        rows: Rows that are not done, (m,).
        correlations: Of the residuals of `tried`, (m, k); overwritten.
        errors: How far the correlations of a row are off at most, (m,).
        spread: 0: paths begin with an exact product.
        residuals: Those for the next product are written here, (m, d).
        done: Whether a row is done is written here, (m,).
        final: Whether this is the last product; plays no part here.
        scratch: Memory of this thread.
        problem: What is to be solved.
        penalties: L of the points to write down, falling.
        most_atoms: If it is not 0, a path ends before more atoms than that have codes, and only its end is written
            down.
        reached: The last certified point of each row.
        tried: The point of each row that is judged next.
        progress: How far each row is.
        record: What is written down.
        working_set: How many violated atoms a row takes in at once, at most.
        gram_rows: Changed codes up to which correlations are updated by rows of G.
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
