"""What every data set answers, whether it yields inputs for an encoder or embeddings that exist already."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.core.errors import SpliceError, nearest, require_choice
from splice_exp.core.io import digest
from splice_exp.core.keys import key_of
from splice_exp.core.names import find_name
from splice_exp.core.truth import GroundTruth
from splice_exp.core.types import Attribute, Embeddings

MISSING_CLASSES = ("drop", "error")


class DataSource(ABC):
    """A data set of n samples with an order, names, and classes where there are any.

    Args:
        name: Short name for tables.
        missing_classes: What to do when the backbone has no text for a class: `drop` the class and its samples
            (their number is reported), or `error`.

    Attributes:
        kind: `synthetic`, `images` of a public data set, `own images`, or stored `embeddings`: under which heading
            pages show it.
        aliases: Other names of classes, canonical → class.
        damaged: Samples that cannot be read and were skipped, and why.
    """

    name: str
    missing_classes: str
    kind: str
    classes: tuple[str, ...]
    labels: Int64[Tensor, " n"] | None
    sample_ids: tuple[str, ...]
    aliases: Mapping[str, str] = MappingProxyType({})
    damaged: Mapping[str, str] = MappingProxyType({})

    def __init__(self, name: str, missing_classes: str) -> None:
        require_choice("missing_classes", missing_classes, MISSING_CLASSES)
        self.name, self.missing_classes = name, missing_classes

    def __len__(self) -> int:
        return len(self.sample_ids)

    def class_named(self, name: str, argument: str = "classes", of: object = None) -> str:
        """Return a class by its name, however it is written, or by another name of it.

        Args:
            name: What is looked for.
            argument: Where it was asked for, for the error.
            of: The component whose argument that is.

        Raises:
            SpliceError: naming the key, the name and the nearest classes.
        """
        found = find_name(name, self.classes, self.aliases)
        if found is None:
            near = nearest(name, self.classes)
            if name.isdecimal() and int(name) < len(self.classes):
                near = f"classes go by name: number {name} is {self.classes[int(name)]!r}"
            raise SpliceError(f"{key_of(argument, of)} has {name!r}, which is no class of {self.name} ({near}).")
        return found

    def truth(self) -> GroundTruth | None:
        """Return which concepts are in each sample, where that is known."""
        return None

    def attributes(self) -> Mapping[str, Attribute]:
        """Return what else is known of each sample, by its name; nothing where nothing is."""
        return {}

    def captions(self) -> tuple[tuple[str, ...], ...] | None:
        """Return the captions of each sample, where there are any."""
        return None

    def caption_features(self) -> Float[Tensor, "n d"] | None:
        """Return the embedding of one caption of each sample, where embeddings are all that is known of captions."""
        return None


def damaged_in(*components: object) -> dict[str, Mapping[str, str]]:
    """Return the damaged samples of all data sets in some components, and why: by the key of the data set."""
    sources = {id(source): source for component in components for source in _sources_in(component)}
    return {
        key_of("damaged", source).rpartition(".")[0] or source.name: source.damaged
        for source in sources.values()
        if source.damaged
    }


def _sources_in(component: object) -> Iterator[DataSource]:
    if isinstance(component, DataSource):
        yield component
    elif isinstance(component, Mapping):
        yield from _sources_in(list(component.values()))
    elif isinstance(component, list | tuple):
        for part in component:
            yield from _sources_in(part)
    elif type(component).__module__.startswith("splice_exp.") and hasattr(component, "__dict__"):
        yield from _sources_in(list(vars(component).values()))


class EncodableSource(DataSource):
    """A data set whose samples an encoder has to embed."""

    kind = "images"

    @abstractmethod
    def inputs(self, start: int, stop: int) -> Any:
        """Return samples start … stop − 1, as `Backbone.encode_images` takes them.

        Args:
            start: The first sample, counted from 0.
            stop: The one after the last; beyond the end there is nothing.
        """

    def regions(self, index: int) -> Mapping[str, np.ndarray] | None:
        """Return what is where in a sample: for each object a text that names it, and its pixels, (h, w) bool."""
        return None

    @abstractmethod
    def fingerprint(self) -> str:
        """Identify the samples by their content: two data sets of the same one have the same embeddings."""

    def described_by(self) -> str:
        """Identify files that say more of the samples than their names, classes and captions; here there are none."""
        return ""

    def identity(self) -> str:
        """Identify all that is known of the samples: two data sets of the same one give the same numbers."""
        labels = None if self.labels is None else self.labels.tolist()
        return digest([self.fingerprint(), self.sample_ids, labels, self.classes, self.captions(), self.described_by()])


class EmbeddedSource(DataSource):
    """A data set whose embeddings exist already."""

    kind = "embeddings"

    @abstractmethod
    def embeddings(self) -> Embeddings:
        """Return all embeddings."""

    @property
    @abstractmethod
    def encoder(self) -> str | None:
        """Name of the encoder that made them, where the source says it."""
