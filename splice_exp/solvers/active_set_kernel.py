r"""The small problems of the active-set method, row by row, compiled for the CPU.

Symbols as in `objective`; one row at a time: x (d,) target, r = x − w D residual, c = D r its correlations with all
atoms, h = L / 2. W is the working set, S ⊆ W the support, G = D Dᵀ. In these symbols the optimum has

    c_i = h sign(w_i) on S,        |c_i| ≤ h elsewhere (c_i ≤ h if nonnegative)

The restricted problem, minimise ½ wᵀ G_WW w − c(0)ᵀ w + h ‖w‖₁ over w in W, is solved exactly: sweeps of coordinate
descent find the support, a Newton step on the support finds the values, and whatever leaves its orthant on the way is
put to zero. Every step lowers the objective, so this ends. Atoms that depend on others of the support have no value of
their own: along such a direction the objective is a line, and it is followed until an atom has left.

References:
    Lawson, Hanson. Solving least squares problems, chapter 23. SIAM 1995 (the active-set method).
    Lee, Battle, Raina, Ng. Efficient sparse coding algorithms. NeurIPS 2006 (its signed form, feature-sign search).
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import numpy as np
from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """Compile on the first call; for later processes the machine code is kept on disk."""
    plain = unwrap(function)  # run-time type checkers wrap functions in what cannot be compiled
    return njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})(plain)


SWEEPS = 12  # of coordinate descent between two Newton steps
SETTLED = 1e-4  # change of a code below which sweeps end
ROUNDS = 60  # of sweeps and Newton steps on one working set
DEPENDENT = 1e-10  # squared distance of a unit atom to the span of others at which it depends on them …
DOUBTFUL = 1e-5  # … and at which float32 cannot tell: then G is computed again in float64
NOTHING = 1e-9  # coefficient of an atom in another that is rounding
SLACK = 0.125  # of the tolerances that a correlation may exceed h by; c is half of a gradient
ROUNDING = 2.0**-24  # unit roundoff of float32
BINS = 64  # of correlations, from the threshold to the largest
LOOKS = 20  # at rows of G, before the next product
FUSED = 4  # rows of the Gram matrix that are added in one pass


@compiled
def sweep(gram, values, gradient, h, tol, nonnegative, only_support):
    """Do one sweep of coordinate descent; return the largest change.

    `gradient` is c on the working set and stays that of `values`. A zero stays zero unless c exceeds h by `tol`: of two
    equal atoms the first wins.
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
            for t in range(size):
                gradient[t] -= step * gram[j, t]
            largest = max(largest, abs(step))
    return largest


@compiled
def move(gram, values, gradient, support, direction, length):
    """Go along a direction on the support, and keep the gradient."""
    for a in range(len(support)):
        j = support[a]
        step = length * direction[a]
        if step != 0.0:
            values[j] += step
            for t in range(len(values)):
                gradient[t] -= step * gram[j, t]


@compiled
def first_zero(values, support, direction):
    """Return how far one can go along a direction until a value is zero, and which of them; (inf, −1) if none is."""
    nearest, place = np.inf, -1
    for a in range(len(support)):
        value = values[support[a]]
        if value * direction[a] < 0.0:
            length = -value / direction[a]
            if length < nearest:
                nearest, place = length, a
    return nearest, place


@compiled
def factorise(gram, support, factor, dependent):
    """Write the Cholesky factor of G_SS; return how many rows it has: all, or those before a dependent atom."""
    size = len(support)
    for a in range(size):
        for b in range(a + 1):
            total = gram[support[a], support[b]]
            for t in range(b):
                total -= factor[a, t] * factor[b, t]
            if a == b:
                if total < dependent:
                    return a
                factor[a, a] = np.sqrt(total)
            else:
                factor[a, b] = total / factor[b, b]
    return size


@compiled
def backward(factor, right, size):
    """Solve Lᵀ y = right in place."""
    for a in range(size - 1, -1, -1):
        right[a] /= factor[a, a]
        for t in range(a):
            right[t] -= factor[a, t] * right[a]


@compiled
def forward(factor, right, size):
    """Solve L y = right in place."""
    for a in range(size):
        total = right[a]
        for t in range(a):
            total -= factor[a, t] * right[t]
        right[a] = total / factor[a, a]


@compiled
def support_of(values, support):
    """Write the places of nonzero values; return how many there are."""
    size = 0
    for j in range(len(values)):
        if values[j] != 0.0:
            support[size] = j
            size += 1
    return size


