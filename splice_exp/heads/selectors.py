"""Which singular vectors are about something: a score for each, which rules of editing turn into factors.

    codes       R(v) = max over ±v of Σ_k w_k · max_t ⟨d_k, t⟩            w: the code of ±v, t: atoms of the names
    subspace    R(v) = max over ±v of ‖Π x‖²                               Π: onto the span of the atoms of the names
    judged      R(v) = max over ±v of what a judge says, 1 … 5                of the list of concepts, about a topic
    listed      R(v) = 1 for vectors that are named, 0 for others

A vector is a channel with two signed directions; it is about something if either of them is.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), sections 5.1 and 5.2 (judged), 5.3 (codes).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.errors import SpliceError, nearest, require_integer, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.types import Dictionary
from splice_exp.heads.explain import POLES, Explanations
from splice_exp.heads.judge import Judge, read_prompt
from splice_exp.heads.rules import Above, Highest, Rule


@dataclass(frozen=True)
class Selector(ABC):
    """Scores vectors by what their signed directions mean.

    Attributes:
        rule: What is done with the scores, where nobody says otherwise: the highest quarter is removed.
    """

    rule: ClassVar[Rule] = Highest(0.25)

    @abstractmethod
    def scores(self, found: Explanations, names: Sequence[str]) -> Float[Tensor, " n"]:
        """Return one score per vector.

        Args:
            found: Of both signed directions of each vector, one after the other.
            names: Of the vectors.

        Raises:
            SpliceError: if what it asks for is missing.
        """


@dataclass(frozen=True)
class ByConcepts(Selector):
    """Vectors whose signed directions are near some names.

    Args:
        concepts: Names of the dictionary.
    """

    concepts: Sequence[str]

    def __post_init__(self) -> None:
        require_names("concepts", self.concepts)
        if not self.concepts:
            raise SpliceError(f"{key_of('concepts')} is empty, but needs one name or more.")

    def _atoms(self, dictionary: Dictionary) -> Float[Tensor, "t e"]:
        return dictionary.atoms[np.array([dictionary.index(name) for name in self.concepts])].double()


@dataclass(frozen=True)
class ByCodes(ByConcepts):
    """Vectors whose signed directions have concepts like some names."""

    def scores(self, found: Explanations, names: Sequence[str]) -> Float[Tensor, " n"]:
        atoms = found.dictionary.atoms.double()
        near = (atoms @ self._atoms(found.dictionary).T).amax(dim=1)
        codes = found.solution.codes
        scores = torch.zeros(len(codes), dtype=torch.float64)
        scores.index_add_(0, codes.rows, codes.values.double() * near[codes.indices])
        return _of_vectors(scores)


@dataclass(frozen=True)
class BySubspace(ByConcepts):
    """Vectors whose signed directions lie in the span of some names, whatever their codes are."""

    def scores(self, found: Explanations, names: Sequence[str]) -> Float[Tensor, " n"]:
        basis = orthonormal(self._atoms(found.dictionary))
        return _of_vectors((found.targets @ basis.T).square().sum(dim=1))


@dataclass(frozen=True)
class ByJudge(Selector):
    """Vectors whose signed directions are about a topic, in the view of a language model; the mean of its repeats.

    Args:
        judge: Whom to ask.
        topic: In words.
        listed: Concepts of each signed direction that the judge sees, at most.
    """

    judge: Judge
    topic: str
    listed: int = 5

    def __post_init__(self) -> None:
        require_integer("listed", self.listed, 1)
        if not self.topic.strip():
            raise SpliceError(f"{key_of('topic')} is empty, but must say what the judge is to look for.")

    def scores(self, found: Explanations, names: Sequence[str]) -> Float[Tensor, " n"]:
        lists = found.top(self.listed)
        there = [row for row, concepts in enumerate(lists) if concepts]
        prompts = [read_prompt("topic", lists[row], topic=self.topic) for row in there]
        scores = torch.ones(len(lists), dtype=torch.float64)  # who says nothing is not about it
        for row, verdicts in zip(there, self.judge.verdicts(prompts), strict=True):
            read = [verdict.score for verdict in verdicts if verdict is not None]
            if not read:
                raise SpliceError(
                    f"{self.judge.name} gives no score for the direction {'+−'[row % 2]} of {names[row // 2]}: raise "
                    f"{key_of('judge.repeats', self)}, or take another {key_of('judge.model', self)}."
                )
            scores[row] = sum(read) / len(read)
        return _of_vectors(scores)


@dataclass(frozen=True)
class ByList(Selector):
    """Vectors that are named; these, and no others, are removed where nobody says otherwise.

    Args:
        vectors: Their names, as `L3.H0.0`: layer, head, number; `L3.H0` stands for all vectors of a head.
    """

    rule: ClassVar[Rule] = Above(1.0)

    vectors: Sequence[str]

    def __post_init__(self) -> None:
        require_names("vectors", self.vectors)

    def scores(self, found: Explanations, names: Sequence[str]) -> Float[Tensor, " n"]:
        heads = {name: name.rpartition(".")[0] for name in names}
        for name in self.vectors:
            if name not in {*names, *heads.values()}:
                raise SpliceError(f"{key_of('vectors', self)} has {name!r}, which is none ({_advice(name, names)}).")
        return torch.tensor([float(bool({name, heads[name]} & {*self.vectors})) for name in names], dtype=torch.float64)


def _advice(name: str, names: Sequence[str]) -> str:
    """Say what was meant; a vector is edited in both of its signed directions."""
    if name[:-1] in names and name[-1] in POLES:
        return f"both signed directions of a vector are edited: {name[:-1]}"
    return nearest(name, list(names))


def orthonormal(rows: Float[Tensor, "m e"]) -> Float[Tensor, "r e"]:
    """Return an orthonormal basis of the span of some rows."""
    _, values, vh = torch.linalg.svd(rows.double(), full_matrices=False)
    return vh[values > 1e-6 * values[0]]


def _of_vectors(scores: Float[Tensor, " m"]) -> Float[Tensor, " n"]:
    """Return the larger one of the scores of the two signed directions of each vector."""
    return scores.view(-1, 2).amax(dim=1)
