r"""The path on working sets for many rows at once: as the penalty falls, codes move on straight lines between events.

With signs s on the support S and b = G_SS⁻¹ s, lowering h = L / 2 by δ moves w_S by δ b and every correlation c_j of
another atom by −δ G_jS b. An atom joins where |c_j| = h, and leaves where its code is zero. All that is needed of G is
what becomes of it when S is swept:

    T = [ −G_SS⁻¹          G_SS⁻¹ G_SN        ]          T s = [ −b ; G_NS b ]
        [ G_NS G_SS⁻¹   G_NN − G_NS G_SS⁻¹ G_SN ]

One event sweeps one more atom into S or out of it: a change of rank one, the same operation for all rows, whichever
atom it is. The number of operations is that of the events of the row that has most of them.

References:
    Efron, Hastie, Johnstone, Tibshirani. Least angle regression. Annals of Statistics 32(2), 2004.
    Goodnight. A tutorial on the SWEEP operator. The American Statistician 33(3), 1979.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import pad

PARALLEL = 1e-7  # difference of two slopes that is rounding
DOUBTFUL = 1e-5  # squared distance of an atom from the span of the support at which float32 cannot decide
LOOK_UP = 8  # events between two questions of the host whether all rows are there


class Leg(NamedTuple):
    """Where paths stand on the working set of each row.

    Attributes:
        tableau: T.
        moved: T s.
        signs: s; 0 beside the support.
        values: w.
        correlations: c, of the residuals.
        h: L / 2.
        stuck: Rows whose atoms depend on each other: nothing else of them means anything.
        full: Rows that ended before an atom too many joined.
        events: The h at which an atom joined, or its negative where one left; 0 is none.
    """

    tableau: Float[Tensor, "b m m"]
    moved: Float[Tensor, "b m"]
    signs: Float[Tensor, "b m"]
    values: Float[Tensor, "b m"]
    correlations: Float[Tensor, "b m"]
    h: Float[Tensor, " b"]
    stuck: Bool[Tensor, " b"]
    full: Bool[Tensor, " b"]
    events: Float[Tensor, "b e"]


def swept(gram: Float[Tensor, "b m m"], member: Bool[Tensor, "b s"]) -> tuple[Float[Tensor, "b m m"], Tensor]:
    """Sweep the support of each row, which is among the first s atoms of its working set.

    Args:
        gram: G on the working sets.
        member: Which of the first atoms are of the support.

    Returns:
        T, and in which rows G_SS is not positive definite beyond doubt.
    """
    size, width = member.shape[1], gram.shape[1]
    both = member[:, :, None] & member[:, None, :]
    system = torch.where(both, gram[:, :size, :size], 0.0) + torch.diag_embed((~member).to(gram.dtype))
    factor, failed = torch.linalg.cholesky_ex(system)
    nearest = pad(factor.diagonal(dim1=1, dim2=2), (0, 1), value=1.0).square().amin(dim=1)
    inverse = torch.where(both, torch.cholesky_inverse(factor), 0.0)
    rest = torch.cat([~member, member.new_ones(len(gram), width - size)], dim=1)
    across = torch.where(member[:, :, None] & rest[:, None, :], gram[:, :size], 0.0)
    shares = inverse @ across
    tableau = torch.baddbmm(gram, across.mT, shares, alpha=-1)
    shares[:, :, :size].sub_(inverse)
    tableau[:, :size] = torch.where(member[:, :, None], shares, tableau[:, :size])
    tableau[:, :, :size] = torch.where(member[:, None, :], shares.mT, tableau[:, :, :size])
    return tableau, (failed != 0) | ~(nearest >= DOUBTFUL)


def follow(
    gram: Float[Tensor, "b m m"],
    codes: Float[Tensor, "b s"],
    correlations: Float[Tensor, "b m"],
    h: Float[Tensor, " b"],
    h_to: float,
    nonnegative: bool,
    most_atoms: int,
    margin: Float[Tensor, " b"],
    dim: int,
) -> Leg:
    """Follow the path of each row to an h, or to where more than `most_atoms` (if it is not 0) would have codes.

    There it stops by `margin` before the next one joins.

    Args:
        gram: G on the working sets, in float64.
        codes: Those of the first s atoms of each working set, where the paths begin; others have none.
        correlations: Of their residuals; those of the support are ± h.
        h: L / 2 there.
        h_to: The h at which paths end.
        nonnegative: Whether codes must be 0 or more.
        most_atoms: Number of codes that a path does not exceed; 0: no limit.
        margin: Rounding of the correlations of each row.
        dim: d, which no support exceeds.

    Returns:
        Where the paths end; codes of the support that are 0 there have just joined.
    """
    tableau, stuck = swept(gram, codes != 0)
    never = torch.zeros_like(stuck)
    values = pad(codes, (0, correlations.shape[1] - codes.shape[1]))
    signs = values.sign()
    moved = torch.bmm(tableau[:, :, : codes.shape[1]], signs[:, : codes.shape[1], None])[:, :, 0]
    leg = Leg(tableau, moved, signs, values, correlations, h, stuck, never, values[:, :0])
    left, events = torch.zeros_like(values, dtype=torch.bool), list[Tensor]()
    for number in range(8 * max(values.shape[1], LOOK_UP)):
        if number % LOOK_UP == 0 and not bool(((leg.h > h_to) & ~leg.stuck & ~leg.full).any()):
            break
        leg, left = _advance(leg, left, h_to, nonnegative, most_atoms, margin, dim)
        events.append(leg.events)
    unfinished = (leg.h > h_to) & ~leg.full
    return leg._replace(stuck=leg.stuck | unfinished, events=torch.cat([values[:, :0], *events], dim=1))


def _advance(
    leg: Leg,
    left: Bool[Tensor, "b m"],
    h_to: float,
    nonnegative: bool,
    most_atoms: int,
    margin: Float[Tensor, " b"],
    dim: int,
) -> tuple[Leg, Bool[Tensor, "b m"]]:
    """Go on to the next event of each row, or to the end of its path.

    Args:
        leg: Where the paths stand; its tableau is overwritten.
        left: Atoms that have just left, and cannot join at once.
        h_to: As for `follow`.
        nonnegative: Likewise.
        most_atoms: Likewise.
        margin: Likewise.
        dim: Likewise.

    Returns:
        Where they stand then, with their last event alone, and the atoms that have just left.
    """
    tableau, moved, signs, values, correlations, h, stuck, full, _ = leg
    member = signs != 0
    slope, direction = torch.where(member, -signs, -moved), torch.where(member, -moved, 0.0)
    # Two atoms have joined at once, and the first of them goes where its sign does not let it.
    stuck = stuck | (member & (values == 0) & (direction * signs < 0)).any(dim=1)
    going = (h > h_to) & ~stuck & ~full

    ahead = _ahead(h[:, None] - correlations, 1 + slope)
    negative = torch.zeros_like(member)
    if not nonnegative:
        other = _ahead(h[:, None] + correlations, 1 - slope)
        negative = other < ahead
        ahead = torch.minimum(ahead, other)
    leaves = torch.where(values * direction < 0, -values / direction, torch.inf)
    lengths = torch.where(member, leaves, ahead.masked_fill(left, torch.inf)).clamp_(min=0)
    length, place = lengths.min(dim=1, keepdim=True)
    joins = ~member.gather(1, place)[:, 0]
    there = h - h_to
    event = going & (length[:, 0] < there)
    length = torch.where(event, length[:, 0], there)
    count = member.sum(dim=1)
    if most_atoms:
        too_many = event & joins & (count == most_atoms)
        length = torch.where(too_many, torch.maximum(0.5 * length, length - margin), length)
        full, event = full | too_many, event & ~too_many
        arrives = going & ~event & ~too_many
    else:
        arrives = going & ~event
    length = torch.where(going, length, 0.0)
    values = torch.addcmul(values, length[:, None], direction)
    correlations = torch.addcmul(correlations, length[:, None], slope)
    h = torch.where(arrives, h_to, h - length)

    column = tableau.gather(1, place[:, :, None].expand(-1, -1, tableau.shape[2]))[:, 0]
    pivot = column.gather(1, place)
    depends = event & joins & ((pivot[:, 0] < DOUBTFUL) | (count >= dim))
    stuck, event = stuck | depends, event & ~depends
    # T changes by −v vᵀ / p − 2 σ e eᵀ, with its column t, p = t_place, v = t − σ e, and σ = 1 where an atom joins, −1
    # where it leaves; afterwards that column is σ t / p, and −1 / p in its place.
    sigma = torch.where(joins, 1.0, -1.0).to(values)[:, None]
    happens = event[:, None]
    share = torch.where(happens, 1 / pivot, 0.0)
    old = signs.gather(1, place)
    new = torch.where(negative.gather(1, place), -1.0, 1.0).to(values) * joins[:, None]
    turn = torch.where(happens, new - old, 0.0)
    vector = column.scatter(1, place, pivot - sigma)
    moved_there = moved.gather(1, place)
    ahead_of = turn * sigma * share
    moved = torch.addcmul(moved, vector, share * (moved_there - sigma * old), value=-1).addcmul_(column, ahead_of)
    on_diagonal = torch.where(happens, -2 * sigma, 0.0)
    moved.scatter_add_(1, place, on_diagonal * old - turn * share - ahead_of * pivot)
    tableau.addcmul_((vector * share)[:, :, None], vector[:, None, :], value=-1)
    tableau.view(len(tableau), -1).scatter_add_(1, place * (tableau.shape[1] + 1), on_diagonal)

    signs = signs.scatter(1, place, old + turn)
    values = values.scatter(1, place, torch.where(happens, 0.0, values.gather(1, place)))
    left = torch.zeros_like(left).scatter_(1, place, happens & ~joins[:, None])
    events = torch.where(happens, h[:, None] * sigma, 0.0)
    return Leg(tableau, moved, signs, values, correlations, h, stuck, full, events), left


def _ahead(distance: Float[Tensor, "b m"], closing: Float[Tensor, "b m"]) -> Float[Tensor, "b m"]:
    """Return after how long distances vanish that shrink by so much; infinity where they do not."""
    return torch.where(closing > PARALLEL, distance / closing, torch.inf)


def corrected(leg: Leg, gaps: Float[Tensor, "b m"]) -> Float[Tensor, "b m"]:
    """Do a Newton step on the support of each row.

    Args:
        leg: Where the paths stand.
        gaps: Correlations of the support minus what they should be, ± h.

    Returns:
        The codes; those that would change their sign are 0.
    """
    member = leg.signs != 0
    step = torch.bmm(leg.tableau, torch.where(member, gaps, 0.0)[:, :, None])[:, :, 0]
    values = leg.values - torch.where(member, step, 0.0)
    return torch.where(values * leg.signs > 0, values, 0.0)
