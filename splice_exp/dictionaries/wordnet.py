"""Names of WordNet: its lemmas, by how often they were found in texts whose senses are tagged.

References:
    Miller. WordNet: a lexical database for English. Communications of the ACM 38, 1995.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

from splice_exp.core.errors import SpliceError, require_choice

PARTS_OF_SPEECH = {"noun": "n", "verb": "v", "adjective": "a", "adverb": "r"}


def count_lemmas(parts: Sequence[str] = ("noun",)) -> tuple[Counter[str], dict[str, Any]]:
    """Count the lemmas of some parts of speech, each once more than it was tagged: those never seen have 1.

    Args:
        parts: Of `PARTS_OF_SPEECH`.

    Raises:
        SpliceError: if nltk, or WordNet among its data, is missing.
    """
    for part in parts:
        require_choice("--parts", part, tuple(PARTS_OF_SPEECH))
    reader = _reader()
    counts: Counter[str] = Counter()
    for part in dict.fromkeys(parts):
        for synset in reader.all_synsets(PARTS_OF_SPEECH[part]):
            for lemma in synset.lemmas():
                name = _name(lemma.name())
                counts[name] = max(counts[name], 1) + lemma.count()
    return counts, {"wordnet": reader.get_version(), "parts": list(parts)}


def _reader() -> Any:
    try:
        import nltk
        from nltk.corpus.reader import WordNetCorpusReader
    except ImportError as error:
        raise SpliceError(
            "WordNet is read by nltk, which is not installed: pip install 'splice-exp[wordnet]'."
        ) from error
    try:
        found = nltk.data.find("corpora/wordnet")
    except LookupError as error:
        raise SpliceError(
            "WordNet is not among nltk's data: python -m nltk.downloader wordnet, or put its files into the folder "
            "corpora/wordnet of a folder that the environment variable NLTK_DATA names."
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # names of other languages are not asked for
        return WordNetCorpusReader(found, None)


def _name(lemma: str) -> str:
    return lemma.replace("_", " ").lower()
