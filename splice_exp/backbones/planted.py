r"""A synthetic encoder that satisfies, up to known deviations, the conditions under which sparse codes exist.

    content(text) = σ( Σ_words v(word) + phrase · v(text) )                     v(·): a random unit vector a string
    text(c)       = σ( μ_text  + content(c) )
    image(ω, ε)   = σ( μ_image + Σ_c ω_c content(c) + noise · v(ε) )

Concepts are linear and shared by both modalities; the two means make the modality gap; `phrase` makes "red star"
more than the sum of its words; `noise` is what no concept explains.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.backbones.base import Backbone, require_templates
from splice_exp.core.errors import SpliceError, require_at_least, require_integer
from splice_exp.core.io import digest
from splice_exp.core.types import ConceptMixture


@lru_cache(maxsize=100_000)
def random_unit_vector(seed: int, name: str, dim: int) -> Float[Tensor, " d"]:
    """Return v(name).

    Args:
        seed: Of the model; another one gives another vector to each name.
        name: What the vector stands for.
        dim: d.
    """
    start = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8])
    vector = torch.from_numpy(np.random.default_rng(start).standard_normal(dim))
    return vector / vector.norm()


class PlantedBackbone(Backbone):
    """A linear encoder of words; any text has an embedding.

    Args:
        dim: Width d of the embedding space.
        gap: Norm of each of the two modality means, relative to a content vector.
        phrase: Share of a text that is not the sum of its words.
        noise: Norm of the part of an image that no concept explains.
        seed: Fixes all vectors.
        class_templates: Texts of a class, with `{}` for its name.
    """

    def __init__(
        self,
        dim: int = 128,
        gap: float = 1.0,
        phrase: float = 0.5,
        noise: float = 1.3,
        seed: int = 0,
        class_templates: Sequence[str] = ("{}",),
    ) -> None:
        require_integer("dim", dim, 2)
        require_integer("seed", seed, 0)
        for key, value in (("gap", gap), ("phrase", phrase), ("noise", noise)):
            require_at_least(key, value, 0)
        self.dim, self.class_templates = dim, require_templates(class_templates)
        self._gap, self._phrase, self._noise, self._seed = gap, phrase, noise, seed
        self.backbone_id = "planted:" + digest([dim, gap, phrase, noise, seed])

    def _vector(self, name: str) -> Float[Tensor, " d"]:
        return random_unit_vector(self._seed, name, self.dim)

    def _content(self, text: str) -> Float[Tensor, " d"]:
        words = text.split()
        total = torch.stack([self._vector(f"word {word}") for word in words]).sum(dim=0)
        return normalize(total + self._phrase * self._vector(f"phrase {text}"), dim=0)

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "m d"]:
        empty = [row for row, text in enumerate(texts) if not text.strip()]
        if empty:
            raise SpliceError(f"Text {empty[0]} is empty: a text needs at least one word.")
        mean = self._gap * self._vector("mean text")
        return normalize(torch.stack([mean + self._content(text) for text in texts]), dim=1).to(torch.float32)

    def preprocess(self, inputs: Any) -> Float[Tensor, "b d"]:
        """Return images before they are normalised, in float64."""
        if not all(isinstance(mixture, ConceptMixture) for mixture in inputs):
            raise SpliceError("backbone=planted encodes concept mixtures only: set data=planted, or another backbone.")
        mean = self._gap * self._vector("mean image")
        images = []
        for mixture in inputs:
            shown = sum(weight * self._content(concept) for concept, weight in mixture.weights.items())
            images.append(mean + shown + self._noise * self._vector(f"nuisance {mixture.nuisance}"))
        return torch.stack(images)

    def encode_batch(self, batch: Any) -> Float[Tensor, "b d"]:
        return normalize(batch, dim=1).to(torch.float32)
