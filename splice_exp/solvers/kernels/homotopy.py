"""The path on a working set: as the penalty falls, codes move on straight lines until an atom joins or leaves.

With signs s on the support S and b = G_SS⁻¹ s, lowering h by δ moves w_S by δ b and every correlation c_j by δ a_j,
a = −G_WS b. An atom outside joins where |c_j + δ a_j| = h − δ, one of the support leaves where its code is zero.

References:
    Osborne, Presnell, Turlach. A new approach to variable selection in least squares problems. IMA JNA 20(3), 2000.
    Efron, Hastie, Johnstone, Tibshirani. Least angle regression. Annals of Statistics 32(2), 2004.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from splice_exp.solvers.kernels.compile import compiled
from splice_exp.solvers.kernels.linear_algebra import backward, factorise, forward, subtract_rows
from splice_exp.solvers.kernels.restricted import DOUBTFUL

PARALLEL = 1e-7  # difference of two slopes that is rounding
REACHED, FULL, STUCK = 0, 1, 2  # how it ended
NOTHING: Any = np.int64(-1)  # no atom, no event


@compiled
def gather_row(atoms, gram, working, begin, size, place, out):
    """Write G of one atom with some of the working set, from G of all or, in their precision, from the atoms.

    Args:
        atoms: D.
        gram: G of all atoms, or (0, 0).
        working: Indices of the atoms of the working set.
        begin: First column to write.
        size: Column after the last.
        place: Position of the atom in the working set, and row to write.
        out: G on the working set.
    """
    i, row = working[place], out[place]
    if gram.shape[0]:
        entries = gram[i]
        for t in range(begin, size):
            row[t] = entries[working[t]]
        return
    for t in range(begin, size):
        j = working[t]
        entry = atoms[i, 0] * atoms[j, 0]
        for u in range(1, atoms.shape[1]):
            entry += atoms[i, u] * atoms[j, u]
        row[t] = entry


@compiled
def follow(
    atoms,
    gram,
    working,
    size,
    chosen,
    known,
    factor,
    half,
    h,
    h_to,
    nonnegative,
    most_atoms,
    margin,
    slope,
    step,
    events,
    num_events,
):
    """Follow the path from h to `h_to`, or to where more than `most_atoms` (if it is not 0) would have codes.

    There it stops by `margin` before the next one joins.

    Args:
        atoms: D.
        gram: G of all atoms, or (0, 0).
        working: The working set: its codes, correlations and support are brought along.
        size: Number of its atoms.
        chosen: How many of them are in the support, in the order of the Cholesky factor L of G_SS.
        known: Rows of L, and entries of `half`, that are there from an earlier line.
        factor: L, packed.
        half: L⁻¹ s.
        h: L / 2 of the objective where the path begins.
        h_to: The h at which it ends.
        nonnegative: Whether codes must be 0 or more.
        most_atoms: Number of codes that the path does not exceed; 0: no limit.
        margin: Rounding of the correlations.
        slope: Memory that is overwritten, as long as the working set: a.
        step: Likewise: b.
        events: The h at which an atom joins, or its negative where one leaves, is written here.
        num_events: How many are there already.

    Returns:
        How it ended (`REACHED`, `FULL`, or `STUCK` where atoms depend on each other), the h at the end, the number of
        codes and of events.
    """
    local, gathered, values, c = working.gram, working.gathered, working.values, working.c
    support, member = working.support, working.member
    left = NOTHING  # the atom that has just left cannot join at once
    for a in range(chosen):
        place = support[a]
        gather_row(atoms, gram, working.atoms, gathered[place], size, place, local)
        gathered[place] = size
    while True:
        if factorise(local, support[:chosen], factor, known, DOUBTFUL) < chosen:
            return STUCK, h, chosen, num_events
        for a in range(known, chosen):
            place = support[a]
            half[a] = np.sign(values[place]) if values[place] != 0.0 else np.sign(c[place])
        forward(factor, half, known, chosen)
        known = chosen
        for a in range(chosen):
            step[a] = half[a]
        backward(factor, step, chosen)
        slope[:size] = 0.0
        subtract_rows(local, support, step, chosen, slope[:size])
        longest, event = h - h_to, NOTHING
        joins = False
        for t in range(size):
            if member[t] or t == left:
                continue
            if 1.0 + slope[t] > PARALLEL:
                length = (h - c[t]) / (1.0 + slope[t])
                if length < longest:
                    longest, event, joins = max(length, 0.0), t, True
            if not nonnegative and 1.0 - slope[t] > PARALLEL:
                length = (h + c[t]) / (1.0 - slope[t])
                if length < longest:
                    longest, event, joins = max(length, 0.0), t, True
        for a in range(chosen):
            value = values[support[a]]
            if value == 0.0 and step[a] * c[support[a]] < 0.0:  # it has just joined, together with another one
                return STUCK, h, chosen, num_events
            if value * step[a] < 0.0 and -value / step[a] < longest:
                longest, event, joins = -value / step[a], a, False
        full = joins and 0 < most_atoms == chosen
        if full:
            longest = max(0.5 * longest, longest - margin)
        for a in range(chosen):
            values[support[a]] += longest * step[a]
        for t in range(size):
            c[t] += longest * slope[t]
        h -= longest
        left = NOTHING
        if event < 0:
            return REACHED, h_to, chosen, num_events
        if full:
            return FULL, h, chosen, num_events
        if num_events == len(events) or (joins and chosen == atoms.shape[1]):
            return STUCK, h, chosen, num_events
        if joins:
            events[num_events] = h
            support[chosen] = event
            member[event] = True
            gather_row(atoms, gram, working.atoms, gathered[event], size, event, local)
            gathered[event] = size
            chosen += 1
        else:
            events[num_events] = -h
            left = support[event]
            member[left] = False
            values[left] = 0.0
            for a in range(event, chosen - 1):
                support[a] = support[a + 1]
            chosen -= 1
            known = event
        num_events += 1
