"""The lasso on a working set, solved exactly.

Minimise ½ wᵀ G_WW w − c(0)ᵀ w + h ‖w‖₁ over w in W: sweeps of coordinate descent find the support, a Newton step on the
support finds the values, and whatever leaves its orthant on the way is put to zero. Every step lowers the objective, so
this ends. Atoms that depend on others of the support have no unique value: along such a direction the objective
is a line, and it is followed until an atom has left.

References:
    Lawson, Hanson. Solving least squares problems, chapter 23. SIAM 1995 (the active-set method).
    Lee, Battle, Raina, Ng. Efficient sparse coding algorithms. NeurIPS 2006 (its signed form, feature-sign search).
"""

from __future__ import annotations

import numpy as np

from splice_exp.solvers.kernels.compile import NO, YES, ZERO, compiled
from splice_exp.solvers.kernels.linear_algebra import backward, correlate, exact_gram_of, factorise, forward, residual

SWEEPS = 30  # of coordinate descent between two Newton steps
SETTLED = 1e-4  # change of a code below which sweeps end
ROUNDS = 60  # of sweeps and Newton steps on one working set
DEPENDENT = 1e-10  # squared distance of a unit atom to the span of others at which it depends on them …
DOUBTFUL = 1e-5  # … and at which float32 cannot decide: then G is computed again in float64
NOTHING = 1e-9  # coefficient of an atom in another that is rounding


@compiled
def sweep(gram, values, gradient, h, tol, nonnegative, only_support):
    """Do one sweep of coordinate descent; return the largest change of a code.

    A zero stays zero unless c exceeds h by `tol`: of two equal atoms the first wins.

    Args:
        gram: G on the working set, (m, m) or larger.
        values: Codes on the working set, (m,); changed in place.
        gradient: c on the working set, (m,); it stays that of `values`.
        h: L / 2.
        tol: By how much c must exceed h for a zero code to change.
        nonnegative: Whether codes must be 0 or more.
        only_support: Whether all zeros stay zero.
    """
    size = len(values)
    largest = 0.0
    for j in range(size):
        old = values[j]
        if old == 0.0 and (only_support or (gradient[j] if nonnegative else abs(gradient[j])) <= h + tol):
            continue
        diagonal = gram[j, j]
        at = gradient[j] + diagonal * old
        if at > h:
            new = (at - h) / diagonal
        elif at < -h and not nonnegative:
            new = (at + h) / diagonal
        else:
            new = 0.0
        step = new - old
        if step != 0.0:
            values[j] = new
            row = gram[j]
            for t in range(size):
                gradient[t] -= step * row[t]
            largest = max(largest, abs(step))
    return largest


@compiled
def move(gram, values, gradient, support, direction, length):
    """Go along a direction on the support, and keep the gradient.

    Args:
        gram: G on the working set.
        values: Codes on the working set; changed in place.
        gradient: c on the working set; it stays that of `values`.
        support: Positions of the support in the working set, (s,).
        direction: Change of each of its codes at length 1, (s,) or longer.
        length: How far to go.
    """
    for a in range(len(support)):
        j = support[a]
        step = length * direction[a]
        if step != 0.0:
            values[j] += step
            row = gram[j]
            for t in range(len(values)):
                gradient[t] -= step * row[t]


@compiled
def first_zero(values, support, direction):
    """Return how far one can go along a direction until a code is zero, and which of them; (inf, −1) if none is.

    Args:
        values: Codes on the working set.
        support: Positions of the support in the working set, (s,).
        direction: Change of each of its codes at length 1.
    """
    nearest, place = np.inf, -1
    for a in range(len(support)):
        value = values[support[a]]
        if value * direction[a] < 0.0:
            length = -value / direction[a]
            if length < nearest:
                nearest, place = length, a
    return nearest, place


@compiled
def project(gram, values, gradient, h, support, direction, share, trial):
    """Write the step that goes a share of a direction, codes that would change sign to zero.

    Return the change of the objective, −⟨c − h s, p⟩ + ½ pᵀ G_SS p for the step p and the signs s.

    Args:
        gram: G on the working set.
        values: Codes on the working set.
        gradient: c on the working set.
        h: L / 2.
        support: Positions of the support in the working set, (s,).
        direction: Change of each of its codes at share 1.
        share: How much of the direction is taken.
        trial: The step p is written here, one entry per code of the support.
    """
    size, change = len(support), 0.0
    for a in range(size):
        value, step = values[support[a]], share * direction[a]
        trial[a] = step if (value + step) * value > 0.0 else -value
        change += trial[a] * (h * np.sign(value) - gradient[support[a]])
    for a in range(size):
        row, total = gram[support[a]], 0.0
        for b in range(size):
            total += row[support[b]] * trial[b]
        change += 0.5 * trial[a] * total
    return change


@compiled
def support_of(values, support, known):
    """Write the positions of nonzero codes; return how many there are, and how many of the `known` first are the same.

    Args:
        values: Codes on the working set.
        support: The positions are written here, ascending; before, those of an earlier support.
        known: How many of the earlier ones are compared.
    """
    size, same = 0, 0
    for j in range(len(values)):
        if values[j] != 0.0:
            if same == size < known and support[size] == j:
                same += 1
            support[size] = j
            size += 1
    return size, same


