"""Small factorisations, and sums over the atoms of a support, in float64 whatever the atoms are."""

from __future__ import annotations

import numpy as np

from splice_exp.solvers.kernels.compile import compiled

FUSED = 4  # rows of a matrix that are taken in one pass


@compiled
def factorise(gram, support, factor, begin, dependent):
    """Write the Cholesky factor of G_SS, of which rows before `begin` are there; return how many rows it has then.

    That is all, or those before an atom whose squared distance to the span of the former is below `dependent`.
    """
    size = len(support)
    for a in range(begin, size):
        row, entries = factor[a], gram[support[a]]
        for b in range(0, a - a % FUSED, FUSED):
            first, second, third, fourth = factor[b], factor[b + 1], factor[b + 2], factor[b + 3]
            p, q, s, u = entries[support[b]], entries[support[b + 1]], entries[support[b + 2]], entries[support[b + 3]]
            for t in range(b):
                value = row[t]
                p -= value * first[t]
                q -= value * second[t]
                s -= value * third[t]
                u -= value * fourth[t]
            p /= first[b]
            q = (q - p * second[b]) / second[b + 1]
            s = (s - p * third[b] - q * third[b + 1]) / third[b + 2]
            u = (u - p * fourth[b] - q * fourth[b + 1] - s * fourth[b + 2]) / fourth[b + 3]
            row[b], row[b + 1], row[b + 2], row[b + 3] = p, q, s, u
        for b in range(a - a % FUSED, a + 1):
            total = entries[support[b]]
            other = factor[b]
            for t in range(b):
                total -= row[t] * other[t]
            if b < a:
                row[b] = total / other[b]
            elif total < dependent:
                return a
            else:
                row[a] = np.sqrt(total)
    return size


@compiled
def backward(factor, right, size):
    """Solve Lᵀ y = right in place."""
    for a in range(size - 1, -1, -1):
        value = right[a] / factor[a, a]
        right[a] = value
        row = factor[a]
        for t in range(a):
            right[t] -= row[t] * value


@compiled
def forward(factor, right, size):
    """Solve L y = right in place."""
    for a in range(size):
        total = right[a]
        row = factor[a]
        for t in range(a):
            total -= row[t] * right[t]
        right[a] = total / row[a]


@compiled
def residual(x, atoms, working, values, size, r):
    """R = x − w D."""
    for t in range(len(x)):
        r[t] = x[t]
    for a in range(size):
        if values[a] != 0.0:
            subtract_atom(atoms[working[a]], values[a], r)


@compiled
def subtract_atom(atom, value, r):
    """R −= value · atom."""
    for t in range(len(r)):
        r[t] -= value * atom[t]


@compiled
def correlate(atom, r):
    """⟨d, r⟩."""
    total = 0.0
    for t in range(len(r)):
        total += atom[t] * r[t]
    return total


@compiled
def gram_of(atoms, gram, working, begin, end, out):
    """Write rows and columns `begin` … `end` − 1 of G of some atoms: from G of all, or from them in their precision."""
    for a in range(begin, end):
        i = working[a]
        for b in range(a + 1):
            j = working[b]
            if gram.shape[0]:
                entry = gram[i, j]
            else:
                entry = atoms[i, 0] * atoms[j, 0]
                for t in range(1, atoms.shape[1]):
                    entry += atoms[i, t] * atoms[j, t]
            out[a, b] = entry
            out[b, a] = entry


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
def subtract_gram_rows(correlations, gram, atoms, steps, count):
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
