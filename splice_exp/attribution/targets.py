"""What is explained: a number for each representation, how much it is like a corpus rather than a foil.

    cosine   γ(x) = ⟨σ(f(x)), w⟩        dot   γ(x) = ⟨f(x), w⟩        σ = L2 normalisation

    label-free                w = f(e)                 e: the explicand itself
    contrastive label-free    w = f(e) − μ_foil
    corpus                    w = μ_corpus
    contrastive corpus        w = μ_corpus − μ_foil    (COCOA)

with σ(f(e)) and the means of normalised members for the cosine. Similarity is linear in its second argument: whatever a
corpus is made of (images, texts, stored embeddings, concepts), a target is a direction.

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023, section 3.
    Crabbé, van der Schaar. Label-free explainability for unsupervised models. ICML 2022 (label-free, dot).
    Wickstrøm et al. RELAX: representation learning explainability. IJCV 2023 (label-free, cosine).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.attribution.corpus import EPSILON, SIMILARITIES, Corpus, is_unit, uniform_error
from splice_exp.core.errors import SpliceError, require_at_least, require_choice
from splice_exp.core.io import digest
from splice_exp.core.tensors import tensor_digest

KINDS = ("label_free", "contrastive_label_free", "corpus", "contrastive_corpus")
DISTANCE = "corpus_distance"  # no direction: `CorpusDistance`


class Target(ABC):
    """K numbers for each representation; which explicand a representation belongs to may matter.

    Attributes:
        names: One for each of the K, unique.
    """

    names: tuple[str, ...]

    @abstractmethod
    def of(self, rows: range) -> Target:
        """Return the target of some samples, which then are counted from 0."""

    @abstractmethod
    def digest(self) -> str:
        """Identify all that is asked."""

    @abstractmethod
    def scores(self, representations: Float[Tensor, "m d"], samples: Int64[Tensor, " m"]) -> Float[Tensor, "m K"]:
        """Judge representations, not normalised; differentiable.

        Args:
            representations: f of masked, noisy or interpolated explicands.
            samples: The explicand of each, counted from 0.

        Returns:
            K numbers for each representation: larger where it has more of what is asked.
        """

    def shares(
        self, parts: Float[Tensor, "m d"], norms: Float[Tensor, " m"], samples: Int64[Tensor, " m"]
    ) -> Float[Tensor, "m K"]:
        """Judge parts of a representation, so that the shares of all parts add up to its score.

        Args:
            parts: Terms of a sum that is a representation.
            norms: Norm of the representation that each is a part of.
            samples: The explicand of each, counted from 0.

        Returns:
            The share of each part in each of the K scores.

        Raises:
            SpliceError: if the target is no direction.
        """
        raise SpliceError(f"The target {', '.join(self.names)} is no direction: it cannot be shared out to parts.")


class Directions(Target):
    """Targets that are directions, of all explicands or of each.

    Args:
        names: One per direction.
        weights: w, (K, d) for all explicands, or (n, K, d).
        similarity: `cosine` or `dot`.
        corpus: What representations are to be like, if that is one corpus.
        foil: What they are to be unlike, if that is one corpus.
    """

    def __init__(
        self,
        names: Sequence[str],
        weights: Float[Tensor, "*n K d"],
        similarity: str = "cosine",
        corpus: Corpus | None = None,
        foil: Corpus | None = None,
    ) -> None:
        require_choice("similarity", similarity, SIMILARITIES)
        if weights.ndim not in (2, 3) or weights.shape[-2] != len(names) or len(set(names)) != len(names):
            raise SpliceError(
                f"{len(names)} targets {list(names)} need as many directions and different names, but the directions "
                f"have the shape {tuple(weights.shape)}."
            )
        self.names, self.weights, self.similarity = tuple(names), weights.detach().float(), similarity
        self.corpus, self.foil = corpus, foil

    def of(self, rows: range) -> Directions:
        if self.weights.ndim == 2:
            return self
        return Directions(self.names, self.weights[rows.start : rows.stop], self.similarity, self.corpus, self.foil)

    def digest(self) -> str:
        return digest([self.names, self.similarity, tensor_digest(self.weights)])

    def foil_error(self, confidence: float) -> float | None:
        """Return how far the similarities to the foil can be off, all at once, as its members were drawn.

        None where that is not known: without a foil, for a foil of one, and for dot products, which have no bounds.

        Args:
            confidence: 1 − δ.
        """
        if self.foil is None or self.foil.size == 1 or self.similarity != "cosine":
            return None
        return uniform_error(self.foil.size, confidence)

    def scores(self, representations: Float[Tensor, "m d"], samples: Int64[Tensor, " m"]) -> Float[Tensor, "m K"]:
        seen = normalize(representations, dim=1, eps=EPSILON) if self.similarity == "cosine" else representations
        return self._products(seen, samples)

    def shares(
        self, parts: Float[Tensor, "m d"], norms: Float[Tensor, " m"], samples: Int64[Tensor, " m"]
    ) -> Float[Tensor, "m K"]:
        products = self._products(parts, samples)
        return products / norms.clamp(min=EPSILON)[:, None] if self.similarity == "cosine" else products

    def _products(self, vectors: Tensor, samples: Tensor) -> Tensor:
        weights = self.weights.to(vectors)
        if weights.ndim == 2:
            return vectors @ weights.T
        return torch.einsum("md,mkd->mk", vectors, weights[samples.to(weights.device)])


class Together(Target):
    """Several targets as one, so that one pass over masked images serves all of them.

    Args:
        targets: At least one; their names must differ.
    """

    def __init__(self, targets: Sequence[Target]) -> None:
        self.names = tuple(name for target in targets for name in target.names)
        if not targets or len(set(self.names)) != len(self.names):
            raise SpliceError(f"Targets that are explained together need different names, but are {list(self.names)}.")
        self._targets = tuple(targets)

    def of(self, rows: range) -> Together:
        return Together([target.of(rows) for target in self._targets])

    def digest(self) -> str:
        return digest([target.digest() for target in self._targets])

    def scores(self, representations: Float[Tensor, "m d"], samples: Int64[Tensor, " m"]) -> Float[Tensor, "m K"]:
        return torch.cat([target.scores(representations, samples) for target in self._targets], dim=1)

    def shares(
        self, parts: Float[Tensor, "m d"], norms: Float[Tensor, " m"], samples: Int64[Tensor, " m"]
    ) -> Float[Tensor, "m K"]:
        return torch.cat([target.shares(parts, norms, samples) for target in self._targets], dim=1)


class GaussianKernel(Target):
    """Similarity by a Gaussian kernel to the members themselves; contrastive: its share of corpus and foil together.

        S = mean_i exp(−‖f(x) − f(c_i)‖² / (2 s² d))        γ = S_corpus, or S_corpus / (S_corpus + S_foil)

    Args:
        name: Of the target.
        corpus: Representations, not normalised, (m, d).
        foil: Others, or none.
        bandwidth: s.
    """

    def __init__(
        self,
        name: str,
        corpus: Float[Tensor, "m d"],
        foil: Float[Tensor, "n d"] | None = None,
        bandwidth: float = 1.0,
    ) -> None:
        require_at_least("bandwidth", bandwidth, 1e-12)
        self.names = (name,)
        self._corpus, self._foil, self._bandwidth = corpus, foil, bandwidth

    def of(self, rows: range) -> GaussianKernel:
        return self

    def digest(self) -> str:
        members = [None if one is None else tensor_digest(one) for one in (self._corpus, self._foil)]
        return digest([self.names, self._bandwidth, members])

    def scores(self, representations: Float[Tensor, "m d"], samples: Int64[Tensor, " m"]) -> Float[Tensor, "m K"]:
        own = self._log_mean(representations, self._corpus)
        if self._foil is None:
            return own.exp()[:, None]
        # The ratio by logarithms: far from both, where either kernel is zero in floating point, it is still a number.
        return torch.sigmoid(own - self._log_mean(representations, self._foil))[:, None]

    def _log_mean(self, representations: Tensor, members: Tensor) -> Tensor:
        members = members.to(representations)
        # ‖x − c‖² = ‖x‖² + ‖c‖² − 2⟨x, c⟩ takes no memory of the size of all differences, and loses few digits around
        # the mean of the members; `cdist` has no finite gradient where two representations coincide.
        centre = members.mean(dim=0)
        x, c = representations - centre, members - centre
        squares = x.square().sum(dim=1, keepdim=True) + c.square().sum(dim=1) - 2 * x @ c.T
        logs = -squares / (2 * self._bandwidth**2 * members.shape[1])
        return logs.logsumexp(dim=1) - torch.log(torch.tensor(float(len(members)), device=logs.device))


class CorpusDistance(Target):
    """Nearness to a corpus: minus the mean squared distance to its members.

        γ(x) = −mean_i ‖f(x) − f(c_i)‖² = −‖f(x) − μ‖² − mean_i ‖f(c_i) − μ‖²        μ = mean_i f(c_i)

    The authors' code has the distance itself, which is large far from the corpus. A contrast of two distances would be
    that of dot products, twice: squares of f(x) cancel.

    Args:
        name: Of the target.
        corpora: Members of the corpus of each explicand, not normalised, (m, d) each.
    """

    def __init__(self, name: str, corpora: Sequence[Float[Tensor, "_ d"]]) -> None:
        if not corpora or any(len(members) == 0 for members in corpora):
            raise SpliceError(f"The target {name!r} needs a corpus of one representation or more for every explicand.")
        means = [members.double().mean(dim=0) for members in corpora]
        spreads = [
            (members.double() - mean).square().sum(dim=1).mean() for members, mean in zip(corpora, means, strict=True)
        ]
        self.names = (name,)
        self._means, self._spreads = torch.stack(means).float(), torch.stack(spreads).float()

    def of(self, rows: range) -> CorpusDistance:
        found = copy(self)
        found._means, found._spreads = (one[rows.start : rows.stop] for one in (self._means, self._spreads))
        return found

    def digest(self) -> str:
        return digest([self.names, "distance", tensor_digest(self._means), tensor_digest(self._spreads)])

    def scores(self, representations: Float[Tensor, "m d"], samples: Int64[Tensor, " m"]) -> Float[Tensor, "m K"]:
        means, spreads = (one.to(representations)[samples] for one in (self._means, self._spreads))
        return -((representations - means).square().sum(dim=1) + spreads)[:, None]


def target_of(
    kind: str,
    similarity: str = "cosine",
    explicands: Float[Tensor, "n d"] | None = None,
    corpus: Corpus | None = None,
    foil: Corpus | None = None,
    name: str | None = None,
) -> Directions:
    """Make one of the four targets.

    Args:
        kind: One of `KINDS`.
        similarity: `cosine` or `dot`.
        explicands: Representations of the explicands, not normalised; for the label-free ones.
        corpus: For those with a corpus.
        foil: For the contrastive ones.
        name: Of the target, by default its kind.

    Raises:
        SpliceError: if something is missing that the kind needs, or a dot product would compare what has a length with
            what has none.
    """
    require_choice("kind", kind, KINDS)
    require_choice("similarity", similarity, SIMILARITIES)
    label_free, contrastive = kind.endswith("label_free"), kind.startswith("contrastive")
    for needed, given, what in (
        (label_free, explicands, "the explicands"),
        (not label_free, corpus, "a corpus"),
        (contrastive, foil, "a foil"),
    ):
        if needed and given is None:
            raise SpliceError(f"The target {kind} needs {what}.")
    if label_free:
        assert explicands is not None
        own = explicands.detach().float()
        weights = (normalize(own, dim=1, eps=EPSILON) if similarity == "cosine" else own)[:, None]
    else:
        assert corpus is not None
        weights = corpus.mean(similarity)[None]
    if contrastive:
        assert foil is not None
        unit = is_unit(explicands) if label_free and explicands is not None else corpus is not None and corpus.unit
        if similarity == "dot" and unit != foil.unit:
            first = "explicands" if label_free else "corpus"
            long, short = ("foil", first) if unit else (first, "foil")
            raise SpliceError(
                f"similarity=dot compares lengths, but those of the {short} are all one, as those of texts and stored "
                f"embeddings, and those of the {long} are not: set similarity=cosine, or take images for both."
            )
        weights = weights - foil.mean(similarity).to(weights)
    return Directions(
        (name or kind,), weights, similarity, None if label_free else corpus, foil if contrastive else None
    )
