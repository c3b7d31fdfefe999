"""The active-set method, row by row: certify a row, or bring it to the optimum among its support and violated atoms.

After a change, atoms that became violated are found without a product where that is cheaper: by rows of G if few codes
changed, or one by one if the residual r has hardly moved, since ⟨d, r⟩ moves no more than r does. A row in which none
is left is certified by the same bounds; otherwise the next product with the dictionary decides.

The rounding of float32 correlations is bounded: for unit atoms a product is off by at most γ ‖r‖, and after m
subtractions of rows of G, in all of length T, by (γ + m 2⁻²⁴)(‖r‖ + T), with γ = (d + 16) 2⁻²⁴. A first
product in bfloat16 is off by more, see `rounds.multiply_coarsely`: that `blur` stays in all looks at it, and what it
leaves open is computed again.

References:
    Higham. Accuracy and stability of numerical algorithms, 2nd ed., section 3.1. SIAM 2002 (the bound).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from splice_exp.solvers.kernels.compile import ZERO, compiled
from splice_exp.solvers.kernels.linear_algebra import (
    backward,
    correlate,
    forward,
    gram_of,
    in_large_pages,
    packed_size,
    residual,
    subtract_atom,
    subtract_rows,
)
from splice_exp.solvers.kernels.looks import ROUNDING, judge, largest, violators, violators_nearby
from splice_exp.solvers.kernels.restricted import solve_on

SLACK = 0.125  # of what the tolerances allow a correlation to exceed h by
VAGUE = 0.02  # share of h up to which correlations may be uncertain, before the next product
LOOKS = 20  # at rows of G, before the next product
GROWTH = 3  # working sets that a row takes in before the next product
NEARBY = 32  # the share of atoms, one in so many, that are looked at one by one rather than by a product


class Problem(NamedTuple):
    """What is to be solved, and when a row is done.

    Attributes:
        targets: X, (n, d).
        atoms: D, (k, d).
        gram: G, (k, k), or (0, 0) where it is not kept.
        l1_penalty: L of each row, (n,); empty for paths, whose points have their own penalties.
        nonnegative: Whether codes must be 0 or more.
        tol: Largest duality gap of a row that is done.
        kkt_tol: Its largest KKT violation.
    """

    targets: Any
    atoms: Any
    gram: Any
    l1_penalty: Any
    nonnegative: Any
    tol: Any
    kkt_tol: Any


class Answer(NamedTuple):
    """What is known of all rows.

    Attributes:
        supports: Indices of the atoms with codes, the first `sizes` of each row, (n, room).
        codes: Their codes, likewise, (n, room).
        sizes: Number of codes of each row, (n,).
        residuals: x − w D, (n, d) float64.
        certificates: Duality gap and KKT violation, (n, 2).
    """

    supports: Any
    codes: Any
    sizes: Any
    residuals: Any
    certificates: Any


class Scratch(NamedTuple):
    """Memory of one thread, for k atoms and working sets of up to `room` of them.

    Attributes:
        found: Indices of violated atoms, (k,).
        strengths: Their correlations, (k,).
        member: Whether an atom is in the working set, (k,); False of all when a row begins.
        working: Indices of the atoms of the working set, (room,).
        support: Positions of the support in the working set, (room,).
        changed: Indices of atoms whose codes changed, (room,).
        steps: By how much they changed, (room,), in the type of the atoms.
        values: Codes on the working set, (room,).
        start: These codes before they were solved for, (room,).
        gradient: c on the working set, (room,).
        direction: Of a Newton step, (room,).
        trial: A step that ends in the orthant, (room,).
        seen: The residual that the correlations belong to, (d,).
        gram: G on the working set, (room²,).
        factor: Cholesky factor of G on the support, packed.
    """

    found: Any
    strengths: Any
    member: Any
    working: Any
    support: Any
    changed: Any
    steps: Any
    values: Any
    start: Any
    gradient: Any
    direction: Any
    trial: Any
    seen: Any
    gram: Any
    factor: Any


def make_scratch(num_atoms, dim, room, dtype):
    """Make the memory of one thread.

    Args:
        num_atoms: k.
        dim: d.
        room: Number of atoms that a working set may have.
        dtype: NumPy type of the atoms.
    """
    gram, factor = in_large_pages(room * room, packed_size(room))
    return Scratch(
        found=np.empty(num_atoms, np.int64),
        strengths=np.empty(num_atoms),
        member=np.zeros(num_atoms, np.bool_),
        working=np.empty(room, np.int64),
        support=np.empty(room, np.int64),
        changed=np.empty(room, np.int64),
        steps=np.empty(room, dtype),
        values=np.empty(room),
        start=np.empty(room),
        gradient=np.empty(room),
        direction=np.empty(room),
        trial=np.empty(room),
        seen=np.empty(dim),
        gram=gram,
        factor=factor,
    )


@compiled
def slack_of(values, size, h, tol, kkt_tol):
    """Return by how much a correlation may exceed h, such that the row can still be certified.

    A gradient that is violated by v is a KKT violation of v, and a duality gap of v ‖w‖₁ + (v / L)² ‖r‖² at most; c is
    half of a gradient.

    Args:
        values: The codes of the row.
        size: How many there are.
        h: L / 2.
        tol: Largest duality gap of a row that is done.
        kkt_tol: Its largest KKT violation.
    """
    norm = 1.0
    for a in range(size):
        norm += abs(values[a])
    slack = SLACK * min(kkt_tol, tol / norm)
    return min(slack, SLACK * h * np.sqrt(tol)) if h > 0.0 else slack


@compiled
def length_of(r):
    """Return ‖r‖."""
    total = 0.0
    for t in range(len(r)):
        total += r[t] * r[t]
    return np.sqrt(total)


@compiled
def polish(atoms, working, values, size, h, factor, direction, r):
    """Do one Newton step on the support with correlations in float64, if no sign changes; return its ℓ1 length.

    Args:
        atoms: D.
        working: Indices of the atoms of the support.
        values: Their codes; changed in place.
        size: How many there are.
        h: L / 2.
        factor: Cholesky factor of G on the support, packed, in the same order.
        direction: Memory that is overwritten, as long as the support.
        r: The residual, (d,); it stays that of `values`.
    """
    for a in range(size):
        direction[a] = correlate(atoms[working[a]], r) - h * np.sign(values[a])
    forward(factor, direction, ZERO, size)
    backward(factor, direction, size)
    for a in range(size):
        if values[a] * (values[a] + direction[a]) <= 0.0:
            return 0.0
    length = 0.0
    for a in range(size):
        values[a] += direction[a]
        length += abs(direction[a])
        subtract_atom(atoms[working[a]], direction[a], r)
    return length


@compiled
def distance(first, second):
    """Return ‖first − second‖.

    Args:
        first: A vector.
        second: Another of the same length.
    """
    total = 0.0
    for t in range(len(first)):
        total += (first[t] - second[t]) ** 2
    return np.sqrt(total)


@compiled
def advance(
    begin,
    end,
    rows,
    correlations,
    errors,
    spread,
    residuals,
    done,
    final,
    scratch,
    problem,
    answer,
    working_set,
    gram_rows,
):
    """Judge `rows[begin:end]` and, unless this is the `final` look, work on those that are not done.

    Args:
        begin: First index in `rows` of the part that this call works on.
        end: Index after its last.
        rows: Rows that are not done, (m,).
        correlations: Of the residuals in `answer` with all atoms, (m, k); overwritten.
        errors: How far the correlations of a row are off at most, (m,) …
        spread: … and, beside that, this share of the largest of them; 0 unless the product was coarse.
        residuals: Those for the next product are written here, (m, d).
        done: Whether a row is done is written here, (m,).
        final: Whether this is the last look: rows are certified as they are.
        scratch: Memory of this thread.
        problem: What is to be solved.
        answer: What is known of all rows; that of these rows is changed.
        working_set: How many violated atoms a row takes in at once, at most.
        gram_rows: Changed codes up to which rows of G are subtracted.
    """
    atoms, gram, nonnegative = problem.atoms, problem.gram, problem.nonnegative
    tol, kkt_tol = problem.tol, problem.kkt_tol
    k, dim = atoms.shape
    room = answer.supports.shape[1]
    found, strengths, member, seen = scratch.found, scratch.strengths, scratch.member, scratch.seen
    working, support, changed, steps = scratch.working, scratch.support, scratch.changed, scratch.steps
    values, start, gradient = scratch.values, scratch.start, scratch.gradient
    direction, trial, factor = scratch.direction, scratch.trial, scratch.factor
    for place in range(begin, end):
        row = rows[place]
        c, x, r = correlations[place], problem.targets[row], answer.residuals[row]
        size, l1_penalty, certificate = answer.sizes[row], problem.l1_penalty[row], answer.certificates[row]
        atoms_of, codes_of = answer.supports[row], answer.codes[row]
        length, error = length_of(r), errors[place]
        if spread > 0.0:
            error += spread * largest(c)
        done[place] = judge(
            x, r, atoms, c, error, atoms_of, codes_of, size, l1_penalty, nonnegative, tol,
            kkt_tol, final, member, certificate,
        )  # fmt: skip
        if done[place] or final:
            continue
        h = 0.5 * l1_penalty
        blur = error if spread > 0.0 else 0.0  # of a coarse product, in all looks at it
        capacity = min(room, size + GROWTH * working_set)
        g = scratch.gram[: capacity * capacity].reshape((capacity, capacity))
        for a in range(size):
            working[a], values[a], gradient[a] = atoms_of[a], codes_of[a], c[atoms_of[a]]
            member[working[a]] = True
        for t in range(dim):
            seen[t] = r[t]  # the residual of which c are the correlations, and how far the present one is from it
        n, gathered, known, travelled, subtracted, apart, settled = size, ZERO, ZERO, 0.0, 0, 0.0, False
        for look in range(LOOKS):
            slack = slack_of(values, n, h, tol, kkt_tol)
            margin = (dim + subtracted + 16) * ROUNDING * (length + travelled)
            if subtracted > 0 and margin > VAGUE * h:
                break
            if look == 0 or apart + blur == 0.0:
                count = violators(c, h + slack, nonnegative, min(working_set, capacity - n), member, found, strengths)
            else:
                count = violators_nearby(
                    atoms, r, c, h - apart - blur - margin, h + slack, nonnegative, k // NEARBY, member, found,
                    strengths,
                )  # fmt: skip
            if count < 0:
                break
            for a in range(count):
                if n < capacity:
                    working[n], values[n] = found[a], 0.0
                    if look == 0 and blur > 0.0:
                        gradient[n] = correlate(atoms[found[a]], r)
                    elif apart + blur > 0.0:
                        gradient[n] = strengths[a]
                    else:
                        gradient[n] = c[found[a]]
                    member[found[a]] = True
                    n += 1
            if n == gathered:
                settled = True
                break
            gram_of(atoms, gram, working, gathered, n, g)
            gathered = n
            for a in range(n):
                start[a] = values[a]
            known = solve_on(
                x, atoms, working, n, g, values, gradient, h, nonnegative, 0.5 * slack, support, known, factor,
                direction, trial, r,
            )  # fmt: skip
            moved = ZERO
            for a in range(n):
                if values[a] != start[a]:
                    changed[moved], steps[moved] = working[a], values[a] - start[a]
                    travelled += abs(values[a] - start[a])
                    moved += 1
            residual(x, atoms, working, values, n, r)
            if apart == 0.0 and gram.shape[0] > 0 and moved <= gram_rows:
                subtract_rows(gram, changed, steps, moved, c)
                subtracted += moved
                for t in range(dim):
                    seen[t] = r[t]
            else:
                apart = distance(r, seen)
        for a in range(n):
            member[working[a]] = False
        for a in range(known):
            atoms_of[a], codes_of[a] = working[support[a]], values[support[a]]
        answer.sizes[row] = known
        left = polish(atoms, atoms_of, codes_of, known, h, factor, direction, r)
        if settled:
            done[place] = judge(
                x, r, atoms, c, margin + apart + blur + left, atoms_of, codes_of, known, l1_penalty, nonnegative, tol,
                kkt_tol, final, member, certificate,
            )  # fmt: skip
        for t in range(dim):
            residuals[place, t] = r[t]


@compiled
def pack(answer, starts, indices, values):
    """Write supports, ascending, and codes of all rows one after the other.

    Args:
        answer: What is known of all rows.
        starts: Where each row begins, (n + 1,).
        indices: Atoms are written here, one entry per code.
        values: Codes are written here, likewise.
    """
    for row in range(len(answer.sizes)):
        begin = starts[row]
        for a in range(answer.sizes[row]):
            atom, value, at = answer.supports[row, a], answer.codes[row, a], begin + a
            while at > begin and indices[at - 1] > atom:
                indices[at], values[at] = indices[at - 1], values[at - 1]
                at -= 1
            indices[at], values[at] = atom, value
