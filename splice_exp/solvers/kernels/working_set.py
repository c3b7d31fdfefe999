"""The working set of a row on its path: the atoms that the path is followed on, and what is known of them.

Atoms join it where they are violated. When it is full it is emptied, and keeps only the supports of two points.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from splice_exp.solvers.kernels.compile import NO, ZERO, compiled
from splice_exp.solvers.kernels.linear_algebra import correlate, gram_of, in_large_pages, packed_size
from splice_exp.solvers.kernels.looks import violators
from splice_exp.solvers.kernels.restricted import solve_on


class WorkingSet(NamedTuple):
    """Memory for a working set of up to `room` of k atoms.

    Attributes:
        atoms: Indices of its atoms, (room,).
        inside: Whether an atom is in it, (k,).
        place: Position of each atom that is in it, (k,).
        gram: G on it, (room, room); row a is known up to column `gathered[a]`.
        gathered: See there, (room,).
        values: Codes on it, (room,).
        c: Correlations on it, (room,).
        support: Positions of the support in it, in the order of the Cholesky factor, (room,).
        member: Whether a position is in the support, (room,).
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
    """Memory of one thread, for k atoms and working sets of up to `room` of them.

    Attributes:
        found: Indices of violated atoms, (k,).
        strengths: Their correlations, (k,).
        judged: For `judge`, (k,); False of all when a row begins.
        changed: Indices of atoms whose codes changed, (room,).
        steps: By how much they changed, (room,), in the type of the atoms.
        before: Codes of the point that was tried before, on the working set, (room,).
        slope: By how much correlations change as h falls by 1, (room,).
        direction: By how much the codes of the support do, or a Newton step, (room,).
        trial: A step that ends in the orthant, (room,).
        half: L⁻¹ s for the signs s of the support, (room,).
        factor: Cholesky factor L of G on the support, packed.
        working: The working set; no atom is in it when a row begins.
    """

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
    """Make the memory of one thread.

    Args:
        num_atoms: k.
        room: Number of atoms that a working set may have.
        dtype: NumPy type of the atoms.
    """
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
def add_atom(working, size, atom):
    """Add an atom to a working set, if it is not in it; return the size.

    Args:
        working: The working set.
        size: Number of its atoms.
        atom: Index of the atom.
    """
    if working.inside[atom]:
        return size
    working.atoms[size], working.place[atom], working.inside[atom], working.gathered[size] = atom, size, True, 0
    return size + 1


@compiled
def place_reached(working, size, reached, row, atoms, c, accepted):
    """Put the last certified point of a row on the working set.

    Args:
        working: The working set; codes, correlations and support are overwritten.
        size: Number of its atoms.
        reached: Last certified points.
        row: Which row.
        atoms: D.
        c: Correlations with all atoms at the point, (k,); read only if `accepted`.
        accepted: Whether it was certified just now; if not, correlations are computed.
    """
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
    """Solve for the point at h on the working set; return the size of its support.

    Args:
        working: The working set; its G, codes, correlations and support are overwritten.
        size: Number of its atoms.
        reached: Last certified points, from which the solution starts.
        row: Which row.
        x: The target, (d,).
        atoms: D.
        gram: G of all atoms, or (0, 0).
        h: L / 2.
        nonnegative: Whether codes must be 0 or more.
        tol: By how much c may exceed h where a code is zero.
        factor: The Cholesky factor of G on the support is written here, packed.
        direction: Memory that is overwritten, as long as the working set.
        trial: As `direction`.
    """
    place_reached(working, size, reached, row, atoms, working.c, NO)
    gram_of(atoms, gram, working.atoms, ZERO, size, working.gram)
    working.gathered[:size] = size
    return solve_on(
        x, atoms, working.atoms, size, working.gram, working.values, working.c, h, nonnegative, tol, working.support,
        ZERO, factor, direction, trial, np.empty(len(x)),
    )  # fmt: skip


@compiled
def take_in(working, size, reached, tried, row, c, threshold, nonnegative, most, found, strengths):
    """Add violated atoms to the working set; return its size, and how many of them were found.

    Where there is no room, the set begins again with the supports of both points, and takes in what still fits.

    Args:
        working: The working set.
        size: Number of its atoms.
        reached: Last certified points.
        tried: Points that were judged.
        row: Which row.
        c: Correlations with all atoms, (k,).
        threshold: Above it, a correlation is a violation.
        nonnegative: Whether codes must be 0 or more: if not, |c| counts.
        most: How many atoms to add at most.
        found: Memory that is overwritten, (k,).
        strengths: As `found`.
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
