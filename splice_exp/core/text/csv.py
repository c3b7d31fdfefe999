"""Our tables as csv: for machines, and for programs that take some texts for formulas."""

from __future__ import annotations

import re

import pandas as pd

# What a spreadsheet computes, or sends somewhere, when the file is opened.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\n]")


def as_csv(frame: pd.DataFrame) -> str:
    """Write a table with a line of headings; a text that a spreadsheet would take for a formula begins with `'`.

    Example:
        >>> print(as_csv(pd.DataFrame({"concept": ["=1+1", "-0.5", "dog"], "code": [-0.5, None, 2.0]})))
        concept,code
        '=1+1,-0.5
        -0.5,
        dog,2.0
        <BLANKLINE>

    References:
        OWASP. CSV injection.
    """
    shown = frame.map(_harmless).rename(columns=_harmless)
    return shown.to_csv(index=False, lineterminator="\n")


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # a carriage return alone would end a line for some readers
    return f"'{text}" if _FORMULA.match(text) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
