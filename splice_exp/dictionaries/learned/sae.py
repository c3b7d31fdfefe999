"""Sparse autoencoders as dictionaries: the atoms are those of the decoder, the encoder is kept beside them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_at_least, require_bool, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.types import Encoder
from splice_exp.dictionaries.learned.autoencoder import Autoencoder
from splice_exp.dictionaries.learned.base import LearnedDictionary, State
from splice_exp.dictionaries.learned.fitting import Course, train


class OwnEncoder(Encoder):
    """The encoder of a trained network: one pass, without any optimisation.

    Args:
        network: In evaluation mode.
    """

    def __init__(self, network: Autoencoder) -> None:
        self._network = network
        self.shift = torch.zeros(network.atoms().shape[1])

    @torch.no_grad()
    def encode(self, targets: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Return the codes of centred unit rows, over the unit atoms."""
        return self._network.encode(targets)

    @torch.no_grad()
    def codes(self, targets: Float[Tensor, "n d"]) -> Codes:
        return self._network.sparse(targets)


@dataclass(frozen=True, kw_only=True, eq=False)
class AutoencoderDictionary(LearnedDictionary):
    """Train a sparse autoencoder; a kind of it implements `network`.

    Args:
        train: The samples that it is fitted to; they must not be those that are decomposed.
        size: Number of atoms.
        seed: Of the first weights and the order of the rows.
        epochs: Passes over the rows.
        batch_size: Rows in a step.
        learning_rate: Of Adam.
        trained: false: the random initial weights, a baseline that must lose.
    """

    epochs: int = 50
    batch_size: int = 256
    learning_rate: float = 1e-3
    trained: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("epochs", self.epochs, 1)
        require_integer("batch_size", self.batch_size, 1)
        require_at_least("learning_rate", self.learning_rate, 0)
        require_bool("trained", self.trained)

    @abstractmethod
    def network(self, targets: Float[Tensor, "n d"]) -> Autoencoder:
        """Return the network before training; torch samples its weights.

        Raises:
            SpliceError: if the rows are too few for what is to be trained.
        """

    def fit(self, targets: Float[Tensor, "n d"], folder: Path) -> State:
        network = self._drawn(targets)
        if self.trained:
            train(network, targets, Course(self.epochs, self.batch_size, self.learning_rate, self.seed), folder)
        with torch.no_grad():
            network.eval().settle(targets)
        return network.state_dict()

    def read(self, state: State, targets: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "k d"], Encoder]:
        network = self._drawn(targets)
        network.load_state_dict(dict(state))
        network.eval().requires_grad_(False)
        return network.atoms(), OwnEncoder(network)

    def _drawn(self, targets: Float[Tensor, "n d"]) -> Autoencoder:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            return self.network(targets)


def require_sparse(target_l0: int, size: int) -> None:
    """Refuse codes with more active atoms than there are.

    Args:
        target_l0: Active atoms of a row.
        size: Number of atoms.

    Raises:
        SpliceError: if `target_l0` is not an integer of 1 or more; or naming both keys.
    """
    require_integer("target_l0", target_l0, 1)
    if target_l0 > size:
        raise SpliceError(f"{key_of('target_l0')} is {target_l0}, but {key_of('size')} is only {size}.")
