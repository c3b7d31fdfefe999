"""Codes two ways: by a dictionary's own encoder, in one pass, and by a certified solver over the same atoms.

The objective of both is P(w) = ‖x − w D‖² + L ‖w‖₁, w ≥ 0, at one penalty L for all rows. No encoder can do better than
its minimum; what it does worse is the amortisation gap, and it has two parts:

    gap         P(w_encoder) − P(w_solver)      ≥ −g, g the duality gap of the solver, which is known
    values      P(w_encoder) − P(w_support)     w_support: the minimum among codes on the support of w_encoder
    selection   P(w_support) − P(w_solver)      what the wrong support costs

L is given, as for an encoder that was trained with its own ℓ1 penalty; or it is the one at which the solver is as
sparse as the encoder, on average over the rows: then neither has more concepts, and both are judged by the same P.
Where even the smallest penalty leaves fewer, because the encoder is dense, that penalty is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Dictionary, Encoder, Solution
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.least_squares_on_support import lasso_on_support
from splice_exp.solvers.objective import value
from splice_exp.solvers.path import LassoPath

SMALLEST_PENALTY = 1e-3
TOGETHER = 512  # rows whose codes are dense at a time


@dataclass(frozen=True, eq=False)
class Amortised:
    """Codes two ways, and what the encoder's are worse by; all of it in the units of ‖x‖².

    Attributes:
        l1_penalty: L.
        encoder: Codes of the encoder.
        solution: Codes of the solver, certified.
        targets: What both reconstruct, x less what the decoder adds, (n, d).
        gap: P(w_encoder) − P(w_solver) of each row, (n,) float64.
        values: Its part that better values on the same support would remove, (n,).
        selection: Its part that needs another support, (n,).
    """

    l1_penalty: float
    encoder: Codes
    solution: Solution
    targets: Float[Tensor, "n d"]
    gap: Float[Tensor, " n"]
    values: Float[Tensor, " n"]
    selection: Float[Tensor, " n"]


def encode(encoder: Encoder, targets: Float[Tensor, "n d"]) -> Codes:
    """Return the codes of an encoder, some rows at a time.

    Args:
        encoder: Of a dictionary.
        targets: Rows as it takes them.

    Raises:
        SpliceError: if it returns codes that are negative or not finite.
    """
    parts = []
    for rows in torch.split(targets, TOGETHER):
        codes = encoder.codes(rows)
        if not codes.values.isfinite().all() or (codes.values < 0).any():
            raise SpliceError(
                f"The encoder {type(encoder).__name__} returns codes that are negative or not finite, but codes must "
                "be 0 or more."
            )
        parts.append(codes)
    return Codes.concatenate(parts)


def amortised(dictionary: Dictionary, targets: Float[Tensor, "n d"], l1_penalty: float | None = None) -> Amortised:
    """Find codes two ways.

    Args:
        dictionary: With an encoder.
        targets: Rows as the encoder takes them: unit, and centred as those that it was trained on.
        l1_penalty: L; None: that at which the solver is as sparse as the encoder.

    Raises:
        SpliceError: if the dictionary has no encoder.
    """
    encoder = dictionary.encoder
    if encoder is None:
        raise SpliceError(
            "The dictionary has no encoder of its own, so there is nothing to compare the solver with: take "
            "dictionary=sae_top_k, another autoencoder, pca, ica or k_means."
        )
    own, shifted = encode(encoder, targets), targets - encoder.shift
    if l1_penalty is None:
        l1_penalty = penalty_as_sparse(dictionary, shifted, float(own.l0().double().mean()))
    solver = ActiveSet(l1_penalty=l1_penalty, tol=1e-7)
    solution = solver.solve(solver.prepare(dictionary.atoms), shifted)
    parts = []
    atoms = dictionary.atoms.double()
    for rows in torch.split(torch.arange(len(targets)), TOGETHER):
        x, codes = shifted[rows].double(), own.dense(rows).double()
        best = lasso_on_support(x, atoms, codes.clone(), l1_penalty)  # which it may change
        solved = solution.codes.dense(rows).double()
        parts.append(torch.stack([value(x, atoms, one, l1_penalty) for one in (codes, best, solved)]))
    encoded, on_support, optimal = torch.cat(parts, dim=1)
    on_support = torch.minimum(on_support, encoded)  # supports too large to be solved on are left as they are
    return Amortised(l1_penalty, own, solution, shifted, encoded - optimal, encoded - on_support, on_support - optimal)


def refitted(targets: Float[Tensor, "n d"], atoms: Float[Tensor, "k d"], codes: Codes) -> Float[Tensor, " n"]:
    """Return ‖x − w D‖² of each row by the best nonnegative values on the support of its code, (n,) float64.

    An ℓ1 penalty shrinks codes, and encoders without one do not: this compares their supports alone. The best support
    of a given size is not known, so either may win. Supports of more than d + 1 atoms keep their values.

    Args:
        targets: What is reconstructed.
        atoms: The dictionary.
        codes: Whose supports are judged.
    """
    parts = []
    for rows in torch.split(torch.arange(len(targets)), TOGETHER):
        x, exact = targets[rows].double(), atoms.double()
        parts.append(value(x, exact, lasso_on_support(x, exact, codes.dense(rows).double(), 0.0), 0.0))
    return torch.cat(parts)


def penalty_as_sparse(dictionary: Dictionary, targets: Float[Tensor, "n d"], l0: float) -> float:
    """Return the penalty at which the solver has so many concepts per row on average, at least `SMALLEST_PENALTY`.

    Args:
        dictionary: Its atoms.
        targets: The rows.
        l0: How many.
    """
    densest = LassoPath(l1_penalty=SMALLEST_PENALTY)
    state = densest.prepare(dictionary.atoms)
    if float(densest.solve(state, targets).codes.l0().double().mean()) <= l0:
        return SMALLEST_PENALTY
    return LassoPath(l1_penalty=SMALLEST_PENALTY, mean_l0=l0).calibrate(state, targets)
