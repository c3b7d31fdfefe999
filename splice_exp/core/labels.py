"""Labels that are numbers of classes: which number the first class has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of


def require_first_label(argument: str, first_label: object) -> None:
    """Refuse what is neither 0 nor 1 nor None.

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
