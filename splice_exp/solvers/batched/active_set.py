"""The active-set method for many rows at once, on any device.

A round looks at every atom by one product, takes for each row its support and the atoms that correlate most with its
residual into a working set, whose width is a power of two for all rows, and solves on it. Atoms that are not violated
yet are taken in, too: most of those that a solution makes violated are among them, which saves rounds. Once most rows
have no violated atom, all are certified in float64 on the full dictionary, and rows that are done leave.

The number of operations does not depend on the number of rows, and the host waits for the device three times a round:
for the number of rows with violated atoms, for that of rows that are done, and for the size of the largest support.

Rows that float32 leaves in doubt, and those whose atoms it cannot tell apart, are solved once more in float64.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import pad

from splice_exp.solvers.base import LassoSolver, Solved
from splice_exp.solvers.batched.certify import Trial, judge
from splice_exp.solvers.batched.looks import Look, Lookup, composed
from splice_exp.solvers.batched.restricted import solve_on
from splice_exp.solvers.batched.rows import Front, Part, assembled
from splice_exp.solvers.objective import Certificate
from splice_exp.solvers.rounds import full_precision

FIRST = 16  # atoms of the first guess of a support
STEPS_FROM_FIRST, STEPS = 3, 4  # of Newton in a round
CAREFUL_STEPS = 40  # in a round
ROUNDS = 20  # in either precision: what is not done by then is degenerate


class Beginning(NamedTuple):
    """X Dᵀ of all rows that began together, and which of its rows belong to those at work."""

    product: Float[Tensor, "n k"]
    origin: Int64[Tensor, " b"]


def solve(
    solver: LassoSolver,
    working_set: int,
    atoms: Float[Tensor, "k d"],
    exact: Float[Tensor, "k d"],
    gram: Float[Tensor, "g g"],
    targets: Float[Tensor, "b d"],
) -> Solved:
    """Solve rows together; those that are too degenerate come back with an infinite gap.

    Args:
        solver: Penalty, sign, tolerances and the limit of iterations.
        working_set: Atoms that a row takes in at first; the width of working sets is the next power of two.
        atoms: D.
        exact: D in float64.
        gram: G = D Dᵀ, or (0, 0).
        targets: X.
    """
    same = atoms.dtype == torch.float64
    lookups = (
        Lookup(atoms, exact, gram, careful=False),
        Lookup(exact, exact, gram if same else exact.new_empty(0, 0), careful=True),
    )
    front, looks, x = Front.of(targets.double()), 0, targets
    parts: list[Part] = []
    with full_precision():
        for lookup in lookups:
            most = min(ROUNDS, solver.max_iterations - looks)
            if len(front.rows) and most:
                done, front, taken = pursue(solver, working_set, lookup, front.afresh(), x, looks, most)
                parts, looks, x = parts + done, looks + taken, front.targets
    if len(front.rows):
        unknown = front.targets.new_full((len(front.rows),), torch.inf)
        parts.append(Part(front.rows, front.support, front.codes, Certificate(unknown, unknown), looks))
    return assembled(parts, len(atoms))


def pursue(
    solver: LassoSolver,
    working_set: int,
    lookup: Lookup,
    front: Front,
    targets: Float[Tensor, "b d"],
    before: int,
    most: int,
) -> tuple[list[Part], Front, int]:
    """Solve rows in one precision.

    Args:
        solver: Penalty, sign and tolerances.
        working_set: Atoms that a row takes in at first.
        lookup: The dictionary, and the precision.
        front: Rows with zero codes.
        targets: X of these rows in the precision in which to look.
        before: Looks that were taken already.
        most: Looks that may be taken.

    Returns:
        The rows that are done, those that are not, and the number of looks.
    """
    atoms, violated = lookup.atoms, 0.5 * (solver.l1_penalty + solver.kkt_tol)
    widest = power_of_two(atoms.shape[1] + working_set)
    product = targets @ atoms.T
    beginning = Beginning(product, torch.arange(len(product), device=product.device) if before else front.rows)
    trial, parts = Trial.of(front), list[Part]()
    for number in range(1, most + 1):
        size = front.support.shape[1]
        width = min(widest, power_of_two(size + max(1, working_set // 4) if size else working_set))
        count = min(width, len(atoms)) - size
        look = Look.at(product, front.support, count, solver.nonnegative)
        num_violated = look.count_above(violated)
        last = number == most or count <= 0
        if last or 2 * num_violated <= len(front.rows):
            part, done = judge(solver, lookup, front, trial, look, before + number)
            num_done = int(done.sum())
            if num_done == len(done):
                return [*parts, part], Front(*(tensor[:0] for tensor in front)), number
            if num_done:
                order = done.argsort(stable=True)
                left, gone = order[:-num_done], order[-num_done:]
                parts.append(part.select(gone))
                front, look = front.select(left), look.select(left)
                beginning = Beginning(beginning.product, beginning.origin[left])
            if last or not (num_done or num_violated):
                break
        if not size:  # where few atoms are violated, half of the width or less will do
            look = look.narrow(min(count, power_of_two(num_violated // len(front.rows) + 1)))
        front, trial = advance(solver, lookup, front, look, beginning)
        product = front.residuals.to(atoms.dtype) @ atoms.T
    return parts, front, number


def power_of_two(size: int) -> int:
    """Return the smallest power of two that is at least this."""
    return 1 << (size - 1).bit_length()


def advance(solver: LassoSolver, lookup: Lookup, front: Front, look: Look, beginning: Beginning) -> tuple[Front, Trial]:
    """Solve every row on its support and the atoms that correlate most."""
    h, size = 0.5 * solver.l1_penalty, front.support.shape[1]
    working = torch.cat([front.support, look.found], dim=1) if size else look.found
    entering, codes, signs = look.correlations, front.codes, None
    linear = beginning.product[beginning.origin[:, None], working]
    if not solver.nonnegative:
        # An atom has the sign of its code, or that of its correlation with the residual.
        signs = torch.cat([codes.to(entering.dtype), entering], dim=1).sign()
        linear, codes, entering = linear * signs, codes.abs(), entering.abs()
    if size:
        free, steps = torch.cat([codes, entering - h], dim=1) > 0, STEPS
    else:
        free, steps = entering > h, STEPS_FROM_FIRST
        free[:, FIRST:] = False
    begin = None
    if lookup.careful:
        begin, steps = pad(codes, (0, working.shape[1] - size)), CAREFUL_STEPS
    newton = solve_on(working, signs, linear.sub_(h), free, lookup.atoms, lookup.gram, steps, begin)
    largest = max(1, int(newton.values.count_nonzero(dim=1).amax()))
    values, places = newton.values.topk(largest, dim=1)
    support = working.gather(1, places)
    codes = (values if signs is None else values * signs.gather(1, places)).double()
    residuals = front.targets - composed(codes, lookup.exact, support)
    return Front(front.rows, front.targets, residuals, support, codes), Trial(working, signs, newton)
