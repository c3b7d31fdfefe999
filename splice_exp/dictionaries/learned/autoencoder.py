"""The network that all sparse autoencoders have in common.

    scores a = E x + b      codes w = select(a) ≥ 0      reconstruction w D      rows of D of unit norm

Inputs are centred, so the decoder adds nothing. Both matrices start at the same random directions. An atom that was not
active for some steps is dead: a part of the loss lets dead atoms explain what the others leave over.

References:
    Gao et al. Scaling and evaluating sparse autoencoders. ICLR 2025 (the loss that revives dead atoms).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, normalize

from splice_exp.core.codes import Codes

REVIVAL = 1 / 32  # weight of the loss of dead atoms
REVIVED = 32  # dead atoms that may explain the rest of a row


class Step(NamedTuple):
    """What a batch gives a training.

    Attributes:
        loss: What is minimised.
        error: ‖x − w D‖² of each row.
        codes: w.
    """

    loss: Float[Tensor, ""]
    error: Float[Tensor, " n"]
    codes: Float[Tensor, "n k"]


class Autoencoder(nn.Module):
    """A linear encoder with a bias, a rule that makes codes sparse, and unit atoms.

    A kind of autoencoder overrides `select`, and `penalty` where its loss is more than the squared error.

    Args:
        dim: Width d of the inputs.
        size: Number k of atoms.
    """

    def __init__(self, dim: int, size: int) -> None:
        super().__init__()
        start = normalize(torch.randn(size, dim), dim=1)
        self.decoder = nn.Parameter(start)
        self.encoder = nn.Parameter(start.clone())
        self.bias = nn.Parameter(torch.zeros(size))

    def atoms(self) -> Float[Tensor, "k d"]:
        """Return D, unit rows."""
        return normalize(self.decoder, dim=1)

    def scores(self, targets: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Return a, from which codes are selected."""
        return torch.addmm(self.bias, targets, self.encoder.T)

    def select(self, scores: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """Return the codes of scores, sparse and nonnegative."""
        return scores.relu()

    def encode(self, targets: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Return the codes of inputs."""
        return self.select(self.scores(targets))

    def sparse(self, targets: Float[Tensor, "n d"]) -> Codes:
        """Return the codes of inputs, without zeros; whoever overrides `select` below a kind that has its own, does so.

        Args:
            targets: Few rows at a time.
        """
        return Codes.from_dense(self.encode(targets))

    def penalty(self, scores: Float[Tensor, "n k"], codes: Float[Tensor, "n k"]) -> Float[Tensor, ""]:
        """Return what is minimised beside the error; 0 in general.

        Args:
            scores: a.
            codes: w.
        """
        return codes.new_zeros(())

    def compose(self, codes: Float[Tensor, "n k"], atoms: Float[Tensor, "k d"]) -> Float[Tensor, "n d"]:
        """Return w D.

        Args:
            codes: w.
            atoms: Rows of D, one for each column of the codes.
        """
        return codes @ atoms

    def errors(self, targets: Float[Tensor, "n d"], codes: Float[Tensor, "n k"]) -> list[Float[Tensor, "n d"]]:
        """Return the residuals whose mean square is minimised, that of the whole code last.

        Args:
            targets: Centred unit rows x.
            codes: w.
        """
        return [targets - self.compose(codes, self.atoms())]

    def step(self, targets: Float[Tensor, "n d"], dead: Bool[Tensor, " k"]) -> Step:
        """Return the loss of a batch.

        Args:
            targets: Centred unit rows.
            dead: Atoms that have not been active for a long time.
        """
        scores = self.scores(targets)
        codes = self.select(scores)
        residuals = self.errors(targets, codes)
        loss = torch.stack([one.square().sum(dim=1).mean() for one in residuals]).mean() + self.penalty(scores, codes)
        if dead.any():
            loss = loss + REVIVAL * self._left_over(residuals[-1].detach(), scores, dead)
        return Step(loss, residuals[-1].detach().square().sum(dim=1), codes.detach())

    def _left_over(
        self, residuals: Float[Tensor, "n d"], scores: Float[Tensor, "n k"], dead: Bool[Tensor, " k"]
    ) -> Float[Tensor, ""]:
        """Return the error of dead atoms at what the others leave over, relative to it."""
        idle = scores[:, dead]
        codes = largest(idle, min(REVIVED, idle.shape[1]))
        left = (residuals - codes @ self.atoms()[dead]).square().sum()
        return left / residuals.square().sum().clamp(min=torch.finfo(left.dtype).tiny)

    def constrain(self) -> None:
        """Put parameters back where they are allowed to be, after a step; nowhere in general."""
        return

    def settle(self, targets: Float[Tensor, "n d"]) -> None:
        """Fix what follows from all training rows, when training is over; nothing in general."""
        return


def compose_sparse(codes: Float[Tensor, "n k"], atoms: Float[Tensor, "k d"]) -> Float[Tensor, "n d"]:
    """Return w D, touching only the atoms that are active: several times as fast where few are.

    Codes that are zero get no gradient.

    Args:
        codes: w.
        atoms: D.

    Example:
        >>> compose_sparse(torch.tensor([[0.0, 2.0], [0.0, 0.0]]), torch.eye(2))
        tensor([[0., 2.],
                [0., 0.]])
    """
    rows, places = codes.nonzero(as_tuple=True)
    ends = torch.bincount(rows, minlength=len(codes)).cumsum(0)
    starts = torch.cat([ends.new_zeros(1), ends[:-1]])
    return embedding_bag(places, atoms, starts, mode="sum", per_sample_weights=codes[rows, places])


def largest(scores: Float[Tensor, "n k"], count: int) -> Float[Tensor, "n k"]:
    """Keep the largest so many of each row where they are positive, and set all others to zero.

    Args:
        scores: a.
        count: How many to keep, at most k.

    Returns:
        The codes, 0 or more.

    Example:
        >>> largest(torch.tensor([[0.1, 0.4, 0.2], [-1.0, 0.3, -2.0]]), 2)
        tensor([[0.0000, 0.4000, 0.2000],
                [0.0000, 0.3000, 0.0000]])
    """
    values, indices = scores.topk(count, dim=1, sorted=False)
    return torch.zeros_like(scores).scatter(1, indices, values.relu())
