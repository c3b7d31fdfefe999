"""Notes of a table: those that explain a heading are shown only where the table has it, those of some rows with these.

Reports that share their notes need not repeat them: one that shows no captions does not explain relevance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from splice_exp.report.records import Row

_EXPLAINED = re.compile(r"([^.:]+): ")


@dataclass(frozen=True, kw_only=True)
class Note:
    """A sentence, and the rows that it is about.

    Args:
        text: The sentence.
        rows: Keys of the configuration and their values; swept or not.
    """

    text: str
    rows: Mapping[str, object]


def notes_of(rows: Sequence[Row], headings: Sequence[str], notes: Sequence[str | Note]) -> list[str]:
    """Return the sentences that are about the table, its headings or some of its rows.

    Args:
        rows: Of the table.
        headings: Of the table.
        notes: Of the report.
    """
    texts = [
        note if isinstance(note, str) else note.text
        for note in notes
        if isinstance(note, str) or any(row.is_about(note.rows) for row in rows)
    ]
    return [text for text in texts if explains(text, headings)]


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
