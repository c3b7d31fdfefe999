"""Planted images: each is a known sparse mixture of concepts, so that every claim about codes can be checked.

There are no pixels. A sample is the latent pair (ω, ε) of the generative model under which sparse nonnegative codes
exist at all: an object of some colour before some background, with strengths, and a seed for everything that
no concept names. `backbones.planted` turns it into an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from splice_exp.core.errors import SpliceError, require_integer, require_names
from splice_exp.core.io import digest
from splice_exp.core.keys import key_of
from splice_exp.core.memory import require_room
from splice_exp.core.names import canonical
from splice_exp.core.truth import GroundTruth
from splice_exp.core.types import ConceptMixture
from splice_exp.data.base import EncodableSource

KINDS = ("object", "colour", "background")
NAMED = 128  # bytes of the name of a sample, and of what is in it


class Planted(EncodableSource):
    """Mixtures of one object (the class), one colour and one background.

    Args:
        num_samples: n.
        objects: Class names.
        colours: Names of colours.
        backgrounds: Names of backgrounds.
        seed: Fixes all samples; sample i does not depend on n.
        name: Short name for tables.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
    """

    kind = "synthetic"

    def __init__(
        self,
        num_samples: int,
        objects: Sequence[str],
        colours: Sequence[str],
        backgrounds: Sequence[str],
        seed: int = 0,
        name: str = "planted",
        missing_classes: str = "error",
    ) -> None:
        super().__init__(name, missing_classes)
        require_integer("num_samples", num_samples, 1)
        require_room("num_samples", num_samples, NAMED)
        require_integer("seed", seed, 0)
        for key, names in (("objects", objects), ("colours", colours), ("backgrounds", backgrounds)):
            require_names(key, names)
            if not names:
                raise SpliceError(f"{key_of(key)} is empty, but must name at least one concept.")
        self._parts = (tuple(objects), tuple(colours), tuple(backgrounds))
        self._seed = seed
        self.classes = self._parts[0]
        self.sample_ids = tuple(f"planted-{seed}-{index:06d}" for index in range(num_samples))
        self._choices = np.stack([self._choose(index) for index in range(num_samples)])
        self.labels = torch.from_numpy(self._choices[:, 0])

    def _random(self, index: int) -> np.random.Generator:
        return np.random.default_rng((self._seed, index))

    def _choose(self, index: int) -> np.ndarray:
        return self._random(index).integers([len(names) for names in self._parts])

    def fingerprint(self) -> str:
        return digest([(mixture.weights, mixture.nuisance) for mixture in self.inputs(0, len(self))])

    def truth(self) -> GroundTruth:
        kinds = zip(KINDS, self._parts, strict=True)
        kind_of = {canonical(name): kind for kind, names in kinds for name in names}
        named = [[canonical(part[i]) for part, i in zip(self._parts, row, strict=True)] for row in self._choices]
        objects = tuple((frozenset(names[:2]),) for names in named)
        return GroundTruth(
            {name: name for name in kind_of}, kind_of, objects, tuple(frozenset(n[2:]) for n in named), KINDS
        )

    def inputs(self, start: int, stop: int) -> list[ConceptMixture]:
        mixtures = []
        for index in range(start, min(stop, len(self))):
            random = self._random(index)
            random.integers([len(names) for names in self._parts])  # the choice itself
            names = [part[choice] for part, choice in zip(self._parts, self._choices[index], strict=True)]
            strengths = random.uniform(0.5, 1.0, size=len(names))
            nuisance = int(random.integers(2**31))
            mixtures.append(ConceptMixture(dict(zip(names, strengths.tolist(), strict=True)), nuisance))
        return mixtures
