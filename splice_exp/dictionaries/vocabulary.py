"""Vocabularies: lists of concept names, before anything is encoded.

A list is in ascending frequency, as those of the SpLiCE authors are: its last n names are the n most frequent.
"""

from __future__ import annotations

import http.client
import logging
import urllib.request
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splice_exp.core.assets import ASSETS
from splice_exp.core.errors import SpliceError, nearest, require_choice, require_integer, require_names, shown
from splice_exp.core.io import atomic, digest, file_sha256
from splice_exp.core.keys import key_of
from splice_exp.core.text.lines import read_lines

if TYPE_CHECKING:  # a list is looked for without torch
    from splice_exp.backbones.base import Backbone

log = logging.getLogger(__name__)

PUBLISHED_URL = "https://raw.githubusercontent.com/AI4LIFE-GROUP/SpLiCE/main/data/vocab/{name}.txt"
PUBLISHED_SHA256 = {
    "laion": "aee8e260477dcfbc873f939955ffd472969859054ed46e245bbe8b37d10b508c",
    "laion_bigrams": "6561525228843aa8b0d2b27e731c8c2b18dac0e4bdda40761933b0aecda1e67a",
    "mscoco": "ddd84fc591b2e49c1513cc3dcc199153df276a44686712e21a6efb7711e2d43b",
}
BY_NAME = {  # as conf/vocabulary has them
    "scenes": ASSETS / "scenes_vocabulary.txt",
    "planted": ASSETS / "planted_vocabulary.txt",
    "conceptnet": Path("data/lexicons/conceptnet.txt"),
    "wordnet": Path("data/lexicons/wordnet.txt"),
    "textspan": Path("data/lexicons/image_descriptions_general.txt"),
}
NAMED_LISTS = (*PUBLISHED_SHA256, *BY_NAME)
BUILT = ("conceptnet", "wordnet")  # by python -m splice_exp build-lexicon
ASSERTIONS = "conceptnet-assertions-5.7.0.csv.gz"  # what ConceptNet's names are counted in
DOWNLOADS = "~/.cache/splice_exp/vocabulary"  # as paths.downloads of a command
DOWNLOAD_TIMEOUT = 30  # seconds


@dataclass(frozen=True)
class Vocabulary:
    """Concept names in ascending frequency, and where they come from.

    Attributes:
        concepts: The names, each once.
        provenance: Source, size and choices, for records.
    """

    concepts: tuple[str, ...]
    provenance: Mapping[str, Any]


class VocabularySource(ABC):
    """A list of names, cut to size.

    Args:
        size: Keep the last (most frequent) so many names; all by default. With `bigram_size`, this counts
            names of one word only.
        bigram_size: Keep the last so many names of several words, counted apart from those of one word: lists that
            put all bigrams first would otherwise lose them to any cut.
        exclude: Names to leave out, before cutting.
    """

    def __init__(self, size: int | None = None, bigram_size: int | None = None, exclude: Sequence[str] = ()) -> None:
        for key, value in (("size", size), ("bigram_size", bigram_size)):
            if value is not None:
                require_integer(key, value, 1)
        require_names("exclude", exclude)
        self._size, self._bigram_size, self._exclude = size, bigram_size, tuple(exclude)
        self._loaded: tuple[str, Vocabulary] | None = None  # by which backbone, and what was found

    def require(self) -> None:
        """Look for the list before anything is computed, and fetch it if that is how it is had.

        Raises:
            SpliceError: naming the file that is missing, and how to get it.
        """
        return  # most lists are no files

    @abstractmethod
    def _names(self, backbone: Backbone) -> tuple[Sequence[str], dict[str, Any]]:
        """Return all names in ascending frequency, distinct and not empty, and their provenance."""

    def load(self, backbone: Backbone) -> Vocabulary:
        """Return the names that are left after exclusion and cutting; they are read once.

        Raises:
            SpliceError: if nothing is left, or an excluded name is not in the list.
        """
        if self._loaded is None or self._loaded[0] != backbone.backbone_id:
            self._loaded = backbone.backbone_id, self._left(backbone)
        return self._loaded[1]

    def _left(self, backbone: Backbone) -> Vocabulary:
        names, provenance = self._names(backbone)
        known = set(names)
        for name in self._exclude:
            if name not in known:
                raise SpliceError(
                    f"{key_of('exclude', self)} names {name!r}, which is not in the list ({nearest(name, names)})."
                )
        excluded = set(self._exclude)
        names = [name for name in names if name not in excluded]
        concepts = tuple(self._cut(names))
        if self._size is not None and len(concepts) < self._size:
            log.warning(
                "%s is %s, but there are only %s names: all are taken", key_of("size", self), self._size, len(concepts)
            )
        if not concepts:
            raise SpliceError(f"The vocabulary is empty ({provenance}): give a list with at least one name.")
        return Vocabulary(concepts, {**provenance, "size": len(concepts), "digest": digest(concepts)})

    def _cut(self, names: Sequence[str]) -> Sequence[str]:
        if self._bigram_size is None:
            kept = names if self._size is None else names[-self._size :]
            self._warn_of_lost(names, kept)
            return kept
        singles = [name for name in names if " " not in name]
        several = [name for name in names if " " in name]
        return several[-self._bigram_size :] + (singles if self._size is None else singles[-self._size :])

    def _warn_of_lost(self, names: Sequence[str], kept: Sequence[str]) -> None:
        """Warn where a list has all names of several words first, and a cut drops these whatever their frequency."""
        several = sum(" " in name for name in names)
        left = sum(" " in name for name in kept)
        if left < several and all(" " in name for name in names[:several]):
            warnings.warn(
                f"{key_of('size', self)} is {self._size}: the list has its {several} names of several words first, so "
                f"that {left} of them and {len(kept) - left} of one word are left. Leave it out for all names, or "
                "count both apart (vocabulary.bigram_size of a command).",
                stacklevel=5,
            )


