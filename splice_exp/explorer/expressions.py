"""Searches in words: `grass > .1, not dog` asks for images with more than 0.1 of grass and no dog.

search      clause, clause, …                 all of them must hold
clause      [not] concept [comparison]        a concept alone: its code is not zero
comparison  > number, >= number, < number, <= number, = number
concept     a name of the dictionary; in quotation marks if it has a comma or a sign of comparison in it
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, nearest
from splice_exp.core.names import find_name

SIGNS: dict[str, Callable[[Tensor, float], Tensor]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
EXAMPLE = "grass > .1, not dog"
_PARTS = re.compile(r'"[^"]*"|[^",]+|,|"')
_CLAUSE = re.compile(
    r'\s*(?P<negated>not\s+)?(?:"(?P<quoted>[^"]+)"|(?P<bare>[^\s"<>=][^"<>=]*?))\s*'
    r"(?:(?P<sign>>=|<=|>|<|=)\s*(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?))?\s*",
    flags=re.IGNORECASE,
)


@dataclass(frozen=True)
class Clause:
    """One condition on one concept.

    Attributes:
        concept: As it was written.
        sign: One of `SIGNS`; None: its code is not zero.
        number: That the code is compared with.
        negated: Whether the opposite is asked for.
    """

    concept: str
    sign: str | None = None
    number: float = 0.0
    negated: bool = False

    def holds(self, codes: Codes) -> Bool[Tensor, " n"]:
        """Say of which rows it is true.

        Raises:
            SpliceError: if there is no such concept.
        """
        values = codes[known(self.concept, codes)]
        true = values != 0 if self.sign is None else SIGNS[self.sign](values, self.number)
        return ~true if self.negated else true


def parse(text: str) -> list[Clause]:
    """Read a search.

    Raises:
        SpliceError: naming the part that cannot be understood.

    Example:
        >>> parse("grass > .1, not dog")
        [Clause(concept='grass', sign='>', number=0.1, negated=False), \
Clause(concept='dog', sign=None, number=0.0, negated=True)]
    """
    parts, current = list[str](), ""
    for part in _PARTS.findall(text):
        if part == ",":
            parts.append(current)
            current = ""
        else:
            current += part
    parts.append(current)
    if not text.strip():
        raise SpliceError(f"The search is empty: write concepts, as {EXAMPLE}.")
    return [_clause(part) for part in parts]


def _clause(part: str) -> Clause:
    found = _CLAUSE.fullmatch(part)
    if found is None:
        raise SpliceError(
            f"{part.strip()!r} cannot be understood: write a concept, not before it or a comparison after it if you "
            f"like, and commas between them, as {EXAMPLE}."
        )
    concept = found["quoted"] or " ".join(found["bare"].split())
    return Clause(concept, found["sign"], float(found["number"] or 0), found["negated"] is not None)


def known(concept: str, codes: Codes) -> str:
    """Return a concept as the dictionary writes it.

    Args:
        concept: However it is written.
        codes: Over the concepts of the dictionary.

    Raises:
        SpliceError: if there is none such; the nearest are named.
    """
    found = find_name(concept, codes.concepts, {})
    if found is None:
        raise SpliceError(f"There is no concept {concept!r} in the dictionary ({nearest(concept, codes.concepts)}).")
    return found


def search(codes: Codes, text: str) -> list[int]:
    """Return the rows of which a search is true; those with the largest codes of what is asked for come first.

    Args:
        codes: Named.
        text: The search.

    Raises:
        SpliceError: if it cannot be understood, or a concept does not exist.

    Example:
        >>> import torch
        >>> codes = Codes.from_dense(torch.tensor([[0.2, 0.0], [0.3, 0.1], [0.4, 0.0]]), ("grass", "dog"))
        >>> search(codes, "grass > .1, not dog")
        [2, 0]
    """
    clauses = parse(text)
    true = clauses[0].holds(codes)
    for clause in clauses[1:]:
        true = true & clause.holds(codes)
    wanted = _wanted(clauses)
    strength = codes.sum_of([known(concept, codes) for concept in wanted])
    rows = true.nonzero().flatten()
    order = strength[rows].argsort(descending=True, stable=True)
    return [int(row) for row in rows[order]]


def _wanted(clauses: Sequence[Clause]) -> list[str]:
    """Return the concepts of which there should be much."""
    return list(dict.fromkeys(one.concept for one in clauses if not one.negated and one.sign in (None, ">", ">=")))
