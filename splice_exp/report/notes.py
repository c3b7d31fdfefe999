"""Sentences under a table that hold for some of its rows only, and are left out where it has none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from splice_exp.report.records import Row


@dataclass(frozen=True, kw_only=True)
class Note:
    """A sentence, and the rows that it is about.

    Args:
        text: The sentence.
        rows: Keys of the configuration and their values; swept or not.
    """

    text: str
    rows: Mapping[str, object]


def notes_of(rows: Sequence[Row], notes: Sequence[str | Note]) -> list[str]:
    """Return the sentences that are about some of the rows."""
    found = []
    for note in notes:
        if isinstance(note, str):
            found.append(note)
        elif any(row.is_about(note.rows) for row in rows):
            found.append(note.text)
    return found
