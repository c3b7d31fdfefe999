"""What is asked of images with named objects: one target for each object, and one for an absent object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from splice_exp.attribution.corpus import Corpus
from splice_exp.attribution.targets import Directions, Together, target_of
from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of

FOILS = ("other", "all")  # the other object of the image; all names but that of the corpus


def require_prompt(prompt: str) -> None:
    """Refuse a text without one place for the name.

    Raises:
        SpliceError: naming the text.
    """
    if prompt.count("{}") != 1:
        raise SpliceError(f"{key_of('prompt')} is {prompt!r}, but must have {{}} once, for the name.")


class Prompts:
    """Texts of named objects as corpora and foils.

    Args:
        backbone: Embeds them.
        prompt: With `{}` for the name.
        names: All names there are.
    """

    def __init__(self, backbone: Backbone, prompt: str, names: Sequence[str]) -> None:
        require_prompt(prompt)
        self._names = {name: place for place, name in enumerate(dict.fromkeys(names))}
        if len(self._names) < 3:
            raise SpliceError(
                f"A foil of other names needs three names, but there are {list(self._names)}: take more samples."
            )
        self._texts = backbone.encode_text([prompt.replace("{}", name) for name in self._names])

    def corpus(self, name: str) -> Corpus:
        """Return the text of a name."""
        return Corpus.of(name, [self._texts[self._names[name]][None]])

    def all_but(self, name: str) -> Corpus:
        """Return the texts of all other names."""
        kept = [place for other, place in self._names.items() if other != name]
        return Corpus.of(f"all but {name}", [self._texts[kept]])

    def absent(self, present: Sequence[str], random: np.random.Generator) -> str:
        """Draw a name that has no word in common with those that are there.

        Args:
            present: Names of what is in the image.
            random: The random generator.

        Returns:
            The name.

        Raises:
            SpliceError: if there is none.
        """
        words = {word for name in present for word in name.split()}
        free = [name for name in self._names if not words & set(name.split())]
        if not free:
            raise SpliceError(f"Every name shares a word with {list(present)}: there is no absent object to ask for.")
        return free[int(random.integers(len(free)))]

    def questions(self, pairs: Sequence[Sequence[str]], explicands: Tensor, seed: int) -> Together:
        """Ask everything of each sample of two objects, first and second.

        Targets: `corpus`, `other` and `all` (contrastive, with that foil) for either object, `absent` (contrastive with
        all other names, of an absent object), `label_free` and `contrastive_label_free` (with all names).

        Args:
            pairs: Names of the two objects of each sample.
            explicands: Representations of the samples, (n, d).
            seed: Of the absent objects.
        """
        everything = Corpus.of("all", [self._texts])
        weights: dict[str, list[Tensor]] = {}
        for row, (names, own) in enumerate(zip(pairs, explicands, strict=True)):
            corpora = [self.corpus(name) for name in names]
            absent = self.absent(names, np.random.default_rng([seed, row]))
            for number, (corpus, other) in enumerate(zip(corpora, reversed(corpora), strict=True)):
                rest = self.all_but(corpus.name)
                _add(weights, f"corpus_{number}", target_of("corpus", corpus=corpus))
                _add(weights, f"other_{number}", target_of("contrastive_corpus", corpus=corpus, foil=other))
                _add(weights, f"all_{number}", target_of("contrastive_corpus", corpus=corpus, foil=rest))
            missing = target_of("contrastive_corpus", corpus=self.corpus(absent), foil=self.all_but(absent))
            _add(weights, "absent", missing)
            _add(weights, "label_free", target_of("label_free", explicands=own[None]))
            free = target_of("contrastive_label_free", explicands=own[None], foil=everything)
            _add(weights, "contrastive_label_free", free)
        return Together([Directions((name,), torch.stack(rows)) for name, rows in weights.items()])


def _add(weights: dict[str, list[Tensor]], name: str, target: Directions) -> None:
    """Keep the direction of one target of one sample, (1, d)."""
    weights.setdefault(name, []).append(target.weights.reshape(1, -1))
