"""What a vocabulary that is built from captions is to be. Imported without torch."""

from __future__ import annotations

from dataclasses import dataclass

from splice_exp.core.errors import require_at_least, require_integer


@dataclass(frozen=True)
class Choices:
    """What a vocabulary is to be.

    Attributes:
        num_words: Keep so many words, the most frequent.
        num_pairs: Keep so many pairs of words.
        min_count: Captions in which a name must occur.
        max_cosine: Largest cosine of two names, and of a pair with the mean of its words.
    """

    num_words: int = 10_000
    num_pairs: int = 5_000
    min_count: int = 5
    max_cosine: float = 0.9

    def __post_init__(self) -> None:
        require_integer("--num-words", self.num_words, 1)
        require_integer("--num-pairs", self.num_pairs, 0)
        require_integer("--min-count", self.min_count, 1)
        require_at_least("--max-cosine", self.max_cosine, -1)
