"""What a run has fixed (data, backbone, dictionary, alignment, solver) and what follows from it, when it is asked for.

    data, backbone → embeddings → μ, classes → dictionary → codes

Nothing is computed before an evaluation looks at it, and nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.tensors import tensor_digest
from splice_exp.core.truth import GroundTruth
from splice_exp.core.types import Attribute, Dictionary, Embeddings
from splice_exp.data.base import DataSource, EncodableSource
from splice_exp.decomposition.paired_texts import PairedTexts, paired_texts
from splice_exp.decomposition.splice import Decomposition, decompose
from splice_exp.dictionaries.base import DictionaryBuilder, Ingredients
from splice_exp.dictionaries.text import TextDictionary
from splice_exp.dictionaries.vocabulary import VocabularySource
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.classes import KnownClasses, select_known_classes
from splice_exp.embeddings.extract import extract
from splice_exp.embeddings.geometry import Alignment, center
from splice_exp.embeddings.texts import embed_classes, embed_texts
from splice_exp.solvers.base import Solver

Stage = Callable[[str], AbstractContextManager[None]]


def untimed(name: str) -> AbstractContextManager[None]:
    """Do nothing about a stage.

    Returns:
        A context in which nothing is measured.
    """
    return nullcontext()


@dataclass(frozen=True, eq=False)
class Setup:
    """What a study has fixed: a data set, and how it is looked at.

    Attributes:
        backbone: Embeds the samples, and texts.
        data: The samples.
        vocabulary: Names of concepts.
        dictionary: Makes atoms of them.
        alignment: What is centred, and the inverse map.
        solver: Finds codes.
    """

    backbone: Backbone
    data: DataSource
    vocabulary: VocabularySource
    dictionary: DictionaryBuilder
    alignment: Alignment
    solver: Solver


class Study:
    """What follows from a setup.

    Args:
        setup: Data, backbone, vocabulary, dictionary, alignment and solver.
        cache: Keeps embeddings and codes, and knows the machine that computes them.
        stage: A context for each stage, by its name.
        like: A study whose image mean and dictionary are used here, too: for another part of the same data.
    """

    def __init__(self, setup: Setup, cache: Cache, stage: Stage = untimed, like: Study | None = None) -> None:
        self._setup, self.cache, self._stage, self._like = setup, cache, stage, like
        self.data, self.alignment, self.solver = setup.data, setup.alignment, setup.solver

    def with_data(self, data: DataSource) -> Study:
        """Return the study of other samples, with the image mean and the dictionary of this one."""
        return Study(replace(self._setup, data=data), self.cache, self._stage, self._like or self)

    def with_backbone(self, backbone: Backbone) -> Study:
        """Return the study of the same samples by another backbone, with its own image mean and dictionary."""
        return Study(replace(self._setup, backbone=backbone), self.cache, self._stage)

    @property
    def backbone(self) -> Backbone:
        """The backbone, on the device on which texts are embedded."""
        backbone = self._setup.backbone
        if backbone.module is not None:
            backbone.module.to(self.cache.machine.device)
        return backbone

    @cached_property
    def extracted(self) -> Embeddings:
        """The embeddings of all samples."""
        with self._stage("embeddings"):
            return extract(self.data, self._setup.backbone, self.cache)

    @property
    def fingerprint(self) -> str:
        """Identity of all samples; of their embeddings, where those are all there is."""
        if isinstance(self.data, EncodableSource):
            return self.data.fingerprint()
        return tensor_digest(self.extracted.features)

    @cached_property
    def image_mean(self) -> Float[Tensor, " d"]:
        """μ, whether or not images are centred by it."""
        return (
            self._like.image_mean
            if self._like
            else self.alignment.mean_of(self.extracted, self._setup.backbone.encoder)
        )

    @property
    def source_of_mean(self) -> str | None:
        """Where μ comes from, in words; None if nothing has asked for μ."""
        if "image_mean" not in vars(self):
            return None
        return self.alignment.source_of_mean(self._setup.backbone.encoder)

    @cached_property
    def known(self) -> KnownClasses:
        """The samples whose class has a text."""
        return select_known_classes(self.extracted, self.backbone, self.data.missing_classes, self.data, self.cache)

    @property
    def embeddings(self) -> Embeddings:
        """The embeddings of those samples."""
        return self.known.embeddings

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "m d"]:
        """Embed texts as unit rows; those of an encoder are kept by content.

        Raises:
            SpliceError: if a text has no embedding.
        """
        return embed_texts(texts, self.backbone, self.cache)

    @cached_property
    def class_features(self) -> Float[Tensor, "c d"]:
        """One text per class of `embeddings`.

        Raises:
            SpliceError: if a class has no text.
        """
        return embed_classes(self.embeddings.classes, self.backbone, self.cache)

    @cached_property
    def dictionary(self) -> Dictionary:
        """Atoms and names of the concepts."""
        return self._like.dictionary if self._like else self._built(self._setup.dictionary)

    @cached_property
    def redrawn(self) -> Dictionary:
        """The dictionary by another seed: the same one where nothing is drawn."""
        return self._like.redrawn if self._like else self._built(self._setup.dictionary.reseeded())

    @cached_property
    def texts(self) -> Dictionary:
        """The whole vocabulary as atoms, whatever the dictionary is made of: names for atoms that have none."""
        return self._like.texts if self._like else self._built(TextDictionary())

    def _built(self, dictionary: DictionaryBuilder) -> Dictionary:
        embeddings, image_mean = self.embeddings, self.image_mean
        with self._stage("dictionary"):
            vocabulary = self._setup.vocabulary
            ingredients = Ingredients(self.backbone, vocabulary, embeddings, self.alignment, image_mean, self.cache)
            return dictionary.build(ingredients)

    @cached_property
    def decomposition(self) -> Decomposition:
        """The codes of `embeddings`."""
        embeddings, dictionary = self.embeddings, self.dictionary
        with self._stage("decomposition"):
            return decompose(embeddings, dictionary, self.solver, self.alignment, self.image_mean, self.cache)

    @property
    def targets(self) -> Float[Tensor, "n d"]:
        """The embeddings as they were decomposed: unit rows around the image mean that was subtracted."""
        return center(self.embeddings.features, self.decomposition.image_mean)[0]

    @property
    def is_decomposed(self) -> bool:
        """Whether anyone has asked for codes."""
        return "decomposition" in vars(self)

    @cached_property
    def truth(self) -> GroundTruth | None:
        """What is in the samples of `embeddings`, where that is known."""
        truth = self.data.truth()
        if truth is None:
            return None
        return truth.select(self.places)

    @cached_property
    def attributes(self) -> Mapping[str, Attribute]:
        """What else is known of the samples of `embeddings`, by its name."""
        return {name: attribute.select(self.places) for name, attribute in self.data.attributes().items()}

    @cached_property
    def captions(self) -> list[tuple[str, ...]] | None:
        """The captions of the samples of `embeddings`, where there are any."""
        captions = self.data.captions()
        return None if captions is None else [captions[place] for place in self.places]

    @cached_property
    def paired(self) -> PairedTexts | None:
        """The texts that belong to the samples of `embeddings`, in words or as embeddings, where there are any."""
        found = paired_texts(self.data, self.backbone)
        return None if found is None else found.select(self.places)

    @cached_property
    def places(self) -> list[int]:
        """The samples of `embeddings` among all of the data."""
        place = {sample_id: index for index, sample_id in enumerate(self.data.sample_ids)}
        return [place[sample_id] for sample_id in self.embeddings.sample_ids]
