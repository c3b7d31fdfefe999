"""Labels in words, and labels that are numbers of classes: which number the first class has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of

INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")  # `007` is a name
WHOLE = re.compile(rf"^({INTEGER.pattern})\.0+$")  # as programs write a column of integers of which one is missing
TRUTH = {"false": 0, "true": 1}


def are_integers(cells: Iterable[str]) -> bool:
    """Say whether all of some texts are integers.

    Example:
        >>> are_integers(["0", "12"]), are_integers(["007"]), are_integers(["1.0"])
        (True, False, False)
    """
    return all(map(INTEGER.fullmatch, cells))


def as_integer(cell: str) -> str:
    """Return an integer without the point that some programs give it; anything else as it is.

    Example:
        >>> as_integer("2.0"), as_integer("2.5"), as_integer("cat")
        ('2', '2.5', 'cat')
    """
    return WHOLE.sub(r"\1", cell)


def if_unlabelled(labels: Iterable[int | str]) -> str:
    """Say what to do about labels that are no class, as the end of a sentence, if they are what unlabelled rows have.

    Example:
        >>> if_unlabelled([-1, -1, 7]), if_unlabelled(["7"])
        ('; -1 often stands for no label: take rows that have one', '')
    """
    return "; -1 often stands for no label: take rows that have one" if "-1" in map(str, labels) else ""


def require_first_label(argument: str, first_label: object) -> None:
    """Refuse what is neither 0 nor 1 nor None.

    Args:
        argument: Name of what is checked, relative to the component that is being made.
        first_label: What the first class is numbered by; None: not known.

    Raises:
        SpliceError: naming the key of `argument` and the value.
    """
    if first_label is not None and (isinstance(first_label, bool) or first_label not in (0, 1)):
        raise SpliceError(f"{key_of(argument)} is {first_label!r}, but must be 0 or 1, or null.")


def label_of_first(
    labels: Iterable[int], classes: Sequence[str], first_label: int | None, source: str, of: object = None
) -> int:
    """Return the label of the first class: 0, unless labels may start at 1; then it must be said.

    Labels that start at 1 would give every sample the class after its own, and an accuracy of almost nothing.

    Args:
        labels: All there are.
        classes: Their names.
        first_label: 0 or 1, where it was said.
        source: The configuration key and file that an error should name.
        of: The component; only its constructor may leave it out.

    Raises:
        SpliceError: if it was not said, and the smallest label is 1.
    """
    if first_label is not None:
        return first_label
    found = set(labels)
    if not found or min(found) != 1 or max(found) > len(classes):
        return 0
    otherwise = "" if max(found) == len(classes) else f", or 0 if no sample is of the first class, {classes[0]!r}"
    raise SpliceError(
        f"{source} run from 1 to {max(found)} for {len(classes)} classes, and none is 0: do they start at 1? Then set "
        f"{key_of('first_label', of)} to 1{otherwise}."
    )


def indices_among(
    names: Sequence[str],
    taken: Sequence[str],
    cells: Sequence[str],
    first_label: int | None,
    source: str,
    of: object = None,
) -> list[int]:
    """Return the index of each label among names: that of its word, or as an integer says; −1 for another word.

    Integers may be written as 1.0, and those of two names as false and true.

    Args:
        names: Of what labels can be.
        taken: The labels, as they are written.
        cells: All labels there are, of which those are a part: the part may lack the first name.
        first_label: 0 or 1, where it was said.
        source: The configuration key and what an error should call the labels.
        of: The component; only its constructor may leave it out.

    Raises:
        SpliceError: if integers may start at 1, and it was not said.
    """
    index = {name: number for number, name in enumerate(names)}
    if not set(taken) <= index.keys():
        if len(names) == len(TRUTH) and all(cell.lower() in TRUTH for cell in taken):
            return [TRUTH[cell.lower()] for cell in taken]
        taken, cells = (list(map(as_integer, some)) for some in (taken, cells))
    if set(taken) <= index.keys() or not are_integers(taken):
        return [index.get(cell, -1) for cell in taken]
    first = label_of_first((int(cell) for cell in cells if INTEGER.fullmatch(cell)), names, first_label, source, of)
    return [int(cell) - first for cell in taken]
