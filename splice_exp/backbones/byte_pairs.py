"""A small merges file for CLIP's byte-pair tokenizer, learned from the words of a corpus.

Every byte is a token, so that any text can be tokenised; the more often two neighbours occur, the earlier they merge.

References:
    Sennrich, Haddow, Birch. Neural machine translation of rare words with subword units. ACL 2016.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from splice_exp.core.io import atomic
from splice_exp.core.packages.clip import open_clip

END = "</w>"


def learn_merges(frequencies: Mapping[str, int], max_merges: int) -> list[tuple[str, str]]:
    """Return merges in the order in which they are applied.

    Args:
        frequencies: How often each word occurs, lower case.
        max_merges: Stop after so many; earlier if every word is one token.
    """
    letters = open_clip.tokenizer.bytes_to_unicode()
    spelled = {word: [letters[byte] for byte in word.encode()] for word in frequencies}
    tokens = {word: [*parts[:-1], parts[-1] + END] for word, parts in spelled.items()}
    merges: list[tuple[str, str]] = []
    while len(merges) < max_merges:
        counts: Counter[tuple[str, str]] = Counter()
        for word, parts in tokens.items():
            for pair in pairwise(parts):
                counts[pair] += frequencies[word]
        if not counts:
            break
        best = max(counts, key=lambda pair: (counts[pair], pair))
        merges.append(best)
        tokens = {word: _merged(parts, best) for word, parts in tokens.items()}
    return merges


def _merged(parts: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for part in parts:
        if merged and (merged[-1], part) == pair:
            merged[-1] += part
        else:
            merged.append(part)
    return merged


def write_merges(path: Path, merges: list[tuple[str, str]]) -> None:
    """Write merges as open_clip's SimpleTokenizer reads them; the same merges give the same bytes.

    Args:
        path: Replaced where it is there; compressed by gzip, whatever its name.
        merges: Pairs of symbols that are joined, the first ones first.
    """
    text = "\n".join(["#version: 0.2", *(" ".join(pair) for pair in merges)])
    with atomic(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), mtime=0))
