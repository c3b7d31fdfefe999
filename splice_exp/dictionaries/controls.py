"""Dictionaries to compare with: what is left of a result when the atoms are random, learned, or the classes?"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError, require_at_least, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.memory import physical_memory
from splice_exp.core.types import Dictionary
from splice_exp.dictionaries.base import DictionaryBuilder, Ingredients
from splice_exp.dictionaries.text import encode_concepts
from splice_exp.embeddings.geometry import center
from splice_exp.solvers.objective import to_half_square

RANDOM, LEARNED = "random atoms", "learned atoms"  # in place of a vocabulary, where atoms are no concepts


class RandomAtoms(DictionaryBuilder):
    """Independent Gaussian directions: as many atoms as the vocabulary has names, but no meaning.

    Args:
        size: Number of atoms; by default that of the vocabulary.
        seed: Of the sampling.
    """

    def __init__(self, size: int | None = None, seed: int = 0) -> None:
        if size is not None:
            require_integer("size", size, 1)
        require_integer("seed", seed, 0)
        self._size, self._seed = size, seed

    def reseeded(self) -> RandomAtoms:
        return RandomAtoms(self._size, self._seed + 1)

    def build(self, ingredients: Ingredients) -> Dictionary:
        size = self._size or len(ingredients.vocabulary.load(ingredients.backbone).concepts)
        draws = np.random.default_rng(self._seed).standard_normal((size, ingredients.embeddings.dim))
        atoms = normalize(torch.from_numpy(draws), dim=1).to(torch.float32)
        names = tuple(f"random {index}" for index in range(size))
        return Dictionary(atoms, names, torch.zeros(atoms.shape[1]), {"vocabulary": RANDOM, "seed": self._seed})


class RandomLikeConcepts(DictionaryBuilder):
    """Gaussian directions with the covariance of the concepts: as many, where texts lie, but without their meaning.

        row = σ(g A)        g ~ N(0, I_k),   A (k, d): the centred concepts,   so that E[(g A)ᵀ(g A)] = Aᵀ A

    Texts fill the space unevenly, and images lie near where they do; isotropic directions waste most of their freedom.

    Args:
        seed: Of the sampling.
    """

    def __init__(self, seed: int = 0) -> None:
        require_integer("seed", seed, 0)
        self._seed = seed

    def reseeded(self) -> RandomLikeConcepts:
        return RandomLikeConcepts(self._seed + 1)

    def build(self, ingredients: Ingredients) -> Dictionary:
        vocabulary = ingredients.vocabulary.load(ingredients.backbone)
        concepts = encode_concepts(
            vocabulary.concepts, ingredients.backbone, ingredients.alignment, vocabulary.provenance, ingredients.cache
        )
        size = len(concepts)
        draws = torch.from_numpy(np.random.default_rng(self._seed).standard_normal((size, size)))
        atoms = normalize(draws @ concepts.atoms.double(), dim=1).to(torch.float32)
        names = tuple(f"random {index}" for index in range(size))
        return Dictionary(atoms, names, torch.zeros(atoms.shape[1]), {"vocabulary": RANDOM, "seed": self._seed})


def has_names(dictionary: Dictionary) -> bool:
    """Say whether the atoms stand for concepts, rather than being numbered directions."""
    return dictionary.provenance.get("vocabulary") not in (RANDOM, LEARNED)


class RandomConcepts(DictionaryBuilder):
    """A random part of the vocabulary, whatever the frequency of its names.

    Args:
        share: Of the names, in (0, 1].
        seed: Of the sampling.
    """

    def __init__(self, share: float = 0.5, seed: int = 0) -> None:
        require_at_least("share", share, 0)
        if not 0 < share <= 1:
            raise SpliceError(f"{key_of('share')} is {share}, but must lie above 0 and not above 1.")
        require_integer("seed", seed, 0)
        self._share, self._seed = share, seed

    def reseeded(self) -> RandomConcepts:
        return RandomConcepts(self._share, self._seed + 1)

    def build(self, ingredients: Ingredients) -> Dictionary:
        vocabulary = ingredients.vocabulary.load(ingredients.backbone)
        total = len(vocabulary.concepts)
        size = max(1, round(self._share * total))
        chosen = np.sort(np.random.default_rng(self._seed).choice(total, size, replace=False))
        concepts = [vocabulary.concepts[index] for index in chosen]
        provenance = {**vocabulary.provenance, "drawn": size, "seed": self._seed}
        return encode_concepts(concepts, ingredients.backbone, ingredients.alignment, provenance, ingredients.cache)


class LearnedAtoms(DictionaryBuilder):
    """Atoms learned from the embeddings themselves, with nonnegative codes: how well could any dictionary do?

    It is fitted to the very samples it is judged on, an advantage that the text dictionary does not have.

    Args:
        size: Number of atoms.
        l1_penalty: L of the codes while learning.
        max_iter: Passes over the samples.
        seed: Of the fit.

    References:
        Mairal, Bach, Ponce, Sapiro. Online dictionary learning for sparse coding. ICML 2009.
    """

    def __init__(self, size: int = 256, l1_penalty: float = 0.25, max_iter: int = 20, seed: int = 0) -> None:
        require_integer("size", size, 1)
        needed = 8 * size**2  # bytes of the moments of the codes, which learning adds up
        if needed > physical_memory():
            raise SpliceError(
                f"{key_of('size', self)} is {size}, and learning so many atoms needs {needed / 1e9:.0f} GB of memory, "
                f"of which there are {physical_memory() / 1e9:.0f}: set fewer."
            )
        require_at_least("l1_penalty", l1_penalty, 0)
        require_integer("max_iter", max_iter, 1)
        require_integer("seed", seed, 0)
        self._size, self._l1_penalty, self._max_iter, self._seed = size, l1_penalty, max_iter, seed

    def build(self, ingredients: Ingredients) -> Dictionary:
        if not len(ingredients.embeddings):
            raise SpliceError("dictionary=learned is learned from embeddings, which must be there: set fused=false.")
        from sklearn.decomposition import MiniBatchDictionaryLearning  # late: they take a second
        from sklearn.exceptions import ConvergenceWarning

        mean = ingredients.image_mean if ingredients.alignment.image else torch.zeros_like(ingredients.image_mean)
        targets, _ = center(ingredients.embeddings.features, mean)
        learner = MiniBatchDictionaryLearning(
            n_components=self._size,
            alpha=to_half_square(self._l1_penalty),
            max_iter=self._max_iter,
            fit_algorithm="cd",
            positive_code=True,
            random_state=self._seed,
        )
        with warnings.catch_warnings():  # of inner lasso problems; our solver finds and certifies the codes
            warnings.simplefilter("ignore", ConvergenceWarning)
            components = learner.fit(targets.double().numpy()).components_
        atoms = torch.from_numpy(components)
        atoms = normalize(atoms[atoms.norm(dim=1) > 1e-6], dim=1).to(
            torch.float32
        )  # atoms that no sample used are zero
        names = tuple(f"learned {index}" for index in range(len(atoms)))
        provenance = {"vocabulary": LEARNED, "l1_penalty": self._l1_penalty, "seed": self._seed}
        return Dictionary(atoms, names, torch.zeros(atoms.shape[1]), provenance)


class ClassNames(DictionaryBuilder):
    """The classes of the data set as the only concepts: zero-shot accuracy with the answer in the dictionary."""

    def build(self, ingredients: Ingredients) -> Dictionary:
        classes = list(dict.fromkeys(ingredients.embeddings.classes))
        if len(classes) < 2:
            raise SpliceError("dictionary=class_names needs a data set with at least two classes.")
        provenance = {"vocabulary": "class names"}
        return encode_concepts(classes, ingredients.backbone, ingredients.alignment, provenance, ingredients.cache)