class BankVocabulary(VocabularySource):
    """All texts of a text bank, in its order."""

    def _names(self, backbone: Backbone) -> tuple[Sequence[str], dict[str, Any]]:
        return list(dict.fromkeys(backbone.known_texts)), {"vocabulary": "bank"}


class FileVocabulary(VocabularySource):
    """One name per line, UTF-8, in ascending frequency. Blank and repeated lines are reported and left out.

    Args:
        path: The text file.
        size: See `VocabularySource`.
        bigram_size: See `VocabularySource`.
        exclude: See `VocabularySource`.
    """

    def __init__(
        self,
        path: str,
        size: int | None = None,
        bigram_size: int | None = None,
        exclude: Sequence[str] = (),
    ) -> None:
        super().__init__(size, bigram_size, exclude)
        self._path = Path(path).expanduser()

    def require(self) -> None:
        if not self._path.is_file():
            raise SpliceError(
                f"{key_of('path', self)} is {str(self._path)!r}, but there is no such file: {_made(self._path)}."
            )

    def _names(self, backbone: Backbone) -> tuple[Sequence[str], dict[str, Any]]:
        self.require()
        names = read_names(self._path, of=self)
        return names, {"vocabulary": self._path.stem, "sha256": file_sha256(self._path)}


class NamesVocabulary(VocabularySource):
    """Names given in Python.

    Args:
        names: In ascending frequency, distinct.
        size: See `VocabularySource`.
    """

    def __init__(self, names: Sequence[str], size: int | None = None) -> None:
        super().__init__(size)
        require_names("vocabulary", names)
        self._given = tuple(dict.fromkeys(names))

    def _names(self, backbone: Backbone) -> tuple[Sequence[str], dict[str, Any]]:
        return self._given, {"vocabulary": "given"}


