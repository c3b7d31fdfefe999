"""From names that a knowledge base counts to a vocabulary: filtered, profanity flagged, in ascending frequency.

A name stays if it is written in letters (words joined by spaces, hyphens and apostrophes inside), has at most so many
words, and is counted often enough. What is profane stays or goes as one chooses, and is listed in either case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.dictionaries.profanity import is_profane

NAME = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*(?: [^\W\d_]+(?:['’-][^\W\d_]+)*)*")
PROFANITY = ("flag", "drop")


@dataclass(frozen=True)
class Filters:
    """Which names stay.

    Attributes:
        min_count: Times that a name must be counted.
        max_words: Of a name.
        min_letters: Of a name.
        profanity: `flag`: profane names stay, and are listed; `drop`: they go, and are listed.
    """

    min_count: int = 1
    max_words: int = 4
    min_letters: int = 2
    profanity: str = "flag"

    def __post_init__(self) -> None:
        require_integer("--min-count", self.min_count, 1)
        require_integer("--max-words", self.max_words, 1)
        require_integer("--min-letters", self.min_letters, 1)
        require_choice("--profanity", self.profanity, PROFANITY)

    def reason(self, name: str, count: int) -> str | None:
        """Return why a name goes, or None.

        Args:
            name: In lower case.
            count: How often it was counted.
        """
        if count < self.min_count:
            return "rare"
        if NAME.fullmatch(name) is None:
            return "not written in letters"
        if name.count(" ") >= self.max_words:
            return "too many words"
        return "too short" if len(name) < self.min_letters else None


def build_lexicon(counts: Mapping[str, int], filters: Filters) -> tuple[list[str], dict[str, Any]]:
    """Return names in ascending frequency, and their provenance.

    Args:
        counts: Name → how often a knowledge base has it, lower case.
        filters: Which of them stay.

    Raises:
        SpliceError: if nothing is left.
    """
    refused: dict[str, int] = {}
    kept, profane = [], []
    for name, count in counts.items():
        reason = filters.reason(name, count)
        if reason is None and is_profane(name):
            profane.append(name)
            reason = "profane" if filters.profanity == "drop" else None
        if reason is None:
            kept.append(name)
        else:
            refused[reason] = refused.get(reason, 0) + 1
    if not kept:
        raise SpliceError(f"No name is left of {len(counts)}: lower --min-count, or raise --max-words.")
    provenance = {
        "counted": len(counts),
        "filters": asdict(filters),
        "refused": dict(sorted(refused.items())),
        "kept": len(kept),
        "profane": sorted(profane),
    }
    return sorted(kept, key=lambda name: (counts[name], name)), provenance