@compiled
def newton(gram, exact, values, gradient, h, support, factor, direction, trial):
    """Go to the minimum on the support and its orthant; atoms that leave the orthant become zero.

    Returns:
        Whether it got there: an atom that may depend on others needs an `exact` Gram matrix.
    """
    while True:
        size = support_of(values, support)
        chosen = support[:size]
        rank = factorise(gram, chosen, factor, DEPENDENT if exact else DOUBTFUL)
        if rank < size and not exact:
            return False
        if rank < size:  # the direction in which nothing is composed: the atom against its expression by the others
            slope = 0.0
            for a in range(rank):
                direction[a] = gram[chosen[rank], chosen[a]]
            forward(factor, direction, rank)
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
        forward(factor, direction, size)
        backward(factor, direction, size)
        length, place = first_zero(values, chosen, direction)
        if length > 1.0:
            move(gram, values, gradient, chosen, direction, 1.0)
            return True
        # Put to zero all that would change sign, if that goes down; else go to the first zero only.
        change = 0.0
        for a in range(size):
            j = chosen[a]
            trial[a] = direction[a]
            if (values[j] + direction[a]) * values[j] <= 0.0:
                trial[a] = -values[j]
            change += trial[a] * (h * np.sign(values[j]) - gradient[j])
        for a in range(size):
            if trial[a] != 0.0:
                for b in range(size):
                    change += 0.5 * trial[a] * trial[b] * gram[chosen[a], chosen[b]]
        if change < 0.0:
            for a in range(size):
                left = trial[a] == -values[chosen[a]]
                step = trial[a]
                j = chosen[a]
                if step != 0.0:
                    for t in range(len(values)):
                        gradient[t] -= step * gram[j, t]
                values[j] = 0.0 if left else values[j] + step
        else:
            move(gram, values, gradient, chosen, direction, length)
            values[chosen[place]] = 0.0


@compiled
def solve_restricted(gram, exact, values, gradient, h, nonnegative, tol, support, factor, direction, trial):
    """Solve the restricted problem from `values`; return whether that was possible with this Gram matrix."""
    for _ in range(ROUNDS):
        sweep(gram, values, gradient, h, tol, nonnegative, False)
        for _ in range(SWEEPS):
            if sweep(gram, values, gradient, h, tol, nonnegative, True) < SETTLED:
                break
        if not newton(gram, exact, values, gradient, h, support, factor, direction, trial):
            return False
        worst = 0.0
        for j in range(len(values)):
            if values[j] == 0.0:
                worst = max(worst, gradient[j] if nonnegative else abs(gradient[j]))
        if worst <= h + tol:
            break
    return True


@compiled
def violators(correlations, threshold, nonnegative, most, found, strengths):
    """Write the places of about the `most` largest correlations above a threshold, ascending; return how many."""
    count, largest = 0, threshold
    for j in range(len(correlations)):
        value = correlations[j] if nonnegative else abs(correlations[j])
        if value > threshold:
            found[count] = j
            strengths[count] = value
            largest = max(largest, value)
            count += 1
    if count <= most:
        return count
    bins = np.zeros(BINS + 1, np.int64)
    width = (largest - threshold) / BINS
    for place in range(count):
        bins[min(BINS, int((strengths[place] - threshold) / width))] += 1
    lowest, kept = BINS, bins[BINS]
    while kept + bins[lowest - 1] <= most:
        lowest -= 1
        kept += bins[lowest]
    if kept < most // 2:  # one bin holds too many: take some of them
        lowest -= 1
    kept = 0
    for place in range(count):
        if min(BINS, int((strengths[place] - threshold) / width)) >= lowest and kept < most:
            found[kept] = found[place]
            kept += 1
    return kept


@compiled
def add_gram_rows(correlations, gram, atoms, steps, count):
    """Correlations −= steps · G[atoms], a few rows at a time."""
    k = len(correlations)
    whole = count - count % FUSED
    for at in range(0, whole, FUSED):
        first, second, third, fourth = gram[atoms[at]], gram[atoms[at + 1]], gram[atoms[at + 2]], gram[atoms[at + 3]]
        a, b, c, d = steps[at], steps[at + 1], steps[at + 2], steps[at + 3]
        for i in range(k):
            correlations[i] -= a * first[i] + b * second[i] + c * third[i] + d * fourth[i]
    for at in range(whole, count):
        row, step = gram[atoms[at]], steps[at]
        for i in range(k):
            correlations[i] -= step * row[i]