class PublishedVocabulary(VocabularySource):
    """A list published by the SpLiCE authors: read from a local copy, or fetched once and checked.

    Args:
        list_name: `laion`, `laion_bigrams` or `mscoco`.
        cache: Folder where the file is looked for, and put after a download.
        size: See `VocabularySource`.
        bigram_size: See `VocabularySource`.
        exclude: See `VocabularySource`.
    """

    def __init__(
        self,
        list_name: str,
        cache: str,
        size: int | None = None,
        bigram_size: int | None = None,
        exclude: Sequence[str] = (),
    ) -> None:
        super().__init__(size, bigram_size, exclude)
        require_choice("list_name", list_name, tuple(PUBLISHED_SHA256))
        self._list_name = list_name
        self._path = Path(cache).expanduser() / f"{list_name}.txt"

    def require(self) -> None:
        if self._path.is_file():
            self._check(self._path)
        else:
            self._download()

    def _names(self, backbone: Backbone) -> tuple[Sequence[str], dict[str, Any]]:
        self.require()
        provenance = {"vocabulary": self._list_name, "sha256": PUBLISHED_SHA256[self._list_name]}
        return read_names(self._path), provenance

    def _check(self, path: Path) -> None:
        found, pinned = file_sha256(path), PUBLISHED_SHA256[self._list_name]
        if found != pinned:
            raise SpliceError(
                f"{self._path} has SHA-256 {found}, but the published list has {pinned}: put the published file there, "
                f"or use your own list by vocabulary=file vocabulary.path=…"
            )

    def _download(self) -> None:
        url = PUBLISHED_URL.format(name=self._list_name)
        log.info("fetching %s", url)
        try:
            with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT) as response, atomic(self._path) as temporary:
                temporary.write_bytes(response.read())
                self._check(temporary)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            key = key_of("cache", self)  # of a configuration; Splice.load and its like have no such argument
            elsewhere = "" if key == "cache" else f", or set {key} to the folder that holds it"
            raise SpliceError(
                f"{self._path} is not there and {url} cannot be reached ({_reason(error)}): put the file there by "
                f"hand{elsewhere}."
            ) from None  # a network's chain of errors is longer than what it says


def vocabulary_named(vocabulary: str | Path | Sequence[str], size: int | None = None) -> VocabularySource:
    """Return a vocabulary by the name of its list, as a file, or as names.

    Args:
        vocabulary: `laion`, `laion_bigrams` or `mscoco`, published by the SpLiCE authors; `scenes`, that of the
            synthetic benchmark; `conceptnet` or `wordnet`, as build-lexicon writes them; `textspan`, the descriptions
            of its authors; a file with one name per line; or names.
        size: Keep the last (most frequent) so many; all by default.

    Raises:
        SpliceError: for a text that is neither the name of a list nor a file.
    """
    if not isinstance(vocabulary, (str, Path)):
        return NamesVocabulary(vocabulary, size)
    if vocabulary in PUBLISHED_SHA256:
        return PublishedVocabulary(str(vocabulary), DOWNLOADS, size)
    file = BY_NAME.get(str(vocabulary), Path(vocabulary).expanduser())
    if not file.is_file():
        if str(vocabulary) in BY_NAME:
            raise SpliceError(f"vocabulary is {str(vocabulary)!r}, but there is no {file}: {_made(file)}.")
        raise SpliceError(
            f"vocabulary is {str(vocabulary)!r}, but must be one of {', '.join(NAMED_LISTS)}; a file "
            "with one name per line; or a list of names."
        )
    return FileVocabulary(str(file), size)


def _reason(error: Exception) -> str:
    """Say why an address was not reached, without names and numbers of errors."""
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason)


def _made(path: Path) -> str:
    """Say how a list gets to where it was looked for."""
    if path.stem in BUILT:
        source = f" {ASSERTIONS}" if path.stem == "conceptnet" else ""
        return f"python -m splice_exp build-lexicon {path.stem}{source} --output {path} makes it"
    if path.name == BY_NAME["textspan"].name:
        return f"it is text_descriptions/{path.name} of https://github.com/yossigandelsman/clip_text_span"
    return "give a text file with one name per line"


def read_names(path: Path, of: object = None) -> list[str]:
    """Read one name per line; repeated lines are reported with their numbers and left out, blank ones by `read_lines`.

    Args:
        path: Text in UTF-8.
        of: The vocabulary that the file is a part of, for errors; only its constructor may leave it out.

    Returns:
        The names in the order of the file.

    Raises:
        SpliceError: if the file cannot be read or has no name.
    """
    lines = read_lines(path, key_of("path", of))
    first: dict[str, int] = {}
    for number, name in lines:
        first.setdefault(name, number)
    if repeated := [number for number, name in lines if first[name] != number]:
        log.warning("%s: line %s left out: repeated", path.name, shown(repeated))
    if not first:
        raise SpliceError(f"The vocabulary {path} is empty: give a list with at least one name.")
    return list(first)
