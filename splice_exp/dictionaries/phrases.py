"""Counting the words and pairs of words that captions are made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from splice_exp.core.assets import ASSETS
from splice_exp.core.text.lines import read_lines

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")  # letters of any script, hyphens and apostrophes inside


def words_of(caption: str) -> list[str | None]:
    """Split a caption into lower-case words; None stands where punctuation or a number parts two of them.

    Returns:
        The words in their order.

    Example:
        >>> words_of("T-shirt, 2 red stars")
        ['t-shirt', None, 'red', 'stars']
    """
    words: list[str | None] = []
    end = 0
    caption = caption.lower()
    for match in WORD.finditer(caption):
        if caption[end : match.start()].strip():
            words.append(None)
        words.append(match.group())
        end = match.end()
    return words


STOP_WORDS = ASSETS / "stop_words.txt"


@cache
def function_words() -> frozenset[str]:
    """Return the function words of English: those that name nothing."""
    return frozenset(line.text for line in read_lines(STOP_WORDS, "stop words"))


@lru_cache(maxsize=2**15)  # rows of a sweep look at the same captions
def _content_of(caption: str) -> tuple[str, ...]:
    return tuple(word for word in words_of(caption) if word is not None and word not in function_words())


def content_words(captions: Iterable[str]) -> list[str]:
    """Return the words of some captions, each once, in their order, without function words.

    Example:
        >>> content_words(["a red star", "the star on a lawn"])
        ['red', 'star', 'lawn']
    """
    return list(dict.fromkeys(word for caption in captions for word in _content_of(caption)))


@dataclass
class PhraseCounts:
    """How many captions hold each word, and each pair of neighbouring words.

    Attributes:
        words: Captions with each word.
        pairs: Captions with each pair, written with a space.
        num_captions: How many were read.
        refused: Words that were left out, by reason.
    """

    words: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    num_captions: int = 0
    refused: dict[str, Counter[str]] = field(default_factory=dict)


def count_phrases(captions: Iterable[str], refusals: dict[str, Callable[[str], Any]]) -> PhraseCounts:
    """Count words and pairs; a pair with a refused word is refused, too.

    Args:
        captions: Any number, read once.
        refusals: Reason → whether a word is left out for it.
    """
    counts = PhraseCounts(refused={reason: Counter() for reason in refusals})
    reasons: dict[str, str | None] = {}
    for caption in captions:
        counts.num_captions += 1
        words = words_of(caption)
        kept: set[str] = set()
        for word in {word for word in words if word is not None}:
            if word not in reasons:
                reasons[word] = next((reason for reason, refuses in refusals.items() if refuses(word)), None)
            reason = reasons[word]
            if reason is None:
                kept.add(word)
            else:
                counts.refused[reason][word] += 1
        counts.words.update(kept)
        counts.pairs.update({f"{one} {two}" for one, two in pairwise(words) if one in kept and two in kept})
    return counts
