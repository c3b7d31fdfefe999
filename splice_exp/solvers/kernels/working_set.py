"""The working set of a row on its path: the atoms that the path is followed on, and what is known of them.

Atoms join it where they are violated. Where there is no room it begins anew, with the supports of two points.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from splice_exp.solvers.kernels.compile import NO, ZERO, compiled
from splice_exp.solvers.kernels.linear_algebra import correlate, gram_of, in_large_pages, packed_size
from splice_exp.solvers.kernels.looks import violators
from splice_exp.solvers.kernels.restricted import solve_on


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
def add_atom(working, size, atom):
    """Add an atom to a working set, if it is not there; return the size."""
    if working.inside[atom]:
        return size
    working.atoms[size], working.place[atom], working.inside[atom], working.gathered[size] = atom, size, True, 0
    return size + 1


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