@compiled
def residual(x, atoms, working, values, size, r):
    """R = x − w D in float64."""
    for t in range(len(x)):
        r[t] = x[t]
    for a in range(size):
        atom = atoms[working[a]]
        value = values[a]
        for t in range(len(x)):
            r[t] -= value * atom[t]


@compiled
def correlate(atom, r):
    """⟨d, r⟩ in float64."""
    total = 0.0
    for t in range(len(r)):
        total += atom[t] * r[t]
    return total


@compiled
def polish(atoms, gram, factor, working, values, size, h, support, direction, r):
    """Do one Newton step on the support with correlations in float64, if no sign changes; keep the residual."""
    for a in range(size):
        support[a] = a
        direction[a] = correlate(atoms[working[a]], r) - h * np.sign(values[a])
    if factorise(gram, support[:size], factor, DEPENDENT) < size:
        return
    forward(factor, direction, size)
    backward(factor, direction, size)
    for a in range(size):
        if values[a] * (values[a] + direction[a]) <= 0.0:
            return
    for a in range(size):
        values[a] += direction[a]
        atom = atoms[working[a]]
        for t in range(len(r)):
            r[t] -= direction[a] * atom[t]


@compiled
def gram_of(atoms, gram, working, size, out):
    """Write G of some atoms, from G of all or, in their precision, from the atoms."""
    for a in range(size):
        i = working[a]
        for b in range(a + 1):
            j = working[b]
            if gram.shape[0]:
                out[a, b] = gram[i, j]
            else:
                total = atoms[i, 0] * atoms[j, 0]
                for t in range(1, atoms.shape[1]):
                    total += atoms[i, t] * atoms[j, t]
                out[a, b] = total
            out[b, a] = out[a, b]


@compiled
def exact_gram_of(atoms, working, size, out):
    """Write G of some atoms in float64."""
    for a in range(size):
        for b in range(a + 1):
            total = 0.0
            for t in range(atoms.shape[1]):
                total += np.float64(atoms[working[a], t]) * np.float64(atoms[working[b], t])
            out[a, b] = total
            out[b, a] = total


@compiled
def judge(x, atoms, c, support, values, size, l1_penalty, nonnegative, tol, kkt_tol, final, member, r, certificate):
    """Certify a row in float64 from its codes and a float32 product of its residual with the dictionary.

    The rounding of the product is bounded: |fl(⟨d, r⟩) − ⟨d, r⟩| ≤ γ ‖r‖ for unit atoms, γ = (d + 8) 2⁻²⁴. What this
    bound leaves in doubt is computed again in float64. A row with an atom that is violated beyond doubt is not done;
    only a `final` judgement measures how far it is off.

    Returns:
        Whether the row is done; `certificate` is its duality gap and its KKT violation.

    References:
        Higham. Accuracy and stability of numerical algorithms, 2nd ed., section 3.1. SIAM 2002 (the bound).
    """
    residual(x, atoms, support, values, size, r)
    r_dot_r, r_dot_x, norm = 0.0, 0.0, 0.0
    for t in range(len(x)):
        r_dot_r += r[t] * r[t]
        r_dot_x += r[t] * x[t]
    margin = (len(x) + 8) * ROUNDING * np.sqrt(r_dot_r)
    largest = 0.0
    for j in range(len(c)):
        largest = max(largest, c[j] if nonnegative else abs(c[j]))
    if largest > 0.5 * (l1_penalty + kkt_tol) + margin and not final:
        return False
    steepest, worst = 0.0, 0.0
    for a in range(size):
        member[support[a]] = True
        twice = 2.0 * correlate(atoms[support[a]], r)
        worst = max(worst, abs(twice - l1_penalty * np.sign(values[a])))
        steepest = max(steepest, twice if nonnegative else abs(twice))
        norm += abs(values[a])
    doubtful = max(0.5 * l1_penalty - margin, largest - 2.0 * margin)
    if largest >= doubtful:
        for j in range(len(c)):
            if (c[j] if nonnegative else abs(c[j])) >= doubtful and not member[j]:
                twice = 2.0 * correlate(atoms[j], r)
                twice = twice if nonnegative else abs(twice)
                steepest = max(steepest, twice)
                worst = max(worst, twice - l1_penalty)
    for a in range(size):
        member[support[a]] = False
    feasible = l1_penalty / steepest if steepest > l1_penalty else np.inf
    scale = max(0.0, min(r_dot_x / max(r_dot_r, 1e-300), feasible))
    gap = (1.0 - scale) ** 2 * r_dot_r + l1_penalty * norm - 2.0 * scale * (r_dot_x - r_dot_r)
    certificate[0], certificate[1] = max(gap, 0.0), worst
    return worst <= kkt_tol and (gap <= tol or l1_penalty == 0.0)


