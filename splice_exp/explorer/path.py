"""The lasso path of one target, kept as its segments: codes at any penalty without solving again.

Between two events the support S and its signs s stay, and the codes are linear in the penalty:

    w_S(L) = a − L b        a = G_SS⁻¹ D_S x,   b = G_SS⁻¹ s / 2

Where events are, and which atoms have codes between them, the solver of the path says; a and b are exact in float64.

References:
    Osborne, Presnell, Turlach. A new approach to variable selection in least squares problems. IMA JNA 20(3), 2000.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.solvers.active_set import ActiveSet, ActiveSetState
from splice_exp.solvers.objective import lambda_max
from splice_exp.solvers.path import DENSE, LassoPath
from splice_exp.solvers.path_compiled import Pursued, pursue_paths

END = DENSE  # where paths end: below, codes have hundreds of concepts, and say little to a reader
CLOSE = 1e-9  # relative distance of two events that count as one
NEAR = 1e-3  # relative distance within which an event is moved to where it exactly is
RATIO = 0.8  # of a penalty to the one before, where the path is certified while events are looked for
GRAM_MIB = 64  # memory that D Dᵀ may take; a single row gains little by it


@dataclass(frozen=True, eq=False)
class Segment:
    """A piece of a path without events.

    Attributes:
        low: The penalty where it ends.
        support: Atoms that have codes, ascending.
        intercept: a, in float64.
        slope: b, in float64.
        signs: s, in float64.
    """

    low: float
    support: Int64[Tensor, " s"]
    intercept: Float[Tensor, " s"]
    slope: Float[Tensor, " s"]
    signs: Float[Tensor, " s"]


@dataclass(frozen=True, eq=False)
class ExactPath:
    """The path of one target.

    Attributes:
        largest: The penalty from which on there are no codes.
        segments: From `largest` down to `END`.
        num_concepts: k.
    """

    largest: float
    segments: tuple[Segment, ...]
    num_concepts: int

    @property
    def knots(self) -> list[float]:
        """The penalties at which a concept joins or leaves, falling, and the end of the path."""
        return [self.largest, *(segment.low for segment in self.segments)]

    def at(self, l1_penalty: float) -> Codes:
        """Return the codes at a penalty: one row, without names.

        Raises:
            SpliceError: if the path does not go as far.
        """
        if not END <= l1_penalty < float("inf"):
            raise SpliceError(f"l1_penalty is {l1_penalty!r}, but must be a finite number of at least {END}.")
        if l1_penalty >= self.largest:
            return Codes.from_dense(torch.zeros(1, self.num_concepts, dtype=torch.float64))
        place = bisect_left(self.segments, -l1_penalty, key=lambda segment: -segment.low)
        segment = self.segments[min(place, len(self.segments) - 1)]
        values = segment.intercept - l1_penalty * segment.slope
        values = torch.where(
            values * segment.signs > 0, values, 0.0
        )  # rounding, where one has just joined or will leave
        return Codes.from_support(segment.support[None], values[None], self.num_concepts)


class Follower:
    """Follows the paths of targets over one dictionary.

    Args:
        atoms: D, unit rows.
        nonnegative: Whether codes must be 0 or more.
    """

    def __init__(self, atoms: Float[Tensor, "k d"], nonnegative: bool = True) -> None:
        self.nonnegative = nonnegative
        self._solver = LassoPath(nonnegative=nonnegative, gram_mib=GRAM_MIB, engine="compiled")
        prepared = ActiveSet(gram_mib=GRAM_MIB, engine="compiled", screening="float32").prepare(atoms.cpu())
        assert isinstance(prepared, ActiveSetState)
        self._state = prepared

    def follow(self, target: Float[Tensor, "1 d"]) -> ExactPath:
        """Return the path of a target from no codes to `END`.

        Raises:
            SpliceError: if it cannot be followed as far.
        """
        num_concepts = len(self._state.atoms)
        largest = float(lambda_max(target.double(), self._state.exact_atoms, self.nonnegative))
        if largest <= END:
            return ExactPath(largest, (), num_concepts)
        way, penalty = list[float](), max(1.0, largest)
        while penalty > END / RATIO:
            way.append(penalty)
            penalty *= RATIO
        events = self._pursue(target, [*way, END]).events.abs().tolist()
        knots = _distinct([largest, *(one for one in sorted(events, reverse=True) if END < one < largest), END])
        middles = [(high + low) / 2 for high, low in pairwise(knots)]
        codes = self._pursue(target, middles).codes
        segments = [self._segment(target, one, low) for one, low in zip(codes, knots[1:], strict=True)]
        return ExactPath(largest, tuple(_meeting(segments)), num_concepts)

    def _pursue(self, target: Float[Tensor, "1 d"], penalties: list[float]) -> Pursued:
        found = pursue_paths(
            self._state.atoms,
            self._state.gram,
            target.to(self._state.atoms).contiguous(),
            torch.tensor(penalties, dtype=torch.float64),
            0,
            self._solver,
            self._solver.working_set,
            self._solver.gram_rows,
        )
        if not all(bool(one.kkt_violation.isfinite()) for one in found.certificates):
            raise SpliceError("The path of this image cannot be followed: take a vocabulary without near-duplicates.")
        return found

    def _segment(self, target: Float[Tensor, "1 d"], codes: Codes, low: float) -> Segment:
        chosen = self._state.exact_atoms[codes.indices]
        signs = codes.values.double().sign()
        right = torch.stack([chosen @ target[0].double(), signs / 2], dim=1)
        intercept, slope = torch.linalg.solve(chosen @ chosen.T, right).unbind(dim=1)
        return Segment(low, codes.indices, intercept, slope, signs)


def _distinct(knots: list[float]) -> list[float]:
    """Leave out penalties that only rounding tells apart from the one before; the last stays."""
    kept = knots[:1]
    for knot in knots[1:-1]:
        if kept[-1] - knot > CLOSE * kept[-1] and knot - knots[-1] > CLOSE * knot:
            kept.append(knot)
    return [*kept, knots[-1]]


def _meeting(segments: list[Segment]) -> Iterator[Segment]:
    """Let segments end exactly where the next begins: where the code of the atom that joins or leaves is zero."""
    for segment, after in pairwise(segments):
        joins, leaves = (~torch.isin(one.support, other.support) for one, other in ((after, segment), (segment, after)))
        whose, changes = (after, joins) if joins.any() else (segment, leaves)
        if int(joins.sum() + leaves.sum()) != 1:  # two events at once: as the solver says
            yield segment
            continue
        low = float(whose.intercept[changes] / whose.slope[changes])
        yield replace(segment, low=low) if abs(low - segment.low) <= NEAR * segment.low else segment
    yield segments[-1]
