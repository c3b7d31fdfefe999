"""The value objects that travel through the house: embeddings, dictionary, solution, and what tells them apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.names import Named
from splice_exp.core.text.html import html_table

SHOWN = 5  # concepts in a line
Modality = Literal["image", "text"]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Embeddings of n samples: always L2-normalised, never centred (centring is an explicit step).

    Attributes:
        features: Unit rows, (n, d) float32.
        labels: Class of each row, (n,), or None where there are no classes.
        sample_ids: One name per row, unique.
        classes: Class names; labels index into it.
        modality: What was embedded.
        backbone_id: Fingerprint of the encoder.
        source_id: Identity of exactly these rows, where it is known without a look at them.
    """

    features: Float[Tensor, "n d"]
    labels: Int64[Tensor, " n"] | None
    sample_ids: tuple[str, ...]
    classes: tuple[str, ...]
    modality: Modality
    backbone_id: str
    source_id: str | None = None

    def __len__(self) -> int:
        return len(self.features)

    @property
    def dim(self) -> int:
        """Width d of the embedding space."""
        return self.features.shape[1]

    def select(self, rows: Int64[Tensor, " m"]) -> Embeddings:
        """Return some rows, in the order given; the classes stay."""
        labels = None if self.labels is None else self.labels[rows]
        sample_ids = tuple(self.sample_ids[row] for row in rows.tolist())
        return replace(self, features=self.features[rows], labels=labels, sample_ids=sample_ids, source_id=None)

    def with_classes(self, kept: Sequence[int]) -> Embeddings:
        """Return the rows of some classes, labels renumbered in the order of `kept`.

        Raises:
            ValueError: if there are no labels.
        """
        if self.labels is None:
            raise ValueError("embeddings without labels have no classes to select")
        if list(kept) == list(range(len(self.classes))):
            return self
        renumbered = torch.full((len(self.classes),), -1, dtype=torch.int64)
        renumbered[torch.tensor(kept, dtype=torch.int64)] = torch.arange(len(kept))
        labels = renumbered[self.labels]
        part = self.select((labels >= 0).nonzero().flatten())
        return replace(part, labels=labels[labels >= 0], classes=tuple(self.classes[index] for index in kept))


@dataclass(frozen=True, eq=False)
class Attribute:
    """Something else that is known of each sample, besides its class.

    Attributes:
        values: Names of what it can be.
        labels: Which of them each sample has, (n,).
    """

    values: tuple[str, ...]
    labels: Int64[Tensor, " n"]

    def select(self, rows: Sequence[int]) -> Attribute:
        """Return the attribute of some samples, in the order given."""
        return Attribute(self.values, self.labels[torch.as_tensor(rows, dtype=torch.int64)])


class Encoder(ABC):
    """What finds codes over a dictionary in one pass, as an autoencoder does: whether they are good is another matter.

    Attributes:
        shift: What its decoder adds to w D, (d,): a target x is reconstructed as w D + shift.
    """

    shift: Float[Tensor, " d"]

    @abstractmethod
    def encode(self, targets: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Return nonnegative codes over the unit atoms of the dictionary, dense: for few rows at a time."""

    def codes(self, targets: Float[Tensor, "n d"]) -> Codes:
        """Return the same without zeros; an encoder that knows where they are need not look for them.

        Args:
            targets: Few rows at a time.
        """
        return Codes.from_dense(self.encode(targets))


@dataclass(frozen=True, eq=False, repr=False)
class Dictionary(Named):
    """A dictionary: unit-norm atoms and the names of the concepts they stand for.

    Everything asks by name: `dictionary.index("eyewear")`.

    Attributes:
        atoms: Unit rows, (k, d) float32.
        concepts: k distinct names.
        mean: What was subtracted from the text embeddings before normalising them again, (d,).
        provenance: Where vocabulary and atoms come from, for the record.
        encoder: The method's own, for atoms that were learned together with one.
    """

    atoms: Float[Tensor, "k d"]
    concepts: tuple[str, ...]
    mean: Float[Tensor, " d"]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    encoder: Encoder | None = None

    def __post_init__(self) -> None:
        if len(self.concepts) != len(self.atoms):
            raise ValueError(f"{len(self.concepts)} names for {len(self.atoms)} atoms")
        if len(set(self.concepts)) != len(self.concepts):
            repeated = sorted({name for name in self.concepts if self.concepts.count(name) > 1})
            raise SpliceError(f"A dictionary needs distinct concepts, but these occur twice: {shown(repeated)}.")

    def __len__(self) -> int:
        return len(self.concepts)

    def __repr__(self) -> str:
        named = ", ".join(self.concepts[:SHOWN]) + (", …" if len(self) > SHOWN else "")
        return f"Dictionary({len(self)} concepts, {self.atoms.shape[1]} wide: {named})"

    def _repr_html_(self) -> str:
        provenance = [[key, value] for key, value in self.provenance.items()]
        return html_table(repr(self), ["provenance", ""], provenance)


class Status(Enum):
    """How a solver ended; the value is what to do about it."""

    CONVERGED = "every row is certified to the tolerance"
    FINISHED = "the method has no tolerance: it did all its steps"
    MAX_ITERATIONS = "the iteration limit was reached: raise solver.max_iterations or solver.tol, or set solver=path"
    TARGET_MISSED = "some rows have no point with solver.target_l0 concepts on their path: lower solver.l1_penalty"
    PRECISION = "float32 ends above the tolerance: raise solver.tol or solve float64 targets"


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """What a solver found, and how good it is on the full dictionary (in float64).

    Attributes:
        codes: The n sparse rows.
        status: How it ended, the worst over rows.
        duality_gap: Upper bound of objective minus optimum, (n,) float64; NaN for a method without a convex objective.
        kkt_violation: Distance to optimality conditions, (n,) float64, in units of the gradient.
        num_iterations: Iterations each row took, (n,).
        l1_penalty: Penalty of each row, (n,), where the solver chose it.
    """

    codes: Codes
    status: Status
    duality_gap: Float[Tensor, " n"]
    kkt_violation: Float[Tensor, " n"]
    num_iterations: Int[Tensor, " n"]
    l1_penalty: Float[Tensor, " n"] | None = None

    def __repr__(self) -> str:
        return f"Solution({len(self.codes)} rows, {self.status.name.lower()}, {self._bounds})"

    def _repr_html_(self) -> str:
        rows = [
            ["status", self.status.value],
            ["largest duality gap", f"{_largest(self.duality_gap):.1e}"],
            ["largest KKT violation", f"{_largest(self.kkt_violation):.1e}"],
            ["active concepts, mean", f"{float(self.codes.l0().double().mean()):.1f}" if len(self.codes) else "none"],
        ]
        return html_table(repr(self), ["", ""], rows)

    @property
    def _bounds(self) -> str:
        gap = _largest(self.duality_gap)
        return "without a duality gap" if gap != gap else f"duality gap at most {gap:.1e}"  # NaN is not itself


def _largest(values: Float[Tensor, " n"]) -> float:
    return float(values.max()) if len(values) else 0.0


@dataclass(frozen=True)
class ConceptMixture:
    """The latent (ω, ε) of an image: which concepts it shows, how strongly, and the seed of everything else in it.

    Attributes:
        weights: ω: strength of each concept that is shown, by its name.
        nuisance: ε: seed of everything that no concept names.
    """

    weights: Mapping[str, float]
    nuisance: int
