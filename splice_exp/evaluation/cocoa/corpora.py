"""Where corpora and foils come from: texts, the samples of a data set, or the concepts of a vocabulary."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.corpus import Corpus
from splice_exp.attribution.represent import represent_all
from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, nearest, require_bool, require_names
from splice_exp.core.keys import key_of
from splice_exp.data.base import DataSource, EmbeddedSource, EncodableSource
from splice_exp.data.selection import Selection
from splice_exp.dictionaries.vocabulary import VocabularySource
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.geometry import center


class CorpusSource(ABC):
    """A corpus, or a foil, of one kind or another.

    Args:
        name: What its members have in common.

    Attributes:
        drawn: Whether members are draws from a population, so that there is an error of their mean.
    """

    drawn = False

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def members(self, backbone: Backbone, cache: Cache) -> Float[Tensor, "m d"]:
        """Represent the members.

        Args:
            backbone: Represents them.
            cache: Where representations of images are kept.

        Returns:
            Representations, not normalised.

        Raises:
            SpliceError: if there are none, or the backbone cannot represent them.
        """

    def load(self, backbone: Backbone, cache: Cache) -> Corpus:
        """Return the mean of the members; errors as in `members`.

        Args:
            backbone: Represents the members.
            cache: Where representations of images are kept.
        """
        return Corpus.of(self.name, [self.members(backbone, cache)])


class Texts(CorpusSource):
    """Sentences.

    Args:
        texts: One or more.
        template: What each becomes, with `{}` for the text.
        exclude: Texts to leave out, as they are in `texts`.
        name: Of the corpus; by default the sentences.
    """

    def __init__(
        self, texts: Sequence[str], template: str = "{}", exclude: Sequence[str] = (), name: str | None = None
    ) -> None:
        require_names("texts", texts)
        require_names("exclude", exclude)
        if template.count("{}") != 1:
            raise SpliceError(f"{key_of('template')} is {template!r}, but must have {{}} once, for the text.")
        for one in exclude:
            if one not in texts:
                raise SpliceError(f"{key_of('exclude')} has {one!r}, which is not in texts ({nearest(one, texts)}).")
        self._texts = tuple(template.replace("{}", text) for text in texts if text not in exclude)
        if not self._texts:
            raise SpliceError(f"{key_of('texts')} is empty, but needs one text or more.")
        super().__init__(name or " / ".join(self._texts))

    def members(self, backbone: Backbone, cache: Cache) -> Float[Tensor, "m d"]:
        return backbone.encode_text(self._texts)


class Samples(CorpusSource):
    """Samples of a data set: images, or embeddings that exist already, which must be those of the backbone.

    Args:
        data: The data set.
        classes: Those whose samples are taken; None: all.
        name: Of the corpus; by default classes or data set.
    """

    drawn = True

    def __init__(self, data: DataSource, classes: Sequence[str] | None = None, name: str | None = None) -> None:
        named = None if classes is None else [data.class_named(one) for one in classes]
        super().__init__(name or (" / ".join(named) if named else data.name))
        self._data, self._classes = data, named

    def members(self, backbone: Backbone, cache: Cache) -> Float[Tensor, "m d"]:
        labels = None if self._data.labels is None else self._data.labels.tolist()
        kept = [
            row
            for row in range(len(self._data))
            if self._classes is None or (labels and self._data.classes[labels[row]] in self._classes)
        ]
        if isinstance(self._data, EncodableSource):
            found = represent_all(Selection(self._data, kept), backbone, cache)
        else:
            assert isinstance(self._data, EmbeddedSource)
            found = self._data.embeddings().features[torch.tensor(kept, dtype=torch.int64)]
        if found.shape[1] != backbone.dim:
            raise SpliceError(
                f"{key_of('data', self)}: embeddings of {self._data.name} have {found.shape[1]} dimensions, but "
                "the backbone has "
                f"{backbone.dim}: take those of the same encoder."
            )
        return found


class Concepts(CorpusSource):
    """Names of a vocabulary, as its dictionary embeds them.

    Args:
        vocabulary: The names.
        names: Which of them; None: all, as a foil of everything there is a word for.
        centred: Whether the mean of the whole vocabulary is taken away, as in a dictionary of SpLiCE.
        name: Of the corpus; by default the names, or `all concepts`.
    """

    def __init__(
        self,
        vocabulary: VocabularySource,
        names: Sequence[str] | None = None,
        centred: bool = False,
        name: str | None = None,
    ) -> None:
        require_bool("centred", centred)
        if names is not None:
            require_names("names", names)
        super().__init__(name or (" / ".join(names) if names else "all concepts"))
        self._vocabulary, self._names, self._centred = vocabulary, names, centred

    def members(self, backbone: Backbone, cache: Cache) -> Float[Tensor, "m d"]:
        concepts = self._vocabulary.load(backbone).concepts
        chosen = concepts if self._names is None else self._names
        for name in chosen:
            if name not in concepts:
                raise SpliceError(
                    f"{key_of('names', self)} has {name!r}, which the vocabulary lacks ({nearest(name, concepts)})."
                )
        features = backbone.encode_text(concepts).double()
        if self._centred:
            features, _ = center(features, features.mean(dim=0))
        place = {name: row for row, name in enumerate(concepts)}
        return features[[place[name] for name in chosen]].float()
