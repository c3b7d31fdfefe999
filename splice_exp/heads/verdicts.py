"""What a judge answers about a list of concepts: a theme and a score from 1 to 5; and how far answers agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

SCORES = (1, 5)
LONGEST = 8_000  # characters of a reply that are read
MARKS = re.compile(r"[*_`#]")  # of Markdown
SCALE = re.compile(r"\(?\b1\s*(?:-|–|to)\s*5\b\)?", re.IGNORECASE)  # where a reply repeats it
THEME = re.compile(
    r"\btheme\b[^\w\n]*(?P<theme>.*?)[^\w\n)]*(?=\b(?:\w+ )?score\b\W*\d|$)", re.IGNORECASE | re.MULTILINE
)
GAP = r"(?:[^\w-]|-(?!\d))*"  # anything but words, and no minus
SCORE = re.compile(rf"\bscore\b{GAP}(?:(?:is|of)\b{GAP})?(?P<score>\d+(?:\.\d+)?)", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """A theme in words, empty where there is none, and a score of 1 … 5.

    Attributes:
        theme: In words; empty where there is none.
        score: 1 … 5.
    """

    theme: str
    score: int


def parse_verdict(reply: str) -> Verdict | None:
    r"""Read an answer, however it is laid out; None if it has no score, or several that differ.

    Example:
        >>> parse_verdict("**Theme:** red things\n\n**Score:** 5/5")
        Verdict(theme='red things', score=5)
        >>> parse_verdict("I would say it is coherent.") is None
        True
    """
    reply = reply[-LONGEST:]  # whoever reasons at length says it last; and the time grows with the square
    plain = SCALE.sub("", MARKS.sub("", reply))
    scores = {float(found["score"]) for found in SCORE.finditer(plain)}
    if len(scores) != 1:
        return None
    (score,) = scores
    if score not in range(SCORES[0], SCORES[1] + 1):
        return None
    found = THEME.search(plain)
    theme = found["theme"].strip() if found else ""
    return Verdict("" if theme.lower() in ("none", "n/a") else theme, int(score))


def agreement(scores: Sequence[Sequence[int]]) -> dict[str, float]:
    """Return how far repeated scores of the same lists agree, over all pairs of repeats.

    `same`: share of pairs with the same score; `within_one`: that differ by one at most; `kappa`: quadratically
    weighted, 1 − Σ (a − b)² / Σ by chance, chance being all scores against each other; NaN where all scores are equal.

    Args:
        scores: Of each list; lists with fewer than two do not count.

    References:
        Cohen. Weighted kappa. Psychological Bulletin 70, 1968.
    """
    repeated = [of_list for of_list in scores if len(of_list) > 1]
    pairs = np.array([pair for of_list in repeated for pair in combinations(of_list, 2)], dtype=float)
    if not len(pairs):
        return {"same": float("nan"), "within_one": float("nan"), "kappa": float("nan")}
    distances = np.abs(pairs[:, 0] - pairs[:, 1])
    everything = np.concatenate([np.asarray(of_list, dtype=float) for of_list in repeated])
    by_chance = 2 * everything.var()
    kappa = 1 - float((distances**2).mean() / by_chance) if by_chance > 0 else float("nan")
    return {"same": float((distances == 0).mean()), "within_one": float((distances <= 1).mean()), "kappa": kappa}
