"""Atoms learned from training embeddings: how they are fitted, kept, and made a dictionary.

    train, backbone → embeddings → targets σ(z − μ_train) → fit → unit atoms, and an encoder where the method has one

Nothing of the samples that are decomposed is looked at, not even their mean.
"""

from __future__ import annotations

import logging
import tempfile
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.io import digest
from splice_exp.core.keys import altered, key_of
from splice_exp.core.runs.code import code_of
from splice_exp.core.tensors import read_tensors, tensor_digest, write_tensors
from splice_exp.core.types import Dictionary, Encoder
from splice_exp.data.base import DataSource
from splice_exp.dictionaries.base import DictionaryBuilder, Ingredients
from splice_exp.dictionaries.controls import LEARNED
from splice_exp.dictionaries.learned.rows import training_targets

log = logging.getLogger(__name__)

KIND = "dictionaries"  # the folder of the cache
SHORTEST = 1e-6  # an atom below this length is used by no sample
State = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class LearnedDictionary(DictionaryBuilder):
    """Fit atoms to the embeddings of a training set; a fit is kept by its content, and read the next time.

    A new method extends this class in its own file, implements `fit`, and is named by a yaml file.

    Args:
        train: The samples that it is fitted to; they must not be those that are decomposed.
        size: Number of atoms.
        seed: Of everything that is sampled.
    """

    train: DataSource
    size: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        require_integer("size", self.size, 1)
        require_integer("seed", self.seed, 0)

    def reseeded(self) -> LearnedDictionary:
        return altered(self, seed=self.seed + 1)

    @abstractmethod
    def fit(self, targets: Float[Tensor, "n d"], folder: Path) -> State:
        """Fit, and return the tensors that describe the fit: those that `read` needs.

        Args:
            targets: Centred unit rows of the training set.
            folder: Where an interrupted fit may leave what it goes on from; it exists.

        Raises:
            SpliceError: if the rows are too few for what is to be fitted.
        """

    def read(self, state: State, targets: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "k d"], Encoder | None]:
        """Return atoms of any length, and the encoder if the method has one.

        Args:
            state: From `fit`: by default its `atoms`, without an encoder.
            targets: Those that it was fitted to.
        """
        return state["atoms"], None

    def build(self, ingredients: Ingredients) -> Dictionary:
        """Return the dictionary, fitted now or read from the cache.

        Raises:
            SpliceError: if the training set is, or shares rows with, what is decomposed; has too few rows; or gives no
                atoms. Also if the fit in the cache is damaged and is not to be repaired.
        """
        targets = training_targets(self.train, ingredients, self)
        if ingredients.cache is None:
            with tempfile.TemporaryDirectory() as temporary:
                state = self.fit(targets, Path(temporary))
        else:
            folder = ingredients.cache.directory / KIND / self._identity(targets)
            state = self._kept(targets, folder, ingredients.cache.repair)
        atoms, encoder = self.read(state, targets)
        lengths = atoms.norm(dim=1)
        if encoder is None:  # whose codes are numbered as all atoms are
            atoms = atoms[lengths > SHORTEST]
        if not len(atoms) or not atoms.isfinite().all():
            raise SpliceError(f"{type(self).__name__} found no atoms in {self.train.name}: give more or other samples.")
        provenance = {"vocabulary": LEARNED, "method": type(self).__name__, "train": self.train.name, **self._settings}
        names = tuple(f"learned {index}" for index in range(len(atoms)))
        unit = normalize(atoms.double(), dim=1).to(torch.float32)
        return Dictionary(unit, names, torch.zeros(atoms.shape[1]), provenance, encoder)

    @property
    def _settings(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "train"}

    def _identity(self, targets: Float[Tensor, "n d"]) -> str:
        return digest([type(self).__name__, self._settings, tensor_digest(targets), code_of(self)])

    def _kept(self, targets: Float[Tensor, "n d"], folder: Path, repair: bool) -> State:
        """Return the fit that a folder has, or make one there; in place of a damaged one, too, where that is asked."""
        file = folder / "fit.safetensors"
        if file.is_file():
            try:
                return read_tensors(file)
            except SpliceError as error:
                if not repair:
                    raise SpliceError(f"{error} Set repair=true to fit it again.") from None
                log.warning("%s was damaged, and is fitted again", file)
        folder.mkdir(parents=True, exist_ok=True)
        log.info("fitting %s to %d rows of %s", type(self).__name__, len(targets), self.train.name)
        state = self.fit(targets, folder)
        write_tensors(file, {name: tensor.detach().cpu() for name, tensor in state.items()})
        return read_tensors(file)


def require_rows(targets: Float[Tensor, "n d"], needed: int, argument: str, of: LearnedDictionary) -> None:
    """Refuse to fit more than the rows allow.

    Args:
        targets: The rows.
        needed: How many the fit needs.
        argument: The argument that asks for so many.
        of: The dictionary that has this argument.

    Raises:
        SpliceError: naming the key, its value and the number of rows.
    """
    if len(targets) < needed:
        raise SpliceError(
            f"{key_of(argument, of)} is {getattr(of, argument)}, but {of.train.name} has only {len(targets)} rows to "
            f"learn from: set it to at most {len(targets)}, or give more samples."
        )
