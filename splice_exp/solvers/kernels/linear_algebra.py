"""Small factorisations, and sums over the atoms of a support, in float64 whatever the atoms are."""

from __future__ import annotations

import numpy as np

from splice_exp.solvers.kernels.compile import compiled

FUSED = 4  # rows of a matrix that are taken in one pass


def in_large_pages(*sizes):
    """Return uninitialised arrays of float64, allocated in one piece, of the sizes given.

    NumPy asks for large pages of memory for what has 4 MiB or more.
    """
    return np.split(np.empty(sum(sizes)), np.cumsum(sizes)[:-1])


def packed_size(size):
    """Return how many entries a Cholesky factor has of which rows are stored one after the other."""
    return size * (size + 1) // 2


@compiled
def packed_row(factor, a):
    """Return row a of a packed factor: its entries up to the diagonal.

    Args:
        factor: The factor, its rows one after the other.
        a: Number of the row.
    """
    begin = a * (a + 1) // 2
    return factor[begin : begin + a + 1]


@compiled
def factorise(gram, support, factor, begin, dependent):
    """Write the Cholesky factor L of G_SS = L Lᵀ, packed; return how many rows it has then.

    That is all, or those before an atom whose squared distance to the span of the former is below `dependent`.

    Args:
        gram: G on the working set.
        support: Positions of the support in the working set, (s,).
        factor: Packed rows of L; those from `begin` on are written.
        begin: How many rows are there already.
        dependent: Squared distance to the span of the atoms before, below which an atom depends on them.
    """
    size = len(support)
    for a in range(begin, size):
        row, entries = packed_row(factor, a), gram[support[a]]
        for b in range(0, a - a % FUSED, FUSED):
            first, second = packed_row(factor, b), packed_row(factor, b + 1)
            third, fourth = packed_row(factor, b + 2), packed_row(factor, b + 3)
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
            other = packed_row(factor, b)
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
    """Solve Lᵀ y = right in place, a few rows at a time.

    Args:
        factor: L, packed.
        right: The right side, (s,) or longer; becomes y.
        size: How many rows of L are used.
    """
    whole = size - size % FUSED
    for a in range(size - 1, whole - 1, -1):
        row = packed_row(factor, a)
        value = right[a] / row[a]
        right[a] = value
        for t in range(a):
            right[t] -= row[t] * value
    for a in range(whole - FUSED, -1, -FUSED):
        first, second = packed_row(factor, a), packed_row(factor, a + 1)
        third, fourth = packed_row(factor, a + 2), packed_row(factor, a + 3)
        u = right[a + 3] / fourth[a + 3]
        s = (right[a + 2] - u * fourth[a + 2]) / third[a + 2]
        q = (right[a + 1] - u * fourth[a + 1] - s * third[a + 1]) / second[a + 1]
        p = (right[a] - u * fourth[a] - s * third[a] - q * second[a]) / first[a]
        right[a], right[a + 1], right[a + 2], right[a + 3] = p, q, s, u
        for t in range(a):
            right[t] -= p * first[t] + q * second[t] + s * third[t] + u * fourth[t]


@compiled
def forward(factor, right, begin, end):
    """Solve L y = right in place, from one row to another.

    Args:
        factor: L, packed.
        right: y before `begin`, the right side from there on; becomes y.
        begin: First row to solve for.
        end: First row that is left as it is.
    """
    for a in range(begin, end):
        total = right[a]
        row = packed_row(factor, a)
        for t in range(a):
            total -= row[t] * right[t]
        right[a] = total / row[a]


@compiled
def residual(x, atoms, working, values, size, r):
    """Write r = x − w D.

    Args:
        x: The target, (d,).
        atoms: D.
        working: Indices of the atoms that may have codes.
        values: Their codes.
        size: How many atoms and codes there are.
        r: Written, (d,).
    """
    for t in range(len(x)):
        r[t] = x[t]
    for a in range(size):
        if values[a] != 0.0:
            subtract_atom(atoms[working[a]], values[a], r)


@compiled
def subtract_atom(atom, value, r):
    """Subtract a multiple of an atom in place: r −= value · atom.

    Args:
        atom: The atom, (d,).
        value: The factor.
        r: The residual, (d,).
    """
    for t in range(len(r)):
        r[t] -= value * atom[t]


@compiled
def correlate(atom, r):
    """Return ⟨d, r⟩ in float64.

    Args:
        atom: d, (d,).
        r: The residual, (d,).
    """
    total = 0.0
    for t in range(len(r)):
        total += atom[t] * r[t]
    return total


@compiled
def gram_of(atoms, gram, working, begin, end, out):
    """Write rows and columns `begin` … `end` − 1 of G of some atoms: from G of all, or from them in their precision.

    Args:
        atoms: D.
        gram: G of all atoms, or (0, 0): then products of atoms are computed.
        working: Indices of the atoms.
        begin: How many rows and columns are there already.
        end: How many there are then.
        out: G of these atoms is written here, (end, end) or larger.
    """
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
    """Write G of some atoms in float64.

    Args:
        atoms: D.
        working: Indices of the atoms.
        size: How many.
        out: G of these atoms is written here, (size, size) or larger.
    """
    for a in range(size):
        for b in range(a + 1):
            total = 0.0
            for t in range(atoms.shape[1]):
                total += np.float64(atoms[working[a], t]) * np.float64(atoms[working[b], t])
            out[a, b] = total
            out[b, a] = total


@compiled
def subtract_rows(matrix, rows, steps, count, out):
    """Subtract multiples of rows in place, a few rows at a time: out −= steps · matrix[rows].

    Args:
        matrix: For example G.
        rows: Indices of its rows.
        steps: Factor of each.
        count: How many rows.
        out: At most as long as a row of `matrix`.
    """
    whole = count - count % FUSED
    for at in range(0, whole, FUSED):
        first, second, third, fourth = (
            matrix[rows[at]],
            matrix[rows[at + 1]],
            matrix[rows[at + 2]],
            matrix[rows[at + 3]],
        )
        p, q, s, u = steps[at], steps[at + 1], steps[at + 2], steps[at + 3]
        for i in range(len(out)):
            out[i] -= p * first[i] + q * second[i] + s * third[i] + u * fourth[i]
    for at in range(whole, count):
        row, step = matrix[rows[at]], steps[at]
        for i in range(len(out)):
            out[i] -= step * row[i]