@compiled
def newton(gram, exact, values, gradient, h, support, known, factor, direction, trial):
    """Go to the minimum on the support and its orthant; atoms that leave the orthant become zero.

    Args:
        gram: G on the working set.
        exact: Whether `gram` is computed in float64. If not, an atom that may depend on others ends the step.
        values: Codes on the working set; changed in place.
        gradient: c on the working set; it stays that of `values`.
        h: L / 2.
        support: Positions of the support of an earlier step; become those of this one.
        known: Rows of `factor` that are there from the earlier step.
        factor: Cholesky factor of G on the earlier support, packed; becomes that of this one.
        direction: Memory that is overwritten, as long as the working set.
        trial: As `direction`.

    Returns:
        How many rows of `factor` there are: all of the support, or −1 if an atom may depend on others, which needs an
        `exact` Gram matrix.
    """
    while True:
        size, known = support_of(values, support, known)
        chosen = support[:size]
        rank = factorise(gram, chosen, factor, known, DEPENDENT if exact else DOUBTFUL)
        known = rank
        if rank < size and not exact:
            return -1
        if rank < size:  # the direction in which nothing is composed: the atom against its expression by the others
            slope = 0.0
            for a in range(rank):
                direction[a] = gram[chosen[rank], chosen[a]]
            forward(factor, direction, ZERO, rank)
            backward(factor, direction, rank)
            direction[rank] = -1.0
            for a in range(rank + 1, size):
                direction[a] = 0.0
            for a in range(rank + 1):
                j = chosen[a]
                if abs(direction[a]) < NOTHING:
                    direction[a] = 0.0
                slope += direction[a] * (h * np.sign(values[j]) - gradient[j])
            if slope > 0.0:
                for a in range(rank + 1):
                    direction[a] = -direction[a]
            length, place = first_zero(values, chosen, direction)
            if place < 0:  # only rounding makes a slope without an end
                for a in range(rank + 1):
                    direction[a] = -direction[a]
                length, place = first_zero(values, chosen, direction)
            move(gram, values, gradient, chosen, direction, length)
            values[chosen[place]] = 0.0
            continue
        for a in range(size):
            j = chosen[a]
            direction[a] = gradient[j] - h * np.sign(values[j])
        forward(factor, direction, ZERO, size)
        backward(factor, direction, size)
        length, place = first_zero(values, chosen, direction)
        if length > 1.0:
            move(gram, values, gradient, chosen, direction, 1.0)
            return size
        # Put to zero what would change sign if that goes down; else half-way, and so on until the first zero is nearer.
        share = 1.0
        while share > length and project(gram, values, gradient, h, chosen, direction, share, trial) >= 0.0:
            share *= 0.5
        if share > length:
            move(gram, values, gradient, chosen, trial, 1.0)
        else:
            move(gram, values, gradient, chosen, direction, length)
        values[chosen[place]] = 0.0


@compiled
def solve_restricted(gram, exact, values, gradient, h, nonnegative, tol, support, known, factor, direction, trial):
    """Solve the restricted problem from `values`; return what `newton` returned last.

    Args:
        gram: G on the working set.
        exact: Whether `gram` is computed in float64.
        values: Codes on the working set; changed in place.
        gradient: c on the working set; it stays that of `values`.
        h: L / 2.
        nonnegative: Whether codes must be 0 or more.
        tol: By how much c may exceed h where a code is zero.
        support: Positions of the support of an earlier solution; become those of this one.
        known: Rows of `factor` that are there.
        factor: Cholesky factor of G on the support, packed.
        direction: Memory that is overwritten, as long as the working set.
        trial: As `direction`.
    """
    for _ in range(ROUNDS):
        sweep(gram, values, gradient, h, tol, nonnegative, NO)
        for _ in range(SWEEPS):
            if sweep(gram, values, gradient, h, tol, nonnegative, YES) < SETTLED:
                break
        known = newton(gram, exact, values, gradient, h, support, known, factor, direction, trial)
        if known < 0:
            return -1
        worst = 0.0
        for j in range(len(values)):
            if values[j] == 0.0:
                worst = max(worst, gradient[j] if nonnegative else abs(gradient[j]))
        if worst <= h + tol:
            break
    return known


@compiled
def solve_on(
    x, atoms, working, size, gram, values, gradient, h, nonnegative, tol, support, known, factor, direction, trial, r
):
    """Solve the restricted problem on a working set; where float32 does not suffice, in float64.

    Args:
        x: The target, (d,).
        atoms: D.
        working: Indices of the atoms of the working set.
        size: How many there are.
        gram: G on the working set; computed again in float64 where that is needed.
        values: Codes on the working set; changed in place.
        gradient: c on the working set; it stays that of `values`.
        h: L / 2.
        nonnegative: Whether codes must be 0 or more.
        tol: By how much c may exceed h where a code is zero.
        support: Positions of the support of an earlier solution; become those of this one.
        known: Rows of `factor` that are there.
        factor: Cholesky factor of G on the support, packed.
        direction: Memory that is overwritten, as long as the working set.
        trial: As `direction`.
        r: Memory that is overwritten, (d,).

    Returns:
        The size of the support, whose positions are in `support` and whose Cholesky factor is in `factor`.
    """
    known = solve_restricted(
        gram, NO, values[:size], gradient[:size], h, nonnegative, tol, support, known, factor, direction, trial
    )
    if known >= 0:
        return known
    exact_gram_of(atoms, working, size, gram)
    residual(x, atoms, working, values, size, r)
    for a in range(size):
        gradient[a] = correlate(atoms[working[a]], r)
    return solve_restricted(
        gram, YES, values[:size], gradient[:size], h, nonnegative, tol, support, ZERO, factor, direction, trial
    )