@compiled
def advance(
    begin, end, rows, targets, atoms, gram, correlations, l1_penalty, nonnegative, tol, kkt_tol, final, most, gram_rows,
    supports, sizes, codes, certificates, residuals, done,
):  # fmt: skip
    """Judge some rows, and bring those that are not done to the optimum among their support and violated atoms.

    Where G is at hand and few codes changed, atoms that became violated are found by rows of G, again and again;
    otherwise the next product with the dictionary will find them.

    The call works on `rows[begin:end]`. `targets`, `supports`, `sizes`, `codes` and `certificates` belong to all rows,
    the last four are updated; `correlations`, `residuals` and `done` belong to `rows`, the first is read and
    overwritten, the others are written. `gram` is G, or (0, 0). This is the last look if it is `final`; `most` violated
    atoms are taken in at once, and rows of G are added for at most `gram_rows` changed codes.
    """
    k, dim = atoms.shape
    room = supports.shape[1]
    h, slack = 0.5 * l1_penalty, SLACK * min(tol, kkt_tol)
    found, strengths, member = np.empty(k, np.int64), np.empty(k, correlations.dtype), np.zeros(k, np.bool_)
    working, support, changed = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    values, start, gradient = np.empty(room), np.empty(room), np.empty(room)
    direction, trial, steps = np.empty(room), np.empty(room), np.empty(room, correlations.dtype)
    gram_space, factor_space = np.empty(room * room), np.empty(room * room)
    r = np.empty(dim)
    for place in range(begin, end):
        row = rows[place]
        c, x, size = correlations[place], targets[row], sizes[row]
        done[place] = judge(
            x, atoms, c, supports[row], codes[row], size, l1_penalty, nonnegative, tol, kkt_tol, final, member, r,
            certificates[row],
        )  # fmt: skip
        if done[place] or final:
            continue
        for a in range(size):
            working[a], values[a] = supports[row, a], codes[row, a]
        for _ in range(LOOKS):
            count = violators(c, h + slack, nonnegative, min(most, room - size), found, strengths)
            n = size
            for a in range(size):
                member[working[a]] = True
            for a in range(count):
                if not member[found[a]]:
                    working[n], values[n] = found[a], 0.0
                    n += 1
            for a in range(size):
                member[working[a]] = False
            for a in range(n):
                gradient[a], start[a] = c[working[a]], values[a]
            g, factor = gram_space[: n * n].reshape((n, n)), factor_space[: n * n].reshape((n, n))
            gram_of(atoms, gram, working, n, g)
            if not solve_restricted(
                g, False, values[:n], gradient[:n], h, nonnegative, 0.5 * slack, support, factor, direction, trial
            ):
                exact_gram_of(atoms, working, n, g)
                residual(x, atoms, working, values, n, r)
                for a in range(n):
                    gradient[a] = correlate(atoms[working[a]], r)
                solve_restricted(
                    g, True, values[:n], gradient[:n], h, nonnegative, 0.5 * slack, support, factor, direction, trial
                )
            moved = 0
            for a in range(n):
                if values[a] != start[a]:
                    changed[moved], steps[moved] = working[a], values[a] - start[a]
                    moved += 1
            size = 0
            for a in range(n):
                if values[a] != 0.0:
                    working[size], values[size] = working[a], values[a]
                    size += 1
            if count == 0 or moved == 0 or gram.shape[0] == 0 or moved > gram_rows:
                break
            add_gram_rows(c, gram, changed, steps, moved)
        residual(x, atoms, working, values, size, r)
        g, factor = gram_space[: size * size].reshape((size, size)), factor_space[: size * size].reshape((size, size))
        gram_of(atoms, gram, working, size, g)
        polish(atoms, g, factor, working, values, size, h, support, direction, r)
        order = np.argsort(working[:size])
        for a in range(size):
            supports[row, a], codes[row, a] = working[order[a]], values[order[a]]
        sizes[row] = size
        for t in range(dim):
            residuals[place, t] = r[t]


@compiled
def pack(supports, codes, starts, sizes, indices, values):
    """Write rows of supports and codes one after the other."""
    for row in range(len(sizes)):
        for a in range(sizes[row]):
            indices[starts[row] + a] = supports[row, a]
            values[starts[row] + a] = codes[row, a]
