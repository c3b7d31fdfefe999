"""What is seen of a row by its correlations with all atoms: which atoms are violated, and how good its codes are."""

from __future__ import annotations

import numpy as np

from splice_exp.solvers.kernels.compile import compiled
from splice_exp.solvers.kernels.linear_algebra import correlate

ROUNDING = 2.0**-24  # unit roundoff of float32
BLOCK = 64  # correlations that are compared before one is looked at
BINS = 64  # of correlations, from the threshold to the largest


@compiled
def any_above(c, begin, end, threshold, nonnegative):
    """Say whether one of some correlations is above a threshold.

    Args:
        c: Correlations, (k,).
        begin: Index of the first.
        end: Index after the last.
        threshold: What they are compared with.
        nonnegative: Whether codes must be 0 or more: if not, |c| counts.
    """
    above = 0
    for j in range(begin, end):
        above += (c[j] if nonnegative else abs(c[j])) > threshold
    return above > 0


@compiled
def largest(c):
    """Return max |c_j|."""
    most = 0.0
    for j in range(len(c)):
        most = max(most, abs(c[j]))
    return most


@compiled
def violators(c, threshold, nonnegative, most, member, found, strengths):
    """Write atoms, no members, with about the `most` largest correlations above a threshold; return how many.

    Args:
        c: Correlations of the residual with all atoms, (k,).
        threshold: What they are compared with.
        nonnegative: Whether codes must be 0 or more: if not, |c| counts.
        most: How many atoms to write at most.
        member: Whether an atom is to be left out, (k,).
        found: Their indices are written here, ascending; has room for k.
        strengths: Memory that is overwritten, (k,).
    """
    count, strongest = 0, threshold
    for begin in range(0, len(c), BLOCK):
        end = min(begin + BLOCK, len(c))
        if not any_above(c, begin, end, threshold, nonnegative):
            continue
        for j in range(begin, end):
            value = c[j] if nonnegative else abs(c[j])
            if value > threshold and not member[j]:
                found[count], strengths[count] = j, value
                strongest = max(strongest, value)
                count += 1
    if count <= most:
        return count
    bins = np.zeros(BINS + 1, np.int64)
    width = (strongest - threshold) / BINS
    for place in range(count):
        bins[min(BINS, int((strengths[place] - threshold) / width))] += 1
    lowest, kept = BINS, bins[BINS]
    while kept + bins[lowest - 1] <= most:
        lowest -= 1
        kept += bins[lowest]
    if kept < max(1, most // 2):  # one bin holds too many: take some of them
        lowest -= 1
    kept = 0
    for place in range(count):
        if min(BINS, int((strengths[place] - threshold) / width)) >= lowest and kept < most:
            found[kept] = found[place]
            kept += 1
    return kept


@compiled
def violators_nearby(atoms, r, c, safe, threshold, nonnegative, most, member, found, strengths):
    """Write atoms that are violated, where `c` are correlations of an earlier residual; return how many there are.

    |⟨d, r⟩ − ⟨d, r'⟩| ≤ ‖r − r'‖: an atom whose earlier correlation is at most `safe` = h − ‖r − r'‖ is none. Of the
    others, correlations with r are computed, unless there are more than `most` of them: then −1 is returned.

    Args:
        atoms: D.
        r: The residual, (d,).
        c: Correlations of an earlier residual r' with all atoms, (k,).
        safe: Earlier correlation up to which an atom cannot be violated.
        threshold: Above it, a correlation with r is a violation.
        nonnegative: Whether codes must be 0 or more: if not, absolute values count.
        most: How many atoms to compute correlations of at most.
        member: Whether an atom is to be left out, (k,).
        found: Indices of violated atoms are written here, ascending.
        strengths: Their correlations with r are written here.
    """
    near = 0
    for begin in range(0, len(c), BLOCK):
        for j in range(begin, min(begin + BLOCK, len(c))):
            near += (c[j] if nonnegative else abs(c[j])) > safe and not member[j]
        if near > most:
            return -1
    count = 0
    for begin in range(0, len(c), BLOCK):
        end = min(begin + BLOCK, len(c))
        if not any_above(c, begin, end, safe, nonnegative):
            continue
        for j in range(begin, end):
            if (c[j] if nonnegative else abs(c[j])) > safe and not member[j]:
                value = correlate(atoms[j], r)
                if (value if nonnegative else abs(value)) > threshold:
                    found[count], strengths[count] = j, value
                    count += 1
    return count


@compiled
def judge(
    x, r, atoms, c, margin, support, values, size, l1_penalty, nonnegative, tol, kkt_tol, final, member, certificate
):
    """Certify a row in float64 from its codes, its residual and correlations that are off by at most `margin`.

    What this bound leaves in doubt is computed again in float64. A row with an atom that is violated beyond doubt is
    not done; only a `final` judgement measures how far it is off.

    Args:
        x: The target, (d,).
        r: The residual, (d,).
        atoms: D.
        c: Correlations of r with all atoms, (k,).
        margin: How far each of them may be off.
        support: Indices of the atoms with codes.
        values: Their codes.
        size: How many there are.
        l1_penalty: L.
        nonnegative: Whether codes must be 0 or more.
        tol: Largest duality gap of a row that is done.
        kkt_tol: Its largest KKT violation.
        final: Whether to measure the violation of a row that is not done.
        member: Memory that is overwritten, (k,): all False before and after.
        certificate: Duality gap and KKT violation are written here, (2,), unless an atom is violated beyond doubt and
            the judgement is not final.

    Returns:
        Whether the row is done.
    """
    doubtful, violated = 0.5 * l1_penalty - margin, 0.5 * (l1_penalty + kkt_tol) + margin
    for a in range(size):
        member[support[a]] = True
    steepest, worst, clear = 0.0, 0.0, True
    for begin in range(0, len(c), BLOCK):
        end = min(begin + BLOCK, len(c))
        if not any_above(c, begin, end, doubtful, nonnegative):
            continue
        for j in range(begin, end):
            value = c[j] if nonnegative else abs(c[j])
            if value <= doubtful or member[j]:
                continue
            clear = clear and value <= violated
            if not clear and not final:
                break
            twice = 2.0 * correlate(atoms[j], r)
            twice = twice if nonnegative else abs(twice)
            steepest, worst = max(steepest, twice), max(worst, twice - l1_penalty)
        if not clear and not final:
            break
    for a in range(size):
        member[support[a]] = False
    if not clear and not final:
        return False
    r_dot_r, r_dot_x, norm = 0.0, 0.0, 0.0
    for t in range(len(x)):
        r_dot_r += r[t] * r[t]
        r_dot_x += r[t] * x[t]
    for a in range(size):
        twice = 2.0 * correlate(atoms[support[a]], r)
        worst = max(worst, abs(twice - l1_penalty * np.sign(values[a])))
        steepest = max(steepest, twice if nonnegative else abs(twice))
        norm += abs(values[a])
        if nonnegative and values[a] < 0.0:
            worst = np.inf
    # Atoms that were passed over are known to be feasible for r itself, and for nothing longer.
    feasible = l1_penalty / steepest if steepest > l1_penalty else 1.0
    scale = max(0.0, min(r_dot_x / max(r_dot_r, 1e-300), feasible))
    gap = (1.0 - scale) ** 2 * r_dot_r + l1_penalty * norm - 2.0 * scale * (r_dot_x - r_dot_r)
    certificate[0], certificate[1] = max(gap, 0.0), worst
    return worst <= kkt_tol and (gap <= tol or l1_penalty == 0.0)
