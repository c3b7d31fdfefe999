"""Notes of a table: those that explain a heading are shown only where the table has it.

Reports that share their notes need not repeat them: one that shows no captions does not explain relevance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_EXPLAINED = re.compile(r"([^.:]+): ")


def terms(note: str) -> list[str]:
    """Return the headings, or parts of headings, that a note explains: what stands before its colon.

    Example:
        >>> terms("Precision and recall: of the active concepts."), terms("The backbone is small.")
        (['Precision', 'recall'], [])
    """
    found = _EXPLAINED.match(note)
    return found[1].split(" and ") if found else []


def explains(note: str, headings: Sequence[str]) -> bool:
    """Say whether a note explains any of the headings, or is about the table as a whole.

    Args:
        note: A sentence, or several.
        headings: Of the table.

    Example:
        >>> explains("F1: of the active concepts.", ["L0", "F1 of random concepts (%)"])
        True
        >>> explains("Top-1: of reconstructions.", ["L0"])
        False
    """
    explained = terms(note)
    return not explained or any(term.casefold() in heading.casefold() for term in explained for heading in headings)
