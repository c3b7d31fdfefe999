"""When two names mean the same thing, which names speak of a thing, and where a name stands among others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from unicodedata import normalize

from splice_exp.core.errors import SpliceError, nearest
from splice_exp.core.keys import key_of


def canonical(name: str) -> str:
    """Write names alike that differ in case, underscores, spaces, or in how accents are composed only.

    Example:
        >>> canonical("Grand_Piano ")
        'grand piano'
    """
    return " ".join(normalize("NFC", name).lower().replace("_", " ").split())


def letters(name: str) -> str:
    """Write names alike that differ in hyphens, apostrophes and spaces, too.

    Example:
        >>> letters("Jack-o'-lantern") == letters("jack o lantern") == letters("jack-o’-lantern")
        True
    """
    return "".join(letter for letter in canonical(name) if letter.isalnum())


def find_name(name: str, names: Iterable[str], aliases: Mapping[str, str]) -> str | None:
    """Return the one of some names that is meant: as it is, however it is written, or by another name of it.

    Args:
        name: What is looked for.
        names: What there is.
        aliases: Other names, canonical → name; of all there may be, also of those that do not occur.

    Returns:
        None if there is none; also if only hyphens, apostrophes and spaces would decide between several.

    Example:
        >>> find_name("Chain_saw", ["chainsaw", "church"], {"chain saw": "chainsaw"})
        'chainsaw'
        >>> find_name("jack o lantern", ["carved pumpkin"], {"jack-o'-lantern": "carved pumpkin"})
        'carved pumpkin'
    """
    names = list(names)
    if name in names:
        return name
    written = {canonical(one): one for one in reversed(names)}
    found = written.get(canonical(name)) or written.get(canonical(aliases.get(canonical(name), "")))
    if found is not None:
        return found
    others = {other: written[canonical(now)] for other, now in aliases.items() if canonical(now) in written}
    alike = {now for other, now in (written | others).items() if letters(other) == letters(name)}
    return alike.pop() if letters(name) and len(alike) == 1 else None


def as_distinct(names: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the names that differ, each as it is written first, and which of them each name is.

    Example:
        >>> as_distinct(["cup", "Hot dog", "hot_dog", "star"])
        (['cup', 'Hot dog', 'star'], [0, 1, 1, 2])
    """
    index: dict[str, int] = {}
    distinct: list[str] = []
    places: list[int] = []
    for name in names:
        places.append(index.setdefault(canonical(name), len(index)))
        if len(index) > len(distinct):
            distinct.append(name)
    return distinct, places


def mentioning(argument: str, phrases: Sequence[str], names: Sequence[str], of: object = None) -> list[str]:
    """Return the names in which one of some words or phrases occurs, as whole words.

    Args:
        argument: Name of what is checked, relative to its component.
        phrases: Each must occur in some name.
        names: Of all concepts.
        of: The component; only its constructor may leave it out.

    Returns:
        In the order of `names`, each once.

    Example:
        >>> mentioning("remove", ["grass"], ["grass", "green grass", "grasshopper"])
        ['grass', 'green grass']

    Raises:
        SpliceError: naming the key of `argument` and a phrase that occurs in no name.
    """
    padded = [f" {canonical(name)} " for name in names]
    found: set[int] = set()
    for phrase in phrases:
        places = {place for place, name in enumerate(padded) if f" {canonical(phrase)} " in name}
        if not places:
            raise SpliceError(
                f"{key_of(argument, of)} has {phrase!r}, which is in no concept ({nearest(phrase, names)})."
            )
        found |= places
    return [names[place] for place in sorted(found)]


class Named:
    """Whatever has one entry per concept: each is found by its name."""

    concepts: tuple[str, ...]

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.concepts)}

    def __contains__(self, concept: str) -> bool:
        return concept in self._index

    def index(self, concept: str) -> int:
        """Return the index of a concept.

        Raises:
            SpliceError: if there is no such concept; the nearest names are given.
        """
        if concept not in self._index:
            raise SpliceError(
                f"There is no concept {concept!r} among the {len(self.concepts)} of the {type(self).__name__.lower()} "
                f"({nearest(concept, self.concepts)})."
            )
        return self._index[concept]
